"""A write begins to wait, is found again by the same call, and its end is told once."""

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
from app.approvals import expiry, models
from app.approvals.models import Approval
from app.config import Settings
from app.database import transaction
from app.errors import ApprovalNeeded, InvalidArguments, Unavailable
from app.oauth_server.callers import Caller
from app.vault.seal import seal

MOST_WAITING = 50  # of one person in one workspace
MOST_CHARACTERS = 200_000  # of arguments: more than that nobody reads before a yes
_ENDED = frozenset({models.DONE, models.FAILED, models.UNKNOWN, models.REJECTED})


@dataclass(frozen=True)
class Act:
    """What would be done. `arguments` are JSON-ready, checked, with their defaults."""

    tool: str
    title: str
    slug: str
    service: str
    connection_id: str
    account: str
    business_id: str | None
    business: str
    is_destructive: bool
    arguments: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        """The arguments as one text, the same however they were ordered."""
        return json.dumps(self.arguments, sort_keys=True, ensure_ascii=False)


def place(settings: Settings, caller: Caller, act: Act) -> Approval:
    """The caller's request for this act: the one there is, or a new one that waits.

    One that has ended is told by this: the next call of the same kind asks anew.
    Raises ApprovalNeeded when too many wait already, InvalidArguments when it is more than a person can look
    through.
    """
    if len(act.canonical) > MOST_CHARACTERS:
        raise InvalidArguments(
            "This is too much at once for a person to approve: split it into several calls."
        )
    expiry.sweep_sometimes()
    key = keyed_digest(
        settings,
        "approval",
        caller.grant_id,
        caller.workspace_id,
        act.tool,
        act.connection_id,
        act.business_id or "",
        act.canonical,
    )
    for _ in range(3):
        try:
            with transaction() as db:
                found = _find_open(db, key)
                return found if found is not None else _new(db, settings, caller, act, key)
        except IntegrityError:
            continue  # the same call came twice at once, and the other was first
    raise Unavailable()


def find(caller: Caller, approval_id: str) -> Approval | None:
    """The caller's own request of that id, or None. One that has ended is told by this."""
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
            _tell(found, clock.now())
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
    _tell(found, at)
    return found


def _tell(found: Approval, at: datetime) -> None:
    if found.state in _ENDED:
        found.open_key, found.told_at = None, found.told_at or at


def _new(db: Session, settings: Settings, caller: Caller, act: Act, key: str) -> Approval:
    at = clock.now()
    waiting = select(func.count()).where(
        col(Approval.workspace_id) == caller.workspace_id,
        col(Approval.user_id) == caller.user_id,
        col(Approval.state) == models.WAITING,
        col(Approval.until) > at,
    )
    if db.execute(waiting).scalar_one() >= MOST_WAITING:
        raise ApprovalNeeded(
            f"Nothing was done: {MOST_WAITING} requests wait for a yes already. Ask the person to decide "
            "those first, at "
            f"{settings.public_url}/approvals .",
            details={"approvals_url": f"{settings.public_url}/approvals"},
        )
    approval = Approval(
        id=crypto.new_id("apr"),
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        grant_id=caller.grant_id,
        client_name=caller.client_name[:200],
        connection_id=act.connection_id,
        slug=act.slug,
        service=act.service[:100],
        account=act.account[:320],
        business_id=act.business_id,
        business=act.business[:200],
        tool=act.tool,
        title=act.title[:200],
        is_destructive=act.is_destructive,
        arguments_sealed="",
        idempotency_key=crypto.new_token(),
        open_key=key,
        until=at + models.WAITING_LIMIT,
        created_at=at,
    )
    seal(settings.vault_keys, approval, "arguments_sealed", act.canonical)
    db.add(approval)
    db.flush()
    audit.record(
        db,
        "approval.requested",
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        subject=approval.id,
        tool=act.tool,
        connection=act.connection_id,
        client=approval.client_name,
    )
    return approval
