"""The sealed tokens of a connection, inside a transaction: lock, replace, hand over for revoking.

Every writer locks the credential first, then the connection. One order everywhere, so that a refresh and a
disconnect cannot deadlock.
"""

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock, crypto, database
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.crypto import KeyRing
from app.errors import NotFound
from app.vault import seal
from app.vault.models import Connection, Credential, PendingRevocation
from app.vault.token_endpoint import TokenSet

_DEFAULT_LIFE_SECONDS = 1800  # of an access token whose service does not say


def locked(db: Session, connection: Connection) -> tuple[Credential | None, Connection | None]:
    """The rows as they are now, with the credential locked (on SQLite the transaction is the lock)."""
    credential = db.execute(
        select(Credential)
        .where(
            col(Credential.connection_id) == connection.id,
            col(Credential.workspace_id) == connection.workspace_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    row = db.execute(
        select(Connection)
        .where(col(Connection.id) == connection.id, col(Connection.workspace_id) == connection.workspace_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return credential, row


def put_tokens(credential: Credential, tokens: TokenSet, keys: KeyRing, *, issued_at: datetime) -> None:
    """Seal a token answer as the next generation. Without a new refresh token the stored one stays."""
    if credential.access_token_sealed is not None:
        credential.generation += 1
    seal.seal(keys, credential, "access_token_sealed", tokens.access_token)
    if tokens.refresh_token is not None:
        seal.seal(keys, credential, "refresh_token_sealed", tokens.refresh_token)
    if tokens.renewal_values:
        seal.seal(keys, credential, "key_sealed", json.dumps(dict(tokens.renewal_values)))
    credential.life_seconds = None if tokens.has_no_expiry else tokens.expires_in or _DEFAULT_LIFE_SECONDS
    credential.expires_at = (
        issued_at + timedelta(seconds=credential.life_seconds) if credential.life_seconds else None
    )
    credential.updated_at = issued_at
    credential.claim_owner = credential.claim_until = credential.claim_generation = (
        credential.claim_started_at
    ) = None
    credential.failures, credential.cooldown_until = 0, None


def forget_tokens(credential: Credential) -> None:
    """Drop what another auth method left behind, before the tokens of a new one are stored."""
    credential.refresh_token_sealed = credential.key_sealed = None


def is_renewable(connector: Connector, connection: Connection) -> bool:
    """Whether a new access token needs no person. False for a pasted key, which is the access itself."""
    form = connector.find_form(connection.auth_method)
    return form is None or bool(form.renewals)


def expire_in(db: Session, connection: Connection, seconds: int) -> None:
    """Let the stored access token expire in that many seconds (the debug tool). Raises NotFound.

    A pasted key stays as it is: nothing could renew it.
    """
    credential, _ = locked(db, connection)
    if credential is None:
        raise NotFound()
    if is_renewable(services_of(connection.workspace_id).get(connection.slug), connection):
        credential.expires_at = database.current().now(db) + timedelta(seconds=seconds)


def can_be_prolonged(connector: Connector, auth_method: str) -> bool:
    """Whether refreshing moves the end of the access: not where it ends on a fixed day."""
    form = connector.find_form(auth_method)
    return (
        connector.auth_of(auth_method).authorization_days is None
        if form is None
        else form.authorization_seconds is None or form.authorization_slides
    )


def access_ends_at(
    connector: Connector, auth_method: str, tokens: TokenSet, at: datetime, before: datetime | None
) -> datetime | None:
    """When the access ends if nothing is done: the service's word, else its documented lifetime or idle time.

    `before` is the end known at a refresh; None for new access.
    """
    if (form := connector.find_form(auth_method)) is not None:
        if form.authorization_seconds is None:
            return None
        return (
            at + timedelta(seconds=form.authorization_seconds)
            if form.authorization_slides or before is None
            else before
        )
    auth = connector.auth_of(auth_method)
    if tokens.refresh_expires_in is not None:
        return at + timedelta(seconds=tokens.refresh_expires_in)
    if auth.authorization_days is not None:
        # Refreshing does not prolong it; only a new authorization brings a new refresh token.
        return (
            at + timedelta(days=auth.authorization_days) if tokens.refresh_token or before is None else before
        )
    if auth.idle_days is not None:
        return at + timedelta(days=auth.idle_days)
    return before


def siblings(
    db: Session, settings: Settings, connector: Connector, account_key: str, *, but: str
) -> list[str]:
    """Slugs of connections anywhere in the installation that lose access with that account at the service.

    Crosses workspaces on purpose: revoking a whole account at the service would end their access too.
    """
    services = services_of(connector.workspace_id)
    family = [each.slug for each in services if _end_together(settings, connector, each)]
    same = select(col(Connection.slug)).where(
        col(Connection.slug).in_(family),
        col(Connection.account_key) == account_key,
        col(Connection.account_key) != "",
        col(Connection.id) != but,
    )
    if connector.workspace_id is not None:  # in another workspace its slug means another service
        same = same.where(col(Connection.workspace_id) == connector.workspace_id)
    return list(db.execute(same).scalars())


def _end_together(settings: Settings, one: Connector, other: Connector) -> bool:
    """Whether revoking a person's access at one service ends it at the other: both are one project there."""
    if not one.auth.revokes_whole_account or one.auth.revoke_url != other.auth.revoke_url:
        return False
    ours, theirs = addresses.resolve(one, settings), addresses.resolve(other, settings)
    if ours is None or theirs is None:
        return False
    project = one.auth.project_of
    return ours.sandbox == theirs.sandbox and project(ours.client_id) == project(theirs.client_id)


def note_for_revoking(
    db: Session, connector: Connector, connection: Connection, credential: Credential
) -> None:
    """Move the sealed token to the list of pending revocations, without opening it.

    Nothing for a form: only the service's own people can end what they made there.
    """
    auth = connector.auth_of(connection.auth_method)
    wanted = f"{auth.revokes}_token_sealed"
    field = (
        wanted
        if getattr(credential, wanted)
        else "refresh_token_sealed"
        if credential.refresh_token_sealed
        else "access_token_sealed"
    )
    sealed = getattr(credential, field)
    if sealed is None or auth.revoke_url is None:
        return
    db.add(pending_revocation(connection, field, sealed))


def pending_revocation(connection: Connection, token_field: str, token_sealed: str = "") -> PendingRevocation:
    """A row to revoke a token of the connection, due at once."""
    at = clock.now()
    return PendingRevocation(
        id=crypto.new_id("rev"),
        workspace_id=connection.workspace_id,
        slug=connection.slug,
        connection_id=connection.id,
        account_key=connection.account_key,
        token_field=token_field,
        token_sealed=token_sealed,
        next_try_at=at,
        created_at=at,
    )
