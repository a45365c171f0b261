"""The "Getting started" list of a new member. It ticks itself, says once that it is done, and never returns.

Costs nothing afterwards: whether it is over comes with the member of the request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_, select, update
from sqlmodel import Session, col

from app import clock, database
from app.connectors.services import services_of
from app.hub import prompts
from app.oauth_server.models import AccessToken, Grant, RefreshToken
from app.usage.models import CallRow
from app.vault.models import Connection
from app.workspaces.guard import Member
from app.workspaces.models import Membership

# Among how many of the workspace's newest calls a first one is looked for: polled, so bounded.
_NEWEST = 500
_FINISHED = ".finished"  # in the fingerprint of a page that says so


@dataclass(frozen=True)
class GettingStarted:
    """The list. `prompts` are questions to copy, made from what is connected."""

    connected: bool
    has_client: bool
    has_called: bool
    prompts: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """True once every step is."""
        return self.connected and self.has_client and self.has_called

    @property
    def done(self) -> int:
        """How many of the three steps are done."""
        return self.connected + self.has_client + self.has_called

    @property
    def fingerprint(self) -> str:
        """Changes when a step is done."""
        if self.is_done:
            return _FINISHED
        return f".{self.connected:d}{self.has_client:d}{self.has_called:d}"


def load(
    db: Session, member: Member, connections: Sequence[Connection], seen: str = ""
) -> GettingStarted | None:
    """The list as it is now; None once it is over. A page that says it is done goes on saying so.

    `seen` is the fingerprint of the page in front of the person.
    """
    is_over = member.getting_started_done_at is not None
    if is_over and not seen.endswith(_FINISHED):
        return None
    connectors = [services_of(member.workspace.id).find(slug) for slug in _usable(connections)]
    questions = prompts.for_services(connector for connector in connectors if connector)
    if is_over:
        return GettingStarted(True, True, True, questions)
    grants = _used_by_grant(db, member)
    return GettingStarted(
        connected=bool(connections),
        has_client=bool(grants),
        has_called=any(grants.values()) and _has_called(db, member, list(grants)),
        prompts=questions,
    )


def finish(member: Member) -> None:
    """Notes that the member is done with the list, or dismissed it. Idempotent."""
    with database.transaction() as db:
        db.execute(
            update(Membership)
            .where(
                col(Membership.workspace_id) == member.workspace.id,
                col(Membership.user_id) == member.user.id,
                col(Membership.getting_started_done_at).is_(None),
            )
            .values(getting_started_done_at=clock.now())
        )


def _usable(connections: Sequence[Connection]) -> list[str]:
    """The services an AI client can be asked about, oldest connection first."""
    usable = (c.slug for c in connections if c.state == "connected" and c.permission != "off")
    return list(dict.fromkeys(usable))


def _used_by_grant(db: Session, member: Member) -> dict[str, bool]:
    """The member's AI clients and tokens that can still call, and whether each was used.

    A grant alone is not enough: it exists before the AI client has fetched its token.
    """
    has_token = or_(
        exists().where(col(AccessToken.grant_id) == col(Grant.id)),
        exists().where(col(RefreshToken.grant_id) == col(Grant.id)),
    )
    found = select(col(Grant.id), col(Grant.last_used_at)).where(
        col(Grant.workspace_id) == member.workspace.id,
        col(Grant.user_id) == member.user.id,
        col(Grant.revoked_at).is_(None),
        has_token,
    )
    return {grant_id: used_at is not None for grant_id, used_at in db.execute(found).all()}


def _has_called(db: Session, member: Member, grant_ids: list[str]) -> bool:
    """Whether an AI client of theirs called a tool. What they try in the browser has no grant."""
    newest = (
        select(col(CallRow.grant_id))
        .where(col(CallRow.workspace_id) == member.workspace.id)
        .order_by(col(CallRow.id).desc())
        .limit(_NEWEST)
        .subquery()
    )
    called = select(newest.c.grant_id).where(newest.c.grant_id.in_(grant_ids)).limit(1)
    return db.execute(called).first() is not None
