"""Connections: found through their workspace, changed by verbs. Tokens go in here and are never read out."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit, crypto, database
from app.config import Settings
from app.connectors.credential_forms import OAUTH
from app.connectors.services import services_of
from app.connectors.spec import Account
from app.crypto import KeyRing
from app.errors import InvalidInput, NotFound
from app.vault import access_end, binding, connection_state, credentials, session_endings
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet
from app.vault.visible_connections import are_visible
from app.workspaces.models import Membership, Workspace


class AnotherAccount(InvalidInput):
    """A reconnect returned a different account; the connection keeps what it had."""

    code = "ANOTHER_ACCOUNT"
    status = 409


class NothingOpened(AnotherAccount):
    """The authorization opened no business that this connection may have."""


@dataclass(frozen=True)
class Disconnected:
    """The result of a disconnect. `revoking` is False when another connection still uses the same access."""

    revoking: bool
    sentence: str


def visible(db: Session, workspace_id: str, user_id: str) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first."""
    found = (
        select(Connection)
        .where(are_visible(workspace_id, user_id))
        .order_by(col(Connection.connected_at), col(Connection.id))
    )
    return list(db.execute(found).scalars())


def get(db: Session, workspace_id: str, user_id: str, connection_id: str) -> Connection:
    """One connection this person may see. Raises NotFound for any other id, whatever the reason."""
    found = select(Connection).where(are_visible(workspace_id, user_id), col(Connection.id) == connection_id)
    connection: Connection | None = db.execute(found).scalar_one_or_none()
    if connection is None:
        raise NotFound("We couldn't find that connection. It may have been disconnected. Reload the page.")
    return connection


def connect(
    db: Session,
    *,
    workspace_id: str,
    owner_id: str,
    slug: str,
    account: Account,
    tokens: TokenSet,
    scopes: str | Iterable[str],
    keys: KeyRing,
    visibility: str | None = None,
) -> Connection:
    """Store a new connection; it may only read until somebody allows more.

    `visibility` is shared or personal; None is the service's own default.

    For an account this person already sees in the workspace, the existing connection gets the new tokens.
    Some services (FreshBooks) end the first access when the same person authorizes again, so a second row
    would leave the first one dead. Raises NotFound when the person is not, or no longer, a member.
    """
    # Two callbacks at once make one row; and nothing is stored for a person who has left, or for a workspace
    # that was deleted meanwhile.
    db.execute(
        select(col(Workspace.id)).where(col(Workspace.id) == workspace_id).with_for_update(key_share=True)
    )
    if db.get(Membership, (workspace_id, owner_id), populate_existing=True) is None:
        raise NotFound("You are no longer a member of that workspace, so nothing was connected.")
    same = select(Connection).where(
        are_visible(workspace_id, owner_id),
        col(Connection.slug) == slug,
        col(Connection.account_key) == account.key,
        col(Connection.account_key) != "",
    )
    existing: Connection | None = db.execute(
        same.order_by(col(Connection.connected_at)).limit(1)
    ).scalar_one_or_none()
    if existing is not None:
        return reconnect(db, existing, account=account, tokens=tokens, scopes=scopes, keys=keys, by=owner_id)
    at = database.current().now(db)
    connection = Connection(
        id=crypto.new_id("con"), workspace_id=workspace_id, owner_id=owner_id, slug=slug, connected_at=at
    )
    connector = services_of(workspace_id).get(slug)
    connection.visibility = visibility or ("personal" if connector.personal else "shared")
    _describe(connection, account, tokens, scopes)
    access_end.set_end(connection, connector, tokens, at, before=None, renewed=False)
    credential = Credential(connection_id=connection.id, workspace_id=workspace_id, updated_at=at)
    credentials.put_tokens(credential, tokens, keys, issued_at=at)
    db.add(connection)
    db.flush()
    db.add(credential)
    audit.record(
        db, "connection.connected", **audit.about(connection, owner_id), **connection.audit_details()
    )
    return connection


