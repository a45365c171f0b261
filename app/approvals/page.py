"""The data of the approvals page: loaded in one query, unsealed, put into words.

`headlines` serves other pages that name a request.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock
from app.approvals import argument_text, expiry, models, rights
from app.approvals.argument_text import DisplayedArgument
from app.approvals.models import Approval
from app.approvals.stored_preview import StoredPreview, preview_of
from app.config import Settings
from app.connectors.services import services_of
from app.connectors.tool import Tool
from app.database import reading
from app.errors import NotFound, PatchbayError, Undecipherable
from app.vault.models import Connection
from app.vault.seal import unseal
from app.workspaces.guard import Member

_MOST_DECIDED = 20


class ApprovalElsewhere(PatchbayError):
    """The link is the person's own, but belongs to another of their workspaces."""

    code = "ANOTHER_WORKSPACE"
    status = 409
    message = (
        "This request belongs to another of your workspaces. Switch to that workspace at the top, then "
        "open the link again."
    )


@dataclass(frozen=True)
class ApprovalCard:
    """One request in all its states."""

    id: str
    state: str
    preview: StoredPreview
    tool: str
    slug: str
    service: str
    account: str
    business: str
    client_name: str
    asker: str  # "" when it is the member's own AI client
    is_destructive: bool
    is_dry_run: bool
    created_at: datetime
    until: datetime | None
    arguments: tuple[DisplayedArgument, ...]
    warning: str = ""
    problem: str = ""
    decided_by: str = ""  # "you", or a name
    decided_at: datetime | None = None
    via: str = ""
    outcome: str = ""  # how it ended, in a sentence
    answer: tuple[DisplayedArgument, ...] = field(default=())
    version: str = ""


@dataclass(frozen=True)
class ApprovalBoard:
    """Everything the page shows. `fingerprint` changes with any of it."""

    waiting: tuple[ApprovalCard, ...]
    running: tuple[ApprovalCard, ...]
    decided: tuple[ApprovalCard, ...]
    fingerprint: str
    only: str = ""  # the one request the page is about, or ""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing at all."""
        return not (self.waiting or self.running or self.decided)


def load(settings: Settings, member: Member, only: str = "") -> ApprovalBoard:
    """What waits for this member and recent decisions; or `only` one. Raises NotFound, ApprovalElsewhere."""
    expiry.sweep_if_due()
    with reading() as db:
        rows = _rows(db, member, only)
        if only and not rows:
            raise _not_found_error(db, member, only)
    cards = [_card(settings, member, *row) for row in rows]
    by_state = {
        state: tuple(card for card in cards if card.state == state)
        for state in (models.WAITING, models.RUNNING)
    }
    decided = tuple(card for card in cards if card.state not in by_state)
    fingerprint = _digest("".join(card.id + card.version for card in cards))
    return ApprovalBoard(by_state[models.WAITING], by_state[models.RUNNING], decided, fingerprint, only)


def count(member: Member) -> int:
    """How many requests wait for this member."""
    with reading() as db:
        return rights.count_waiting(db, member)


def headlines(db: Session, settings: Settings, member: Member, ids: Collection[str]) -> dict[str, str]:
    """The headline of each of these requests that the member may decide, for pages that name one by its id.

    Others of the workspace have no right to it: it holds what was looked up in a personal connection, too.
    """
    found = db.execute(rights.decidable_by(member).where(col(Approval.id).in_(ids))).all()
    return {approval.id: preview_of(settings, approval).headline for approval, *_ in found}


def _rows(db: Session, member: Member, only: str) -> Sequence[Any]:
    decidable = rights.decidable_by(member)
    if only:
        return db.execute(decidable.where(col(Approval.id) == only)).all()
    open_states = (models.WAITING, models.RUNNING)
    waits = db.execute(
        decidable.where(col(Approval.state).in_(open_states)).order_by(
            col(Approval.created_at), col(Approval.id)
        )
    ).all()
    ended = decidable.where(col(Approval.state).not_in(open_states))
    return [
        *waits,
        *db.execute(
            ended.order_by(col(Approval.created_at).desc(), col(Approval.id)).limit(_MOST_DECIDED)
        ).all(),
    ]


def _not_found_error(db: Session, member: Member, approval_id: str) -> PatchbayError:
    own = select(col(Approval.workspace_id)).where(
        col(Approval.id) == approval_id, col(Approval.user_id) == member.user.id
    )
    elsewhere = db.execute(own).scalar_one_or_none()
    if elsewhere is not None and elsewhere in {workspace.id for workspace in member.workspaces}:
        return ApprovalElsewhere()
    return NotFound("There's no such request here. Requests are deleted after 30 days.")


