"""The OAuth handshake with a service (RFC 6749 section 4.1 as a client, RFC 7636), written once for all
services.

`start` stores the handshake and returns the URL of the consent page. `finish` handles the callback: it
consumes the handshake in a short transaction of its own before the code is spent, exchanges the code and
fetches the account without holding a database connection, and stores the outcome for a page to display.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session, col

from app import clock, crypto, database, persist
from app.config import Settings
from app.connectors import services
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.connectors.spec import Account
from app.errors import Forbidden, InvalidInput, NotFound, PatchbayError
from app.hub import authorization_url, flow_return, handshake_state, refusals, rights, scope_choice
from app.hub.models import Handshake
from app.oauth_server import selection_store
from app.vault import access, connection_settings, revocation, seal, store, token_endpoint
from app.vault.models import Connection
from app.vault.token_endpoint import ClientForgotten, TokenSet
from app.workspaces import members
from app.workspaces.guard import Member

_LIFE = timedelta(minutes=10)
_RETENTION = timedelta(hours=2)


class HandshakeGone(InvalidInput):
    """The state is unknown, expired, or of another browser, person or service."""

    code = "SIGN_IN_EXPIRED"
    message = (
        "This attempt to connect has expired, or was started in another browser or workspace. Nothing was "
        "changed. Go to Integrations and connect again."
    )


class StartAgain(Exception):
    """The service has forgotten our client: the person goes to its consent page with another one."""

    def __init__(self, handshake: Handshake) -> None:
        super().__init__()
        self.handshake = handshake


@dataclass(frozen=True)
class ConnectIntent:
    """What the person wants to connect."""

    scopes: tuple[str, ...]
    connection: Connection | None = None  # reconnect this one
    level: str | None = None  # and give it this permission level
    flow_id: str | None = None
    client_name: str = ""
    grant_id: str = ""  # of the AI client whose chat asked for it
    visibility: str | None = None  # of a new connection; None: the service's default
    continues: bool = False  # connected, the person goes straight back to the AI client of `flow_id`
    is_second_try: bool = False  # the service had forgotten our client


def start(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    endpoints: Endpoints,
    intent: ConnectIntent,
) -> str:
    """Stores a handshake with the service and returns the URL of its consent page."""
    handshake, state = create(db, settings, member, connector, intent)
    verifier = secrets.token_urlsafe(48)
    seal.seal(settings.vault_keys, handshake, "verifier_sealed", verifier)
    return authorization_url.of(connector, endpoints, handshake.scopes, state, verifier)


def create(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    intent: ConnectIntent,
    life: timedelta = _LIFE,
) -> tuple[Handshake, str]:
    """Stores a handshake. Returns it with the clear `state`, of which the row has only the digest."""
    at = clock.now()
    forget_old(db)
    state = handshake_state.new(
        visibility=intent.visibility, is_second_try=intent.is_second_try, bound_to=connector.bound_to
    )
    handshake = Handshake(
        state_digest=crypto.digest(state),
        user_id=member.user.id,
        workspace_id=member.workspace.id,
        session_digest=member.session.id_digest,
        slug=connector.slug,
        connection_id=intent.connection.id if intent.connection else None,
        scopes=" ".join(intent.scopes),
        level=intent.level,
        client_name=intent.client_name,
        created_at=at,
        expires_at=at + life,
    )
    if intent.flow_id:
        flow_return.store(settings, handshake, intent.flow_id, continues=intent.continues)
    elif intent.grant_id:
        flow_return.store_client(settings, handshake, intent.grant_id)
    db.add(handshake)
    return handshake, state


def forget_old(db: Session) -> None:
    """Deletes handshakes that expired hours ago."""
    db.execute(delete(Handshake).where(col(Handshake.expires_at) < clock.now() - _RETENTION))


def finish(
    settings: Settings, member: Member, connector: Connector, endpoints: Endpoints, answer: Mapping[str, str]
) -> Handshake:
    """Handles the service's callback and stores the result. The handshake holds the outcome.

    Raises HandshakeGone, and StartAgain once if the service has forgotten our client. A second call with the
    same answer does nothing and returns the same handshake.
    """
    handshake, first = _consume(member, connector, answer.get("state", ""))
    if not first:
        return handshake
    if not handshake_state.is_bound_to(answer["state"], connector.bound_to):
        return close(handshake, "failed", handshake_state.MOVED.format(connector.name))
    tokens: TokenSet | None = None
    try:
        refusals.check_answer(connector, endpoints, answer)
        verifier = seal.unseal(settings.vault_keys, handshake, "verifier_sealed")
        tokens = token_endpoint.exchange_code(connector, endpoints, code=answer["code"], verifier=verifier)
        facts = {name: answer[name] for name in connector.auth.callback_facts if name in answer}
        account = access.probe(settings, connector, endpoints, tokens, facts)
    except refusals.AccessDenied as error:
        return close(handshake, "denied", error.message)
    except ClientForgotten as error:
        if not handshake_state.is_second_try(answer["state"]):
            raise StartAgain(handshake) from None
        return close(handshake, "failed", error.message)
    except PatchbayError as error:
        # The account is unknown, so with some services revoking could end a connection of somebody else.
        if tokens is not None and not connector.auth.revokes_whole_account:
            _revoke_unused(settings, handshake, Account(key="", name=""), tokens)
        return close(handshake, "failed", refusals.describe(connector, error))
    try:
        chosen = handshake_state.visibility_of(answer["state"])
        return store_tokens(settings, member, handshake, connector, account, tokens, visibility=chosen)
    except (store.AnotherAccount, NotFound, Forbidden) as error:
        _revoke_unused(settings, handshake, account, tokens)
        return close(handshake, "failed", error.message)


def find(member: Member, connector: Connector, state: str) -> Handshake:
    """That state's handshake, pending or finished. Raises HandshakeGone if expired or not of this browser."""
    with database.reading() as db:
        handshake = db.scalars(select(Handshake).where(*_conditions(member, connector, state))).first()
    if handshake is None or (handshake.used_at is None and handshake.expires_at <= clock.now()):
        raise HandshakeGone()
    return handshake


