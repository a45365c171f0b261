"""A write starts to wait, the same call finds it again, and its outcome is delivered once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app import audit, clock, crypto
from app.accounts.keyed_hash import keyed_digest
from app.approvals import events, expiry, models, stored_preview
from app.approvals.models import Approval
from app.config import Settings
from app.connectors.preview import Preview
from app.database import transaction
from app.errors import ApprovalNeeded, InvalidArguments, Unavailable
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.seal import seal

MOST_WAITING = 50  # of one person in one workspace
MOST_CHARACTERS = 200_000  # of arguments: nobody reads more than that before they approve
_ENDED = frozenset({models.DONE, models.FAILED, models.UNKNOWN, models.REJECTED})


@dataclass(frozen=True)
class ProposedWrite:
    """What would be done. `arguments` are JSON-ready and checked, with their defaults."""

    tool: str
    version: str  # of the tool: an approval counts for no other
    title: str
    slug: str
    service: str
    connection_id: str
    account: str
    business_id: str | None
    business: str
    is_destructive: bool
    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]  # of the arguments that have one

    @property
    def canonical(self) -> str:
        """The arguments as one text, the same in any order."""
        return json.dumps(self.arguments, sort_keys=True, ensure_ascii=False)


def find_open(settings: Settings, caller: AuthenticatedCaller, write: ProposedWrite) -> Approval | None:
    """The caller's existing request for this write, or None if a new one may be created.

    Returning one that has ended delivers it: the next such call makes a new request. Raises ApprovalNeeded
    when too many wait already, InvalidArguments when it is more than a person can look through.
    """
    if len(write.canonical) > MOST_CHARACTERS:
        raise InvalidArguments(
            "This is too much for a person to review at once. Split it into several calls."
        )
    expiry.sweep_if_due()
    with transaction() as db:
        found = _find_open(db, _key_of(settings, caller, write))
        if found is None:
            _check_room(db, settings, caller)
        return found


def create(
    settings: Settings, caller: AuthenticatedCaller, write: ProposedWrite, preview: Preview
) -> Approval:
    """A new request that waits; or the one that the same call, coming twice at once, created first.

    Raises ApprovalNeeded when too many wait already.
    """
    key = _key_of(settings, caller, write)
    for _ in range(3):
        try:
            with transaction() as db:
                found = _find_open(db, key)
                return found if found is not None else _new(db, settings, caller, write, preview, key)
        except IntegrityError:
            continue  # the same call came twice at once, and the other was first
    raise Unavailable()


def find(caller: AuthenticatedCaller, approval_id: str) -> Approval | None:
    """The caller's own request of that id, or None. Returning one that has ended delivers it."""
    with transaction() as db:
        mine = (
            col(Approval.id) == approval_id,
            col(Approval.grant_id) == caller.grant_id,
            col(Approval.workspace_id) == caller.workspace_id,
        )
        found: Approval | None = db.execute(
            select(Approval).where(*mine).with_for_update()
        ).scalar_one_or_none()
        if found is not None:
            expiry.end_if_over(db, found, clock.now())
            _mark_delivered(found, clock.now())
        return found


def _find_open(db: Session, key: str) -> Approval | None:
    at = clock.now()
    found: Approval | None = db.execute(
        select(Approval).where(col(Approval.open_key) == key).with_for_update()
    ).scalar_one_or_none()
    if found is None:
        return None
    expiry.end_if_over(db, found, at)
    if found.open_key is None or (found.ended_at is not None and found.ended_at + models.WAITING_LIMIT <= at):
        found.open_key = None
        db.flush()
        return None
    _mark_delivered(found, at)
    return found


def _key_of(settings: Settings, caller: AuthenticatedCaller, write: ProposedWrite) -> str:
    return keyed_digest(
        settings,
        "approval",
        caller.grant_id,
        caller.workspace_id,
        write.tool,
        write.connection_id,
        write.business_id or "",
        write.canonical,
        *([write.version] if write.version else []),
    )


def _check_room(db: Session, settings: Settings, caller: AuthenticatedCaller) -> None:
    waiting = select(func.count()).where(
        col(Approval.workspace_id) == caller.workspace_id,
        col(Approval.user_id) == caller.user_id,
        col(Approval.state) == models.WAITING,
        col(Approval.until) > clock.now(),
    )
    if db.execute(waiting).scalar_one() >= MOST_WAITING:
        raise ApprovalNeeded(
            f"Nothing was changed: {MOST_WAITING} requests are already waiting for approval. Ask the person "
            f"to decide those first at {settings.public_url}/approvals .",
            details={"approvals_url": f"{settings.public_url}/approvals"},
        )


def _mark_delivered(found: Approval, at: datetime) -> None:
    if found.state in _ENDED:
        found.open_key, found.delivered_at = None, found.delivered_at or at


def _new(
    db: Session,
    settings: Settings,
    caller: AuthenticatedCaller,
    write: ProposedWrite,
    preview: Preview,
    key: str,
) -> Approval:
    at = clock.now()
    _check_room(db, settings, caller)
    approval = Approval(
        id=crypto.new_id("apr"),
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        grant_id=caller.grant_id,
        client_name=caller.client_name[:200],
        connection_id=write.connection_id,
        slug=write.slug,
        service=write.service[:100],
        account=write.account[:320],
        business_id=write.business_id,
        business=write.business[:200],
        tool=write.tool,
        tool_version=write.version,
        title=write.title[:200],
        is_destructive=write.is_destructive,
        arguments_sealed="",
        idempotency_key=crypto.new_token(),
        open_key=key,
        until=at + models.WAITING_LIMIT,
        created_at=at,
    )
    seal(settings.vault_keys, approval, "arguments_sealed", write.canonical)
    stored_preview.seal_into(settings, approval, preview, write.arguments, write.defaults)
    db.add(approval)
    db.flush()
    audit.record(
        db,
        "approval.requested",
        **audit.about(approval, caller.user_id),
        tool=write.tool,
        connection=write.connection_id,
        client=approval.client_name,
    )
    events.announce_waiting(db, approval)
    return approval