def _card(
    settings: Settings, member: Member, approval: Approval, connection: Connection | None, asker: Any
) -> ApprovalCard:
    arguments, tool = _arguments(settings, approval), _tool(approval)
    state = _state_now(approval)
    mine = approval.user_id == member.user.id
    card = ApprovalCard(
        id=approval.id,
        state=state,
        preview=preview_of(settings, approval),
        tool=approval.tool,
        slug=approval.slug,
        service=approval.service,
        account=argument_text.visible(approval.account),
        business=argument_text.visible(approval.business) if approval.business != approval.account else "",
        client_name=argument_text.visible(approval.client_name) or "An AI client",
        asker="" if mine else argument_text.visible(asker.name or asker.email),
        is_destructive=approval.is_destructive,
        is_dry_run=arguments.get("dry_run") is True,
        created_at=approval.created_at,
        until=approval.until if state == models.WAITING else None,
        arguments=tuple(argument_text.display(arguments, tool.input_schema if tool else None)),
        warning=_warning(approval, connection, tool) if state == models.WAITING else "",
        problem=approval.problem or "",
        decided_by="you"
        if approval.decided_by == member.user.id
        else argument_text.visible(approval.decided_by_name),
        decided_at=approval.decided_at,
        via=approval.via,
    )
    if state in {models.DONE, models.FAILED, models.UNKNOWN}:
        outcome, answer = _outcome(settings, approval)
        card = replace(card, outcome=outcome, answer=tuple(answer))
    return replace(card, version=_digest(repr(card)))


def _state_now(approval: Approval) -> str:
    """The state of the row, or the one the next sweep will set."""
    over = approval.until is not None and approval.until <= clock.now()
    return (
        {models.WAITING: models.EXPIRED, models.RUNNING: models.UNKNOWN}.get(approval.state, approval.state)
        if over
        else approval.state
    )


def _warning(approval: Approval, connection: Connection | None, tool: Tool | None) -> str:
    """What a person should know before they approve."""
    if connection is None:
        return f"{approval.service} has been disconnected since, so this can't run."
    if tool is None:
        return "This tool is no longer available, so this can't run."
    if tool.version != approval.tool_version:
        return (
            f"{approval.service} changed this tool after it was requested, so no approval counts. "
            "Reject it and ask your AI client again."
        )
    if tool.unavailable:
        return f"{tool.unavailable} So this can't run now."
    if connection.permission in {"off", "read"}:
        level = "off" if connection.permission == "off" else "read only"
        return f"This connection is now set to {level}. Change that before you approve."
    if connection.permission == "write":
        return (
            "This connection no longer asks before writing, so the AI client may have done this already. "
            "Check before you approve."
        )
    if connection.state != "connected":
        return f"Reconnect {approval.service} before you approve."
    return ""


def _outcome(settings: Settings, approval: Approval) -> tuple[str, list[DisplayedArgument]]:
    """How it ended, and what the service returned."""
    if not approval.outcome_sealed:
        return f"{approval.service} may or may not have done this. Check there before trying again.", []
    try:
        envelope: dict[str, Any] = json.loads(unseal(settings.vault_keys, approval, "outcome_sealed"))
    except Undecipherable:
        return "The result can't be opened: a key of this installation is missing.", []
    if not envelope.get("success"):
        return argument_text.visible(str(envelope.get("error", {}).get("message", ""))), []
    data = envelope.get("data")
    filled = {name: v for name, v in data.items() if v != ""} if isinstance(data, Mapping) else {}
    return argument_text.visible(str(envelope.get("message", ""))), argument_text.display(filled)


def _arguments(settings: Settings, approval: Approval) -> dict[str, Any]:
    try:
        arguments: dict[str, Any] = json.loads(unseal(settings.vault_keys, approval, "arguments_sealed"))
    except Undecipherable:
        return {"arguments": "They can't be opened: a key of this installation is missing. Reject this."}
    return arguments


def _tool(approval: Approval) -> Tool | None:
    known = services_of(approval.workspace_id).find_tool(approval.tool)
    return known[1] if known else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ApprovalNotice:
    """A sentence above the page. kind: good, bad, warning."""

    kind: str
    sentence: str


def outcome_notice(board: ApprovalBoard) -> ApprovalNotice:
    """The outcome of the one request on the board, whoever decided it."""
    [card] = (*board.waiting, *board.running, *board.decided)
    by = "" if card.decided_by in {"", "you"} else f" {card.decided_by} decided first."
    kind, words = _outcome_sentence(card)
    return ApprovalNotice(kind, words + by)


def _outcome_sentence(card: ApprovalCard) -> tuple[str, str]:
    headline = card.preview.headline
    return {
        models.WAITING: (
            "bad",
            f"Not done: {headline}. {'The request says why.' if card.problem else 'Please try again.'}",
        ),
        models.RUNNING: ("good", f"Running: {headline}. The outcome appears here."),
        models.DONE: ("good", f"Done: {headline}. {card.outcome}"),
        models.FAILED: ("bad", f"Failed: {headline}. {card.outcome}"),
        models.UNKNOWN: ("warning", f"Outcome unknown: {headline}. {card.outcome}"),
        models.REJECTED: ("good", f"Rejected: {headline}. Nothing was changed."),
        models.EXPIRED: (
            "warning",
            f"Expired: {headline}. Nothing was changed. To do it after all, ask your AI client again.",
        ),
    }[card.state]
