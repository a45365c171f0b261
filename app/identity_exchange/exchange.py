"""An ID token for a token of ours, and that one for the next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from flask import current_app
from sqlalchemy import select, update
from sqlmodel import Session, col

from app import audit, clock, crypto
from app.accounts import budgets
from app.accounts.budgets import Rule
from app.accounts.models import User
from app.config import Settings
from app.database import transaction
from app.errors import Forbidden, NotFound
from app.identity_exchange import businesses, id_tokens, identities
from app.identity_exchange.businesses import Reached
from app.identity_exchange.identities import KIND, NoMembership
from app.jwks import Certificates
from app.oauth_server import grants, scopes
from app.oauth_server.callers import ACCESS_PREFIX, Caller
from app.oauth_server.models import AccessToken, Grant

SCOPES = scopes.NARROW
_NAME = "FlowPOS app"
_PER_PERSON = Rule("identity-exchange", 120, 3_600)


class ExchangeNotConfigured(NotFound):
    """This installation trusts nobody's ID tokens."""

    code = "NOT_CONFIGURED"
    message = "Identity tokens are not exchanged here: the operator has not set FIREBASE_PROJECT_ID."


class NotFromExchange(Forbidden):
    """A token of another kind cannot be exchanged for the next one: it was not made by showing an ID
    token.
    """

    message = (
        "Only a token from /mcp/token can be refreshed here. Use the refresh token of this one, or "
        "make another."
    )


@dataclass(frozen=True)
class Issued:
    """A token of ours, in clear the only time, and where it works."""

    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    reached: Reached
    chosen: dict[str, str]


@dataclass(frozen=True)
class _Client:
    """The registered AI client that asks, where one says who it is."""

    client_id: str | None = None
    name: str = _NAME


NOBODY = _Client()


def client(client_id: str, name: str) -> _Client:
    """An AI client that said who it is."""
    return _Client(client_id, name)


def exchange(
    settings: Settings, id_token: str, *, asking: _Client = NOBODY, wanted: Iterable[str] = SCOPES
) -> Issued:
    """A token for the person of an ID token, with the wanted ones of SCOPES.

    Raises ExchangeNotConfigured, IdTokenRefused, NoMembership, BudgetSpent, Unavailable.
    """
    if settings.firebase_project_id is None:
        raise ExchangeNotConfigured()
    identity = id_tokens.verify(id_token, settings.firebase_project_id, _certificates())
    with transaction() as db:
        person = identities.person_of(db, identity)
        workspace = identities.workspace_of(db, person)
        budgets.take(db, settings, _PER_PERSON, person.id)
    reached = businesses.ask(settings, workspace.id, person.id)
    with transaction() as db:
        grant = _grant(db, settings, person, workspace.id, asking)
        return _issue(db, settings, grant, tuple(name for name in SCOPES if name in set(wanted)), reached)


def refresh(settings: Settings, caller: Caller) -> Issued:
    """The next token of a grant, while one of its tokens lives. Raises NotFromExchange, NoMembership,
    BudgetSpent.
    """
    if caller.kind != KIND:
        raise NotFromExchange()
    if not caller.workspace_active:
        raise NoMembership()
    with transaction() as db:
        budgets.take(db, settings, _PER_PERSON, caller.user_id)
    reached = businesses.ask(settings, caller.workspace_id, caller.user_id)
    with transaction() as db:
        grant = db.get(Grant, caller.grant_id, with_for_update=True)
        if grant is None:
            raise NoMembership()
        return _issue(db, settings, grant, tuple(name for name in SCOPES if name in caller.scopes), reached)


def _grant(db: Session, settings: Settings, person: User, workspace_id: str, asking: _Client) -> Grant:
    """The living grant of person, workspace and client, or a new one. Two at once make one: they queue on
    the person.
    """
    db.execute(select(col(User.id)).where(col(User.id) == person.id).with_for_update())
    at = clock.now()
    ends = at + timedelta(seconds=settings.oauth_refresh_ttl)
    query = select(Grant).where(
        col(Grant.kind) == KIND,
        col(Grant.user_id) == person.id,
        col(Grant.workspace_id) == workspace_id,
        col(Grant.client_id) == asking.client_id if asking.client_id else col(Grant.client_id).is_(None),
        col(Grant.revoked_at).is_(None),
        col(Grant.expires_at) > at,
    )
    found = db.scalars(query.order_by(col(Grant.created_at)).limit(1)).first()
    if found is not None:
        db.execute(update(Grant).where(col(Grant.id) == found.id).values(expires_at=ends))
        db.refresh(found)
        return found
    made = Grant(
        id=crypto.new_id("grt"),
        kind=KIND,
        user_id=person.id,
        workspace_id=workspace_id,
        client_id=asking.client_id,
        client_name=asking.name,
        scope=scopes.join(SCOPES),
        resource=settings.mcp_url,
        created_at=at,
        expires_at=ends,
    )
    db.add(made)
    db.flush()
    audit.record(
        db,
        "grant.created",
        workspace_id=workspace_id,
        user_id=person.id,
        subject=made.id,
        client=asking.name,
        kind=KIND,
    )
    return made


def _issue(
    db: Session, settings: Settings, grant: Grant, granted: tuple[str, ...], reached: Reached
) -> Issued:
    for connection_id in reached.without_choice(grant.active_businesses):
        grants.drop_active_business(db, grant.id, connection_id)
    at = clock.now()
    ends = at + timedelta(seconds=settings.mcp_token_ttl)
    ends = min(ends, grant.expires_at or ends)
    token = crypto.new_token(ACCESS_PREFIX)
    db.add(
        AccessToken(
            token_digest=crypto.digest(token),
            grant_id=grant.id,
            scope=scopes.join(granted),
            created_at=at,
            expires_at=ends,
        )
    )
    audit.record(
        db,
        "token.exchanged",
        workspace_id=grant.workspace_id,
        user_id=grant.user_id,
        subject=grant.id,
        client=grant.client_name,
    )
    return Issued(token, int((ends - at).total_seconds()), granted, reached, dict(grant.active_businesses))


def _certificates() -> Certificates:
    certificates: Certificates = current_app.extensions["firebase_certificates"]
    return certificates