def _consume(member: Member, connector: Connector, state: str) -> tuple[Handshake, bool]:
    """The handshake, and whether this call consumed it. Of two concurrent calls exactly one does."""
    at, conditions = clock.now(), _conditions(member, connector, state)
    with database.transaction() as db:
        taken = db.execute(
            update(Handshake)
            .where(*conditions, col(Handshake.used_at).is_(None), col(Handshake.expires_at) > at)
            .values(used_at=at)
            .execution_options(synchronize_session=False)
        )
        handshake = db.scalars(
            select(Handshake).where(*conditions, col(Handshake.used_at).is_not(None))
        ).first()
    if handshake is None:
        raise HandshakeGone()
    return handshake, taken.rowcount == 1  # type: ignore[attr-defined]


def _conditions(member: Member, connector: Connector, state: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Handshake.state_digest) == crypto.digest(state),
        col(Handshake.user_id) == member.user.id,
        col(Handshake.workspace_id) == member.workspace.id,
        col(Handshake.session_digest) == member.session.id_digest,
        col(Handshake.slug) == connector.slug,
    )


def store_tokens(
    settings: Settings,
    member: Member,
    handshake: Handshake,
    connector: Connector,
    account: Account,
    tokens: TokenSet,
    sentence: str = "",
    *,
    visibility: str | None = None,
) -> Handshake:
    """Stores the tokens and the outcome in one transaction; `sentence` is an addition for the banner.

    The service issues tokens once, so the write is retried while the database is unavailable. Raises
    AnotherAccount, Forbidden, or NotFound if the connection to reconnect is gone.
    """
    finished: list[Handshake] = []
    target = handshake.connection_id  # read once: a failed try must not change it

    def save() -> None:
        with database.transaction() as db:
            connection = _connection(db, settings, member, handshake, target, account, tokens, visibility)
            handshake.connection_id = connection.id
            # What a client's chat asked for was connected for it: the same call works afterwards.
            selection_store.include(db, member, flow_return.client_of(settings, handshake), connection.id)
            writes = handshake.level in scope_choice.WRITING_LEVELS
            granted = not writes or scope_choice.may_write(connector, connection)
            if handshake.level and granted:
                connection_settings.set_permission(db, connection, handshake.level, by=handshake.user_id)
            if not granted:
                refused = refusals.without_writing(connector)
            finished.append(_end(db, handshake, "connected", sentence if granted else refused))

    persist.retry_until_stored(save)
    services.on_connected(settings, handshake.workspace_id, connector.slug, handshake.connection_id or "")
    return finished[-1]


def _connection(
    db: Session,
    settings: Settings,
    member: Member,
    handshake: Handshake,
    target: str | None,
    account: Account,
    tokens: TokenSet,
    visibility: str | None,
) -> Connection:
    """The connection with new tokens. Raises NotAMember if the person was removed meanwhile."""
    keys = settings.vault_keys
    members.check_is_member(db, handshake.workspace_id, handshake.user_id)
    if target:
        before = store.get(db, handshake.workspace_id, handshake.user_id, target)
        rights.check(member, before)  # the right may have been removed since the handshake began
        return store.reconnect(
            db,
            before,
            by=handshake.user_id,
            account=account,
            tokens=tokens,
            scopes=handshake.scopes,
            keys=keys,
        )
    return store.connect(
        db,
        workspace_id=handshake.workspace_id,
        owner_id=handshake.user_id,
        slug=handshake.slug,
        account=account,
        tokens=tokens,
        scopes=handshake.scopes,
        keys=keys,
        visibility=visibility,
    )


def close(handshake: Handshake, outcome: str, sentence: str) -> Handshake:
    """Store how a handshake ended, with the reason for its banner."""
    with database.transaction() as db:
        return _end(db, handshake, outcome, sentence)


def _end(db: Session, handshake: Handshake, outcome: str, sentence: str) -> Handshake:
    handshake.outcome, handshake.sentence = outcome, sentence[:500]
    handshake.used_at = handshake.used_at or clock.now()
    # Deleting a person or workspace deletes the handshake; it must not be written again after that.
    return db.merge(handshake) if db.get(Handshake, handshake.state_digest) else handshake


def _revoke_unused(settings: Settings, handshake: Handshake, account: Account, tokens: TokenSet) -> None:
    """Revokes tokens that are not stored, unless another connection holds the same access."""
    stray = Connection(
        id=crypto.new_id("con"),
        workspace_id=handshake.workspace_id,
        owner_id=handshake.user_id,
        slug=handshake.slug,
        account_key=account.key,
        connected_at=clock.now(),
    )
    revocation.add(settings, stray, tokens)
