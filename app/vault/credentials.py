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
from app.vault import binding, seal
from app.vault.models import Connection, Credential, PendingRevocation
from app.vault.token_endpoint import TokenSet

_DEFAULT_LIFE_SECONDS = 1800  # of a first access token whose service does not say


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
    """Seal a token answer as the next generation.

    Without a new refresh token the stored one stays. Without a lifetime the token counts as living as long as
    the one before it, so that it is still refreshed in time.
    """
    if credential.access_token_sealed is not None:
        credential.generation += 1
    seal.seal(keys, credential, "access_token_sealed", tokens.access_token)
    if tokens.refresh_token is not None:
        seal.seal(keys, credential, "refresh_token_sealed", tokens.refresh_token)
    if tokens.renewal_values:
        seal.seal(keys, credential, "key_sealed", json.dumps(dict(tokens.renewal_values)))
    credential.life_seconds = (
        None
        if tokens.has_no_expiry
        else tokens.expires_in or credential.life_seconds or _DEFAULT_LIFE_SECONDS
    )
    credential.expires_at = (
        issued_at + timedelta(seconds=credential.life_seconds) if credential.life_seconds else None
    )
    credential.updated_at = issued_at
    credential.claim_owner = credential.claim_until = credential.claim_generation = (
        credential.claim_started_at
    ) = None
    credential.failures, credential.cooldown_until, credential.last_failure = 0, None, None
    credential.refusals, credential.refused_since = 0, None


def forget_tokens(credential: Credential) -> None:
    """Drop what another auth method left behind, before the tokens of a new one are stored."""
    credential.refresh_token_sealed = credential.key_sealed = credential.life_seconds = None


def is_renewable(connector: Connector, connection: Connection) -> bool:
    """Whether new access tokens need no person. False for a pasted key, which is the access itself."""
    form = connector.find_form(connection.auth_method)
    return form is None or bool(form.renewals)


def can_be_renewed(connector: Connector, connection: Connection, credential: Credential) -> bool:
    """Whether a refresh can be requested at all: with a form's renewal, or with a refresh token."""
    is_by_form = connector.find_form(connection.auth_method) is not None
    return is_renewable(connector, connection) and (is_by_form or credential.refresh_token_sealed is not None)


def expire_in(db: Session, connection: Connection, seconds: int) -> None:
    """Let the stored access token expire in that many seconds (the debug tool). Raises NotFound.

    A pasted key stays as it is: nothing could renew it.
    """
    credential, _ = locked(db, connection)
    if credential is None:
        raise NotFound()
    if is_renewable(services_of(connection.workspace_id).get(connection.slug), connection):
        credential.expires_at = database.current().now(db) + timedelta(seconds=seconds)


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
    if sealed is None or auth.revoke_url is None or not binding.is_current(connection):
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
