"""Exchanges an ID token for a token of ours, and a live token for the next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from app import audit, clock, crypto, jwks
from app.accounts import budgets, letters
from app.accounts.budgets import Rule
from app.accounts.models import User
from app.config import Settings
from app.database import transaction
from app.errors import Forbidden, NotFound
from app.identity_exchange import businesses, firebase_tokens, identities, memberships
from app.identity_exchange.businesses import ReachableBusinesses
from app.identity_exchange.identities import KIND, NoMembership
from app.identity_exchange.memberships import NoBusiness
from app.mail import Mailer
from app.oauth_server import grants, scopes
from app.oauth_server.callers import ACCESS_PREFIX, AuthenticatedCaller
from app.oauth_server.models import AccessToken, Grant
from app.oauth_server.selections import Selection

SCOPES = scopes.NARROW
_NAME = "FlowPOS app"
_PER_PERSON = Rule("identity-exchange", 120, 3_600)


class ExchangeNotConfigured(NotFound):
    """This installation accepts no ID tokens."""

    code = "NOT_CONFIGURED"
    message = "Identity tokens are not exchanged here: the operator has not set FIREBASE_PROJECT_ID."


class NotFromExchange(Forbidden):
    """Only a token from an ID token exchange can be refreshed here."""

    message = (
        "Only a token from /mcp/token can be refreshed here. Use the refresh token of this one, or "
        "make another."
    )


@dataclass(frozen=True)
class Issued:
    """A token of ours, in clear text this one time, and what it reaches."""

    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    reachable: ReachableBusinesses
    active_businesses: dict[str, str]


@dataclass(frozen=True)
class RequestingClient:
    """The registered AI client that requests the exchange, or unnamed."""

    client_id: str | None = None
    name: str = _NAME


UNNAMED_CLIENT = RequestingClient()


def exchange(
    settings: Settings,
    mailer: Mailer,
    id_token: str,
    *,
    client: RequestingClient = UNNAMED_CLIENT,
    requested: Iterable[str] = SCOPES,
) -> Issued:
    """Issues a token for the person of an ID token, with those of SCOPES that are requested. Mails the person
    when it links the login to their account.

    Raises ExchangeNotConfigured, IdTokenRefused, NoMembership, NoBusiness, BudgetSpent, Unavailable.
    """
    if settings.firebase_project_id is None:
        raise ExchangeNotConfigured()
    identity = firebase_tokens.verify(
        id_token, settings.firebase_project_id, jwks.keys_at(settings.firebase_certs_url)
    )
    with transaction() as db:
        found = identities.person_of(db, identity)
        person = found.user
        workspace = identities.workspace_of(db, person)
        budgets.take(db, settings, _PER_PERSON, person.id)
    if found.linked:
        mailer.send(person.email, *letters.login_linked(settings))
    reachable = businesses.fetch(settings, workspace.id, person.id)
    if not reachable.businesses:
        has_any = memberships.look_up(settings, workspace.id, id_token)
        if has_any is False or (has_any is None and reachable.is_none_listed):
            raise NoBusiness()
    with transaction() as db:
        grants.lock_person(db, person.id)
        identities.check_linked(db, identity, person)
        grant = _grant(db, settings, person, workspace.id, client)
        return _issue(
            db, settings, grant, tuple(name for name in SCOPES if name in set(requested)), reachable
        )


def refresh(settings: Settings, caller: AuthenticatedCaller) -> Issued:
    """Issues a grant's next token while one lives.

    Raises NotFromExchange, NoMembership, NoBusiness, BudgetSpent.
    """
    if caller.kind != KIND:
        raise NotFromExchange()
    if not caller.workspace_active:
        raise NoMembership()
    with transaction() as db:
        budgets.take(db, settings, _PER_PERSON, caller.user_id)
    reachable = businesses.fetch(settings, caller.workspace_id, caller.user_id)
    if reachable.is_none_listed:
        raise NoBusiness()
    with transaction() as db:
        grant = db.get(Grant, caller.grant_id, with_for_update=True)
        if grant is None:
            raise NoMembership()
        return _issue(db, settings, grant, tuple(name for name in SCOPES if name in caller.scopes), reachable)


def _grant(
    db: Session, settings: Settings, person: User, workspace_id: str, client: RequestingClient
) -> Grant:
    """The live grant of person, workspace and client, or a new one. The caller locks the person: only one is
    created.
    """
    at = clock.now()
    ends = at + timedelta(seconds=settings.oauth_refresh_ttl)
    query = select(Grant).where(
        col(Grant.kind) == KIND,
        col(Grant.user_id) == person.id,
        col(Grant.workspace_id) == workspace_id,
        col(Grant.client_id) == client.client_id if client.client_id else col(Grant.client_id).is_(None),
        col(Grant.revoked_at).is_(None),
    )
    found = db.scalars(query.order_by(col(Grant.expires_at).desc(), col(Grant.created_at)).limit(1)).first()
    if found is not None and found.expires_at is not None and found.expires_at > at:
        db.execute(update(Grant).where(col(Grant.id) == found.id).values(expires_at=ends))
        db.refresh(found)
        return found
    made = Grant(
        id=crypto.new_id("grt"),
        kind=KIND,
        user_id=person.id,
        workspace_id=workspace_id,
        client_id=client.client_id,
        client_name=client.name,
        scope=scopes.join(SCOPES),
        resource=settings.mcp_url,
        created_at=at,
        expires_at=ends,
        selection=found.selection if found else None,  # what is selected for the client outlives its access
    )
    db.add(made)
    db.flush()
    audit.record(db, "grant.created", **audit.about(made, person.id), client=client.name, kind=KIND)
    return made


def _issue(
    db: Session, settings: Settings, grant: Grant, granted: tuple[str, ...], reachable: ReachableBusinesses
) -> Issued:
    reachable = reachable.within(Selection.of_json(grant.selection))
    for connection_id in reachable.without_choice(grant.active_businesses):
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
    audit.record(db, "token.exchanged", **audit.about(grant, grant.user_id), client=grant.client_name)
    return Issued(token, int((ends - at).total_seconds()), granted, reachable, dict(grant.active_businesses))
