"""Grants: what a person gave an AI client, or issued by hand. List, issue and revoke them."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select, true, update
from sqlmodel import Session, col

from app import audit, clock
from app.accounts import linked_logins
from app.accounts.models import User
from app.crypto import digest, new_id, new_token
from app.errors import Forbidden, InvalidInput, NotFound
from app.last_use import LastUse
from app.oauth_server import consents
from app.oauth_server import scopes as scope_names
from app.oauth_server.callers import API_KEY, API_KEY_PREFIX, PERSONAL_PREFIX
from app.oauth_server.models import AccessToken, Grant, RefreshToken
from app.web import current
from app.workspaces.guard import Member

IDENTITY = "identity"  # the kind of a grant that Firebase ID tokens are exchanged for
_REVOKED_LISTED_FOR = timedelta(days=30)
_LONGEST_PERSONAL_SECONDS = 365 * 86_400

last_use = LastUse(Grant)


def list_for(db: Session, member: Member, *, of_all: bool = False) -> list[Grant]:
    """The member's own grants in this workspace, newest first: live ones, and those revoked in the last 30
    days.

    With `of_all` those of every member, for owners and admins; raises Forbidden for anybody else. An
    operator's API key belongs to nobody in the workspace it acts in: those are listed and revoked under
    /admin.
    """
    if of_all and not member.manages:
        raise Forbidden()
    at = clock.now()
    has_token = or_(
        exists().where(col(AccessToken.grant_id) == col(Grant.id), col(AccessToken.expires_at) > at),
        exists().where(col(RefreshToken.grant_id) == col(Grant.id), col(RefreshToken.expires_at) > at),
    )
    query = (
        select(Grant)
        .where(
            col(Grant.workspace_id) == member.workspace.id,
            true() if of_all else col(Grant.user_id) == member.user.id,
        )
        .where(
            has_token,
            col(Grant.kind) != API_KEY,
            or_(col(Grant.revoked_at).is_(None), col(Grant.revoked_at) > at - _REVOKED_LISTED_FOR),
        )
        .order_by(col(Grant.revoked_at).is_not(None), col(Grant.created_at).desc(), col(Grant.id))
    )
    return list(db.scalars(query))


def get(db: Session, member: Member, grant_id: str) -> Grant:
    """One of the member's own grants; for owners and admins, one of the workspace's. Else raises NotFound."""
    within = and_(col(Grant.workspace_id) == member.workspace.id, col(Grant.kind) != API_KEY)
    mine = true() if member.manages else col(Grant.user_id) == member.user.id
    grant = db.scalars(select(Grant).where(col(Grant.id) == grant_id, within, mine)).first()
    if grant is None:
        raise NotFound()
    return grant


def revoke(db: Session, grant_id: str, reason: str, *, by: str | None = None) -> bool:
    """Revokes a grant and every token of its family, from the next request on. False if it was revoked
    before.

    `by` is the user id for the audit trail; the grant's own person by default.
    """
    return _revoke_where(db, reason, col(Grant.id) == grant_id, by=by) == 1


def revoke_all(db: Session, workspace_id: str, user_id: str, reason: str) -> int:
    """Revokes every grant of a person in one workspace, personal tokens too. Returns how many.

    Leaves an operator's API key alone: that it acts there now has nothing to do with membership.
    """
    in_workspace = (col(Grant.workspace_id) == workspace_id, col(Grant.kind) != API_KEY)
    return _revoke_where(db, reason, col(Grant.user_id) == user_id, *in_workspace)


def revoke_everywhere(db: Session, user_id: str, reason: str, *, by: str) -> int:
    """Revokes a person's grants and API keys in all workspaces. Returns how many. `by` is who does it."""
    return _revoke_where(db, reason, col(Grant.user_id) == user_id, by=by)


def revoke_exchanged(db: Session, user_id: str, reason: str, *, by: str) -> int:
    """Revokes what a person's Firebase logins were exchanged for. Returns how many. `by` is who does it."""
    return _revoke_where(db, reason, col(Grant.user_id) == user_id, col(Grant.kind) == IDENTITY, by=by)


def lock_person(db: Session, user_id: str) -> None:
    """Locks a person until the transaction ends, so that linking a login, removing it, and issuing a grant
    for it happen one after the other.
    """
    db.execute(select(col(User.id)).where(col(User.id) == user_id).with_for_update())


def _revoke_where(db: Session, reason: str, *which: ColumnElement[bool], by: str | None = None) -> int:
    ended = db.execute(
        update(Grant)
        .where(col(Grant.revoked_at).is_(None), *which)
        .values(revoked_at=clock.now(), revoked_reason=reason[:200])
        .returning(col(Grant.id), col(Grant.workspace_id), col(Grant.user_id), col(Grant.client_name))
    ).all()
    for row in ended:
        details = {"client": row.client_name, "reason": reason[:200]}
        audit.record(db, "grant.revoked", **audit.about(row, by or row.user_id), **details)
    return len(ended)