def reconnect(
    db: Session,
    connection: Connection,
    *,
    account: Account,
    tokens: TokenSet,
    scopes: str | Iterable[str],
    keys: KeyRing,
    by: str | None = None,
) -> Connection:
    """Give an existing connection new access: same row, label, permission and visibility.

    `by` is, here and below, the person who does it, for the audit trail. Raises AnotherAccount when the
    person authorized another account, NotFound when the connection is gone.
    """
    name = services_of(connection.workspace_id).get(connection.slug).name
    if connection.account_key and account.key != connection.account_key:
        raise AnotherAccount(
            f"You chose a different {name} account. To restore this connection, use the account it was "
            "made with, or connect the other account as a new connection."
        )
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None:
        raise NotFound("That connection was disconnected in the meantime. Please connect again.")
    at = database.current().now(db)
    if row.auth_method != tokens.auth_method:
        credentials.forget_tokens(credential)
    _describe(row, account, tokens, scopes)
    connector = services_of(row.workspace_id).get(row.slug)
    before = row.signin_ends_at if tokens.auth_method == OAUTH else None
    access_end.set_end(row, connector, tokens, at, before=before, renewed=False)
    connection_state.mark_connected(db, row, credential)
    credentials.put_tokens(credential, tokens, keys, issued_at=at)
    audit.record(db, "connection.reconnected", **audit.about(row, by), **row.audit_details())
    return row


def disconnect(
    db: Session, connection: Connection, *, settings: Settings | None = None, by: str | None = None
) -> Disconnected:
    """Delete a connection now, and record its token for revoking at the service. Idempotent.

    Call `revocation.run_soon` after the commit. With `settings` the sentence says whether another connection
    keeps the service from being told; without, it claims nothing. A running refresh finds the row gone: it
    stores nothing, and the token it obtains is revoked too.
    """
    connector = services_of(connection.workspace_id).get(connection.slug)
    credential, row = credentials.locked(db, connection)
    if row is None:
        return Disconnected(False, f"{connector.name} was already disconnected.")
    shared_with = (
        credentials.siblings(db, settings, connector, connection.account_key, but=connection.id)
        if settings
        else []
    )
    if credential is not None:
        credentials.note_for_revoking(db, connector, row, credential)
        session_endings.note(db, [row], {row.id: credential})
        db.execute(delete(Credential).where(col(Credential.connection_id) == row.id))
    db.execute(
        delete(Connection).where(
            col(Connection.id) == row.id, col(Connection.workspace_id) == row.workspace_id
        )
    )
    audit.record(db, "connection.disconnected", **audit.about(row, by), **row.audit_details())
    if shared_with:
        return Disconnected(
            False,
            f"{connector.name} disconnected. {connector.name} still lists our access, because another "
            "connection uses it.",
        )
    form = connector.find_form(connection.auth_method)
    return Disconnected(True, f"{connector.name} disconnected. {form.left_behind if form else ''}".strip())


def set_businesses(db: Session, connection: Connection, account: Account) -> Connection:
    """Store the businesses that the service lists now, and the facts it names. Raises NotFound."""
    row = get_current(db, connection)
    listed, facts = _listed(row, account), {**row.facts, **account.facts}
    if row.businesses != listed:
        row.businesses = listed
    if row.facts != facts:
        row.facts = facts
    return row


def get_current(db: Session, connection: Connection, *, lock: bool = False) -> Connection:
    """The connection's row as it is now. `lock`: until the transaction ends, for a change that depends on
    what is stored. Raises NotFound if it has been disconnected.
    """
    query = select(Connection).where(
        col(Connection.id) == connection.id, col(Connection.workspace_id) == connection.workspace_id
    )
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    row: Connection | None = db.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound("We couldn't find that connection. It may have been disconnected. Reload the page.")
    return row


def keep(db: Session, connection_id: str) -> bool:
    """Keep a connection from being deleted until the transaction ends, so that rows that refer to it can be
    added. False: it is gone already.
    """
    query = select(col(Connection.id)).where(col(Connection.id) == connection_id)
    return db.execute(query.with_for_update(read=True, key_share=True)).first() is not None


def _listed(connection: Connection, account: Account) -> list[dict[str, Any]]:
    """The account's businesses for this connection: those its own authorizations opened, not those of others.

    Raises NothingOpened when the last authorization opened nothing new and the connection had nothing before.
    """
    before = {str(business["id"]) for business in connection.businesses or ()}
    listed = [asdict(b) for b in (*account.businesses, *(b for b in account.elsewhere if b.id in before))]
    if not listed and account.elsewhere:
        name = services_of(connection.workspace_id).get(connection.slug).name
        raise NothingOpened(
            f"{name} says that what you chose is connected elsewhere already. Disconnect this app from it "
            f"in {name}, then connect it here."
        )
    return listed


def _describe(
    connection: Connection, account: Account, tokens: TokenSet, scopes: str | Iterable[str]
) -> None:
    requested = scopes if isinstance(scopes, str) else " ".join(scopes)
    connection.account_key, connection.account_name = account.key[:200], account.name[:200]
    connection.businesses = _listed(connection, account)
    connection.facts = {**account.facts, **binding.facts_of(connection)}
    connection.scopes = tokens.scopes or requested
    connection.auth_method = tokens.auth_method
