"""What a tool's preview returned when the write was requested: sealed with the request, read for display."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from app import clock
from app.approvals.argument_text import visible
from app.approvals.models import RUNNING, Approval
from app.config import Settings
from app.connectors.preview import Fact, Preview
from app.database import transaction
from app.errors import Undecipherable
from app.vault.seal import seal, unseal

_SHUT = "What was looked up can't be opened: a key of this installation is missing."


@dataclass(frozen=True)
class StoredPreview:
    """What a person reads of a request. Every text is `visible`; headline and button are single lines.

    `button` is "" and `looked_up_at` None for a request that has no preview. `was` holds, by label, what the
    facts read before they were looked up again.
    """

    headline: str
    button: str = ""
    facts: tuple[Fact, ...] = ()
    warning: str = ""
    looked_up_at: datetime | None = None
    was: Mapping[str, str] = field(default_factory=dict)


def seal_into(
    settings: Settings,
    approval: Approval,
    preview: Preview,
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any],
    was: Mapping[str, str] | None = None,
) -> None:
    """Seal the preview into the request's row, looked up now."""
    content = {
        "headline": preview.full_headline(arguments, defaults),
        "button": preview.button,
        "facts": [[fact.label, fact.value] for fact in preview.facts],
        "warning": preview.warning,
        "looked_up_at": clock.now().isoformat(),
        "was": dict(was or {}),
    }
    seal(settings.vault_keys, approval, "preview_sealed", json.dumps(content, ensure_ascii=False))


def replace_if_changed(
    settings: Settings,
    approval: Approval,
    preview: Preview,
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> StoredPreview | None:
    """Store a new look-up if it reads differently from the one the person saw. Returns it then, else None."""
    judged, before = preview_of(settings, approval), approval.preview_sealed
    seal_into(settings, approval, preview, arguments, defaults)
    found = preview_of(settings, approval)
    if replace(found, looked_up_at=judged.looked_up_at, was=judged.was) == judged:
        approval.preview_sealed = before
        return None
    now = {fact.label: fact.value for fact in found.facts}
    was = {fact.label: fact.value for fact in judged.facts if now.get(fact.label) != fact.value}
    seal_into(settings, approval, preview, arguments, defaults, was)
    with transaction() as db:
        mine = (col(Approval.id) == approval.id, col(Approval.state) == RUNNING)
        db.execute(update(Approval).where(*mine).values(preview_sealed=approval.preview_sealed))
    return found


def preview_of(settings: Settings, approval: Approval) -> StoredPreview:
    """The request's preview. Its tool's title alone if it has none; with a warning if it can't be opened."""
    if approval.preview_sealed is None:
        return StoredPreview(_line(approval.title))
    try:
        content: dict[str, Any] = json.loads(unseal(settings.vault_keys, approval, "preview_sealed"))
    except Undecipherable:
        return StoredPreview(_line(approval.title), warning=_SHUT)
    return StoredPreview(
        headline=_line(content["headline"]),
        button=_line(content["button"]),
        facts=tuple(Fact(visible(label), visible(value)) for label, value in content["facts"]),
        warning=visible(content["warning"]),
        looked_up_at=datetime.fromisoformat(content["looked_up_at"]),
        was={visible(label): visible(value) for label, value in content.get("was", {}).items()},
    )


def _line(text: str) -> str:
    return " ".join(visible(text).split())
