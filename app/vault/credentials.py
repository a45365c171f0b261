"""The sealed tokens of a connection, inside a transaction: locking, replacing, handing over for revoking.

Whoever changes a credential locks its row first, then touches the connection: one order everywhere,
so that a refresh and a disconnect cannot wait for each other.
"""

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from app import audit, clock, crypto
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors import registry
from app.connectors.connector import Connector
from app.crypto import KeyRing
from app.vault import seal
from app.vault.models import Connection, Credential, PendingRevocation
from app.vault.token_endpoint import TokenSet

_DEFAULT_LIFE_SECONDS = 1800  # of an access token whose service does not say


def locked(db: Session, connection: Connection) -> tuple[Credential | None, Connection | None]:
    """The rows as they are now, with the credential's lock held (on SQLite the transaction itself is the
    lock).
    """
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
    """Seal a token answer into a credential as its next generation. A refresh token that did not come is
    kept.
    """
    if credential.access_token_sealed is not None:
        credential.generation += 1
    seal.seal(keys, credential, "access_token_sealed", tokens.access_token)
    if tokens.refresh_token is not None:
        seal.seal(keys, credential, "refresh_token_sealed", tokens.refresh_token)
    if tokens.kept:
        seal.seal(keys, credential, "key_sealed", json.dumps(dict(tokens.kept)))
    credential.life_seconds = None if tokens.lasts else tokens.expires_in or _DEFAULT_LIFE_SECONDS
    credential.expires_at = (
        issued_at + timedelta(seconds=credential.life_seconds) if credential.life_seconds else None
    )
    credential.updated_at = issued_at
    credential.claim_owner = credential.claim_until = credential.claim_generation = (
        credential.claim_started_at
    ) = None
    credential.failures, credential.cooldown_until = 0, None


def forget_tokens(credential: Credential) -> None:
    """Drop what another way of signing in left behind, before the tokens of a new one are put."""
    credential.refresh_token_sealed = credential.key_sealed = None


def is_renewable(connector: Connector, connection: Connection) -> bool:
    """Whether a new access token can be had without the person: False for a pasted key, which is the
    sign-in itself.
    """
    form = connector.find_form(connection.way)
    return form is None or bool(form.renews)


def can_be_prolonged(connector: Connector, way: str) -> bool:
    """Whether refreshing moves the end of the sign-in: not where it ends on a fixed day."""
    form = connector.find_form(way)
    return (
        connector.auth_of(way).signin_days is None
        if form is None
        else form.signin_seconds is None or form.signin_slides
    )


def signin_end(
    connector: Connector, way: str, tokens: TokenSet, at: datetime, before: datetime | None
) -> datetime | None:
    """When the sign-in dies if nothing is done: the service's word, else its documented lifetime or idle
    time.

    `before` is what a refresh found; a new sign-in has None.
    """
    if (form := connector.find_form(way)) is not None:
        if form.signin_seconds is None:
            return None
        return at + timedelta(seconds=form.signin_seconds) if form.signin_slides or before is None else before
    auth = connector.auth_of(way)
    if tokens.refresh_expires_in is not None:
        return at + timedelta(seconds=tokens.refresh_expires_in)
    if auth.signin_days is not None:
        # Refreshing does not lengthen it; only a new consent brings a new refresh token.
        return at + timedelta(days=auth.signin_days) if tokens.refresh_token or before is None else before
    if auth.idle_days is not None:
        return at + timedelta(days=auth.idle_days)
    return before


def end(db: Session, row: Connection, reason: str) -> None:
    """The sign-in is over and only its person can mend it. `row` is the connection, locked."""
    row.state, row.last_error = "reconnect_needed", reason
    account = (row.label or row.account_name)[:200] if row.visibility == "shared" else ""
    details = {"slug": row.slug, "account": account, "reason": reason}
    audit.record(db, "connection.reconnect_needed", workspace_id=row.workspace_id, subject=row.id, **details)


def siblings(
    db: Session, settings: Settings, connector: Connector, account_key: str, *, but: str
) -> list[str]:
    """Slugs of connections anywhere in the installation whose sign-in ends with that account's at the
    service.

    Crosses workspaces on purpose: revoking a whole account at the service would end theirs too.
    """
    family = [c.slug for c in registry.CONNECTORS.values() if _end_together(settings, connector, c)]
    same = select(col(Connection.slug)).where(
        col(Connection.slug).in_(family),
        col(Connection.account_key) == account_key,
        col(Connection.account_key) != "",
        col(Connection.id) != but,
    )
    return list(db.execute(same).scalars())


def _end_together(settings: Settings, one: Connector, other: Connector) -> bool:
    """Whether revoking a person's sign-in at one service ends theirs at the other: both belong to one
    project there.
    """
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
    """Move the sealed token to the list of what is still to be revoked. It is not opened for that.

    What a form brought has nothing there: the service's people end it.
    """
    auth = connector.auth_of(connection.way)
    wanted = f"{auth.revokes}_token_sealed"
    field = (
        wanted
        if getattr(credential, wanted)
        else "refresh_token_sealed"
        if credential.refresh_token_sealed
        else "access_token_sealed"
    )
    sealed, at = getattr(credential, field), clock.now()
    if sealed is None or auth.revoke_url is None:
        return
    db.add(
        PendingRevocation(
            id=crypto.new_id("rev"),
            workspace_id=connection.workspace_id,
            slug=connection.slug,
            connection_id=connection.id,
            account_key=connection.account_key,
            token_field=field,
            token_sealed=sealed,
            next_try_at=at,
            created_at=at,
        )
    )
