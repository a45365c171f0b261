"""The sign-in dance with a service (RFC 6749 section 4.1 as a client, RFC 7636): written once for all of
them.

`start` writes down the trip and gives the address to leave for. `finish` takes the answer: the trip
is consumed in its own short transaction before the code is spent, the code is exchanged and the
account asked for with no database connection held, and the outcome is stored for a page to tell.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session, col

from app import clock, crypto, database, persist
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.connectors.spec import Account
from app.errors import Forbidden, InvalidInput, NotFound, PatchbayError
from app.hub import refusals, rights, scope_choice
from app.hub.models import Handshake
from app.vault import access, revocation, seal, store, token_endpoint
from app.vault.models import Connection
from app.vault.token_endpoint import TokenSet
from app.workspaces import members
from app.workspaces.guard import Member

_LIFE = timedelta(minutes=10)
_KEPT = timedelta(hours=2)


class HandshakeGone(InvalidInput):
    """The state is unknown, too old, or was made in another browser, by another person or for another
    service.
    """

    code = "SIGN_IN_EXPIRED"
    message = (
        "This sign-in has expired, or was started in another browser or workspace. Nothing was changed. "
        "Go to your integrations and press Connect again."
    )


@dataclass(frozen=True)
class Wish:
    """What the person wants of the trip."""

    scopes: tuple[str, ...]
    connection: Connection | None = None  # reconnect this one
    level: str | None = None  # and give it this permission level
    flow_id: str | None = None
    client_name: str = ""


def start(
    db: Session, settings: Settings, member: Member, connector: Connector, endpoints: Endpoints, wish: Wish
) -> str:
    """Write down a trip to the service and give the address of its consent page."""
    trip, state = set_out(db, settings, member, connector, wish)
    verifier = secrets.token_urlsafe(48)
    seal.seal(settings.vault_keys, trip, "verifier_sealed", verifier)
    asked = {
        "response_type": "code",
        "client_id": endpoints.client_id,
        "redirect_uri": endpoints.redirect_uri,
        "state": state,
        **({"scope": trip.scopes} if trip.scopes else {}),
        **(
            {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
            if connector.auth.pkce
            else {}
        ),
        **connector.auth.authorize_params,
    }
    return endpoints.authorize_url + ("&" if "?" in endpoints.authorize_url else "?") + urlencode(asked)


def set_out(
    db: Session, settings: Settings, member: Member, connector: Connector, wish: Wish, life: timedelta = _LIFE
) -> tuple[Handshake, str]:
    """Write down that somebody wants to connect a service: the trip, and the state that finds it again."""
    at = clock.now()
    db.execute(delete(Handshake).where(col(Handshake.expires_at) < at - _KEPT))
    state = crypto.new_token()
    trip = Handshake(
        state_digest=crypto.digest(state),
        user_id=member.user.id,
        workspace_id=member.workspace.id,
        session_digest=member.session.id_digest,
        slug=connector.slug,
        connection_id=wish.connection.id if wish.connection else None,
        scopes=" ".join(wish.scopes),
        level=wish.level,
        client_name=wish.client_name,
        created_at=at,
        expires_at=at + life,
    )
    if wish.flow_id:
        seal.seal(settings.vault_keys, trip, "flow_sealed", wish.flow_id)
    db.add(trip)
    return trip, state


def finish(
    settings: Settings, member: Member, connector: Connector, endpoints: Endpoints, answer: Mapping[str, str]
) -> Handshake:
    """Take the service's answer from the callback and keep what came of it. The trip tells the outcome.

    Raises HandshakeGone. A second call with the same answer does nothing and gives the same trip.
    """
    trip, first = _take(member, connector, answer.get("state", ""))
    if not first:
        return trip
    tokens: TokenSet | None = None
    try:
        refusals.check_answer(connector, endpoints, answer)
        verifier = seal.unseal(settings.vault_keys, trip, "verifier_sealed")
        tokens = token_endpoint.exchange_code(connector, endpoints, code=answer["code"], verifier=verifier)
        facts = {name: answer[name] for name in connector.auth.callback_facts if name in answer}
        account = access.probe(settings, connector, endpoints, tokens, facts)
    except PatchbayError as error:
        # whose they are is not known, so they must end nobody else's
        if tokens is not None and not connector.auth.revokes_whole_account:
            _give_back(settings, trip, Account(key="", name=""), tokens)
        return _close(trip, "failed", refusals.in_words(connector, error))
    try:
        return keep(settings, member, trip, connector, account, tokens)
    except (store.AnotherAccount, NotFound, Forbidden) as error:
        _give_back(settings, trip, account, tokens)
        return _close(trip, "failed", error.message)


def flow_of(settings: Settings, trip: Handshake) -> str | None:
    """The id of the authorization step the trip returns to, or None."""
    return seal.unseal(settings.vault_keys, trip, "flow_sealed") if trip.flow_sealed else None


def find_last(db: Session, member: Member, slug: str, outcome: str) -> Handshake | None:
    """The latest trip of this browser to the service that ended so, for the banner. None when there is
    none.
    """
    trips = select(Handshake).where(
        col(Handshake.session_digest) == member.session.id_digest,
        col(Handshake.workspace_id) == member.workspace.id,
        col(Handshake.slug) == slug,
        col(Handshake.outcome) == outcome,
    )
    return db.scalars(trips.order_by(col(Handshake.used_at).desc()).limit(1)).first()


def find(member: Member, connector: Connector, state: str) -> Handshake:
    """The trip of that state, under way or over. Raises HandshakeGone unless it began in this browser and
    has not run out.
    """
    with database.reading() as db:
        trip = db.scalars(select(Handshake).where(*_mine(member, connector, state))).first()
    if trip is None or (trip.used_at is None and trip.expires_at <= clock.now()):
        raise HandshakeGone()
    return trip


def _take(member: Member, connector: Connector, state: str) -> tuple[Handshake, bool]:
    """The trip, and whether this call is the one that consumed it. Of two at once, one is."""
    at, mine = clock.now(), _mine(member, connector, state)
    with database.transaction() as db:
        taken = db.execute(
            update(Handshake)
            .where(*mine, col(Handshake.used_at).is_(None), col(Handshake.expires_at) > at)
            .values(used_at=at)
            .execution_options(synchronize_session=False)
        )
        trip = db.scalars(select(Handshake).where(*mine, col(Handshake.used_at).is_not(None))).first()
    if trip is None:
        raise HandshakeGone()
    return trip, taken.rowcount == 1  # type: ignore[attr-defined]


def _mine(member: Member, connector: Connector, state: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Handshake.state_digest) == crypto.digest(state),
        col(Handshake.user_id) == member.user.id,
        col(Handshake.workspace_id) == member.workspace.id,
        col(Handshake.session_digest) == member.session.id_digest,
        col(Handshake.slug) == connector.slug,
    )


def keep(
    settings: Settings,
    member: Member,
    trip: Handshake,
    connector: Connector,
    account: Account,
    tokens: TokenSet,
    sentence: str = "",
) -> Handshake:
    """Store the tokens and the outcome in one transaction; `sentence` is what else to know.

    The service gave them once, so it is tried again while the database is away.
    Raises AnotherAccount, Forbidden, or NotFound when it is gone.
    """
    kept: list[Handshake] = []
    wanted = trip.connection_id  # what the trip set out for: a try that failed must not change it

    def save() -> None:
        with database.transaction() as db:
            connection = _connection(db, settings, member, trip, wanted, account, tokens)
            trip.connection_id = connection.id
            granted = trip.level not in scope_choice.WRITING_LEVELS or scope_choice.may_write(
                connector, connection
            )
            if trip.level and granted:
                store.set_permission(db, connection, trip.level, by=trip.user_id)
            refused = (
                ""
                if granted
                else f"{connector.name} did not grant writing, so its permission stays as it was."
            )
            kept.append(_end(db, trip, "connected", refused or sentence))

    persist.until_done(save)
    return kept[-1]


def _connection(
    db: Session,
    settings: Settings,
    member: Member,
    trip: Handshake,
    wanted: str | None,
    account: Account,
    tokens: TokenSet,
) -> Connection:
    """The connection the trip was for, with the new tokens. Raises NotAMember when the person was put out
    while the service was asked.
    """
    keys = settings.vault_keys
    members.check_belongs(db, trip.workspace_id, trip.user_id)
    if wanted:
        before = store.get(db, trip.workspace_id, trip.user_id, wanted)
        rights.check(member, before)  # it may have been taken away since the trip began
        return store.reconnect(
            db, before, by=trip.user_id, account=account, tokens=tokens, scopes=trip.scopes, keys=keys
        )
    return store.connect(
        db,
        workspace_id=trip.workspace_id,
        owner_id=trip.user_id,
        slug=trip.slug,
        account=account,
        tokens=tokens,
        scopes=trip.scopes,
        keys=keys,
    )


def _close(trip: Handshake, outcome: str, sentence: str) -> Handshake:
    with database.transaction() as db:
        return _end(db, trip, outcome, sentence)


def _end(db: Session, trip: Handshake, outcome: str, sentence: str) -> Handshake:
    trip.outcome, trip.sentence, trip.used_at = outcome, sentence[:500], trip.used_at or clock.now()
    # The trip goes with its person or workspace; deleted in the meantime, it must not be written again.
    return db.merge(trip) if db.get(Handshake, trip.state_digest) else trip


def _give_back(settings: Settings, trip: Handshake, account: Account, tokens: TokenSet) -> None:
    """Revoke tokens we have no place for, unless another connection stands on the same sign-in."""
    stray = Connection(
        id=crypto.new_id("con"),
        workspace_id=trip.workspace_id,
        owner_id=trip.user_id,
        slug=trip.slug,
        account_key=account.key,
        connected_at=clock.now(),
    )
    revocation.add(settings, stray, tokens)


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2: BASE64URL(SHA256(verifier)), without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
