"""The data of the approvals page: loaded in one query, unsealed, put into words."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock
from app.approvals import argument_text, expiry, models, rights
from app.approvals.argument_text import DisplayedArgument
from app.approvals.models import Approval
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
        "This request belongs to another of your workspaces. Switch to that workspace at the top and "
        "open the link again."
    )


@dataclass(frozen=True)
class ApprovalCard:
    """One request in all its states."""

    id: str
    state: str
    title: str
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
    return NotFound("There is no such request here. It may be older than 30 days.")


def _card(
    settings: Settings, member: Member, approval: Approval, connection: Connection | None, asker: Any
) -> ApprovalCard:
    arguments, tool = _arguments(settings, approval), _tool(approval)
    state = _state_now(approval)
    mine = approval.user_id == member.user.id
    card = ApprovalCard(
        id=approval.id,
        state=state,
        title=argument_text.visible(approval.title),
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
        return f"{approval.service} has been disconnected meanwhile, so this cannot be done any more."
    if tool is None:
        return "This tool is not offered any more, so this cannot be done."
    if connection.permission in {"off", "read"}:
        return (
            f"This connection is set to {'off' if connection.permission == 'off' else 'read only'} now. "
            "Change that first, then approve."
        )
    if connection.permission == "write":
        return (
            "This connection does not ask any more: the AI client may have done this already. Check "
            "before you approve."
        )
    if connection.state != "connected":
        return f"{approval.service} needs to be reconnected first."
    return ""


def _outcome(settings: Settings, approval: Approval) -> tuple[str, list[DisplayedArgument]]:
    """How it ended, and what the service answered."""
    if not approval.outcome_sealed:
        return (
            f"{approval.service} may or may not have done it: check there before it is asked for again."
        ), []
    try:
        envelope: dict[str, Any] = json.loads(unseal(settings.vault_keys, approval, "outcome_sealed"))
    except Undecipherable:
        return "What came of it cannot be opened any more: a key of this installation is missing.", []
    if not envelope.get("success"):
        return argument_text.visible(str(envelope.get("error", {}).get("message", ""))), []
    data = envelope.get("data")
    return argument_text.visible(str(envelope.get("message", ""))), argument_text.display(data) if isinstance(
        data, Mapping
    ) else []


def _arguments(settings: Settings, approval: Approval) -> dict[str, Any]:
    try:
        arguments: dict[str, Any] = json.loads(unseal(settings.vault_keys, approval, "arguments_sealed"))
    except Undecipherable:
        return {
            "arguments": "They cannot be opened any more: a key of this installation is missing. Reject this."
        }
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
    by = "" if card.decided_by in {"", "you"} else f" {card.decided_by} had decided before you."
    kind, words = _outcome_sentence(card)
    return ApprovalNotice(kind, words + by)


def _outcome_sentence(card: ApprovalCard) -> tuple[str, str]:
    if card.state == models.WAITING:
        return "bad", f"{card.title} was not done. {card.problem or 'Please try again.'}"
    if card.state == models.RUNNING:
        return "good", f"{card.title} is being done now. This page shows how it ends."
    return {
        models.DONE: ("good", f"Done: {card.title}. {card.outcome}"),
        models.FAILED: ("bad", f"{card.title} did not work. {card.outcome}"),
        models.UNKNOWN: ("warning", f"{card.title}: {card.outcome}"),
        models.REJECTED: ("good", f"Rejected: {card.title}. Nothing was done."),
        models.EXPIRED: (
            "warning",
            f"{card.title} had expired, so nothing was done. Ask your AI client again.",
        ),
    }[card.state]
