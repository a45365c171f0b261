"""What acts for a person without being signed in: AI clients, tokens and keys, and linked logins."""

from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlmodel import Session, col

from app import clock
from app.accounts import linked_logins
from app.accounts.linked_logins import FIREBASE
from app.identity_exchange import identities
from app.oauth_server import consents, grants
from app.oauth_server.models import AccessToken, Grant, RefreshToken
from app.workspaces.models import Workspace

_LISTED = 20


@dataclass(frozen=True)
class RemainingAccess:
    """What still has access: `clients` as name and workspace, at most 20 of `count`; and `logins`."""

    clients: tuple[tuple[str, str], ...] = ()
    count: int = 0
    logins: int = 0

    def __bool__(self) -> bool:
        return bool(self.count or self.logins)


def find(db: Session, user_id: str) -> RemainingAccess:
    """Return what acts for a person now, in all their workspaces."""
    at = clock.now()
    has_token = or_(
        *(
            exists().where(col(token.grant_id) == col(Grant.id), col(token.expires_at) > at)
            for token in (AccessToken, RefreshToken)
        )
    )
    query = (
        select(col(Grant.client_name), col(Workspace.name))
        .join(Workspace, col(Workspace.id) == col(Grant.workspace_id))
        .where(col(Grant.user_id) == user_id, col(Grant.revoked_at).is_(None), has_token)
        .order_by(col(Workspace.name), col(Grant.client_name))
        .distinct()
    )
    found = tuple((row[0], row[1]) for row in db.execute(query))
    return RemainingAccess(found[:_LISTED], len(found), len(linked_logins.list_of(db, FIREBASE, user_id)))


def end_all(db: Session, user_id: str) -> None:
    """End all of it, from the next request on. AI clients must be allowed again, and logins, too."""
    reason = "You ended it when you changed your password."
    identities.remove(db, user_id, reason, by=user_id)
    grants.revoke_everywhere(db, user_id, reason, by=user_id)
    consents.forget_all(db, user_id)