def end(db: Session, member: Member, grant_id: str) -> None:
    """Revokes a member's own grant, or for owners and admins a colleague's, with every other grant that the
    person gave the same client here, so that it is cut off; it must ask for consent again. Raises NotFound.

    A grant that a login was exchanged for ends with that login, which would get another one at once.
    """
    grant = get(db, member, grant_id)
    if grant.kind == IDENTITY:
        lock_person(db, grant.user_id)
        linked_logins.remove(db, grant.user_id, linked_logins.FIREBASE, by=member.user.id)
    is_own = grant.user_id == member.user.id
    reason = "You revoked it." if is_own else f"{member.user.name or member.user.email} revoked it."
    which = (
        col(Grant.user_id) == grant.user_id,
        col(Grant.workspace_id) == grant.workspace_id,
        of_same_client(grant),
    )
    clients = list(db.scalars(select(col(Grant.client_id)).where(*which).distinct()))
    _revoke_where(db, reason, *which, by=member.user.id)
    if is_own and grant.kind == IDENTITY:  # what other programs, or other workspaces, got for the same login
        revoke_exchanged(db, grant.user_id, "You removed the login it was made with.", by=member.user.id)
    for client_id in filter(None, clients):
        consents.forget(db, grant.user_id, client_id)


def is_same_client(one: Grant, other: Grant) -> bool:
    """Whether two grants are of one person and one client, as they see it: the same id, or the same name and
    host, because some clients register anew for each sign-in.
    """
    if one.id == other.id:
        return True
    return (
        one.kind == other.kind == "oauth"
        and (one.user_id, one.workspace_id) == (other.user_id, other.workspace_id)
        and (
            one.client_id == other.client_id
            or (one.client_name, one.redirect_host) == (other.client_name, other.redirect_host)
        )
    )


def of_same_client(grant: Grant) -> ColumnElement[bool]:
    """The condition of `is_same_client`, for one person in one workspace."""
    if grant.kind != "oauth":
        return col(Grant.id) == grant.id
    described = and_(
        col(Grant.client_name) == grant.client_name, col(Grant.redirect_host) == grant.redirect_host
    )
    return and_(col(Grant.kind) == "oauth", or_(col(Grant.client_id) == grant.client_id, described))


def issue_personal_token(db: Session, member: Member, name: str, scopes: str, seconds: int) -> str:
    """Issues a personal bearer token and returns its clear text, the only time it exists.

    Raises InvalidInput when the name is missing, no scope is known, or the lifetime is out of range.
    """
    return issue_by_hand(db, "personal", member.user.id, member.workspace.id, name, scopes, seconds)[1]


def issue_by_hand(
    db: Session, kind: str, user_id: str, workspace_id: str, name: str, scopes: str, seconds: int
) -> tuple[Grant, str]:
    """A grant with one bearer token and no refresh token: a `personal` token or an operator's `api_key`. The
    clear text exists only now.

    Raises InvalidInput as `issue_personal_token` does.
    """
    name = " ".join(name.split())
    granted = scope_names.join(scope_names.split(scopes))
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise InvalidInput("Name the token, in up to 80 characters.")
    if not granted:
        raise InvalidInput("Choose the token's access.")
    if not 60 <= seconds <= _LONGEST_PERSONAL_SECONDS:
        raise InvalidInput("A token expires after a minute at the earliest and a year at the latest.")
    at = clock.now()
    ends = at + timedelta(seconds=seconds)
    grant = Grant(
        id=new_id("grt"),
        kind=kind,
        user_id=user_id,
        workspace_id=workspace_id,
        client_name=name,
        scope=granted,
        resource=current.settings().mcp_url,
        created_at=at,
        expires_at=ends,
    )
    token = new_token(API_KEY_PREFIX if kind == API_KEY else PERSONAL_PREFIX)
    db.add(grant)
    db.flush()
    db.add(
        AccessToken(
            token_digest=digest(token), grant_id=grant.id, scope=granted, created_at=at, expires_at=ends
        )
    )
    deed = "api_key.created" if kind == API_KEY else "token.created"
    audit.record(
        db, deed, workspace_id=workspace_id, user_id=user_id, subject=grant.id, name=name, scope=granted
    )
    return grant, token


def move(db: Session, grant_id: str, workspace_id: str) -> str:
    """Moves an operator's API key to another workspace, from its next call on, on every host. Returns the
    previous workspace id. Raises NotFound.
    """
    grant = db.get(Grant, grant_id, with_for_update=True)
    if grant is None or grant.kind != API_KEY or grant.revoked_at is not None:
        raise NotFound()
    before, grant.workspace_id = grant.workspace_id, workspace_id
    db.add(grant)
    return before


def set_active_business(db: Session, grant_id: str, connection_id: str, business_id: str) -> None:
    """Stores on the grant which business of a connection its tools work in."""
    grant = db.get(Grant, grant_id, with_for_update=True)
    if grant is None:
        raise NotFound()
    grant.active_businesses = {**grant.active_businesses, connection_id: business_id}
    db.add(grant)


def drop_active_business(db: Session, grant_id: str, connection_id: str) -> None:
    """Clears the choice for a connection: the service no longer lists that business."""
    grant = db.get(Grant, grant_id, with_for_update=True)
    if grant is not None:
        grant.active_businesses = {
            connection: business
            for connection, business in grant.active_businesses.items()
            if connection != connection_id
        }
        db.add(grant)
