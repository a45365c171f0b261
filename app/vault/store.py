"""Connections: found through their workspace, changed by verbs. Tokens go in here and are never read out."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlmodel import Session, col

from app import audit, clock, crypto, database
from app.config import Settings
from app.connectors import registry
from app.connectors.credential_forms import OAUTH
from app.connectors.spec import Account
from app.crypto import KeyRing
from app.errors import InvalidInput, NotFound
from app.vault import credentials
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet
from app.workspaces.models import Membership, Workspace

LEVELS = ("off", "read", "ask", "write")
VISIBILITIES = ("shared", "personal")
_USED_EVERY = timedelta(seconds=60)


class AnotherAccount(InvalidInput):
    """A reconnect came back signed in as a different account; the connection keeps what it had."""

    code = "ANOTHER_ACCOUNT"
    status = 409


class NothingOpened(AnotherAccount):
    """The consent opened no business that this connection may have."""


@dataclass(frozen=True)
class Disconnected:
    """What a disconnect did. `revoking` is False when another connection still lives on the same sign-in."""

    revoking: bool
    sentence: str


def visible(db: Session, workspace_id: str, user_id: str) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first."""
    found = (
        select(Connection)
        .where(*_seen_by(workspace_id, user_id))
        .order_by(col(Connection.connected_at), col(Connection.id))
    )
    return list(db.execute(found).scalars())


def get(db: Session, workspace_id: str, user_id: str, connection_id: str) -> Connection:
    """One connection this person may see. Raises NotFound for any other id, whatever the reason."""
    found = select(Connection).where(*_seen_by(workspace_id, user_id), col(Connection.id) == connection_id)
    connection: Connection | None = db.execute(found).scalar_one_or_none()
    if connection is None:
        raise NotFound("We could not find that connection. It may have been disconnected; reload the page.")
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
) -> Connection:
    """Keep a new connection; it may only read until somebody allows more.

    An account this person already sees in the workspace is not doubled: its connection gets the new
    tokens. Some services (FreshBooks) end the first sign-in when the same person consents again, so
    a second row would leave the first one dead.
    Raises NotFound when the person is not, or no longer, a member.
    """
    # Two callbacks at once make one row; and who has left, or whose workspace was deleted on the way, brings
    # nothing back.
    db.execute(
        select(col(Workspace.id)).where(col(Workspace.id) == workspace_id).with_for_update(key_share=True)
    )
    if db.get(Membership, (workspace_id, owner_id), populate_existing=True) is None:
        raise NotFound("You are no longer a member of that workspace, so nothing was connected.")
    same = select(Connection).where(
        *_seen_by(workspace_id, owner_id),
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
    connection.visibility = "personal" if registry.get(slug).personal else "shared"
    _describe(connection, account, tokens, scopes)
    connection.signin_ends_at = credentials.signin_end(registry.get(slug), tokens.way, tokens, at, None)
    credential = Credential(connection_id=connection.id, workspace_id=workspace_id, updated_at=at)
    credentials.put_tokens(credential, tokens, keys, issued_at=at)
    db.add(connection)
    db.flush()
    db.add(credential)
    audit.record(
        db,
        "connection.connected",
        workspace_id=workspace_id,
        user_id=owner_id,
        subject=connection.id,
        **told(connection),
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
    """Give an existing connection a new sign-in: same row, label, permission and visibility.

    `by` is, here and below, the person who does it, for the audit trail.

    Raises AnotherAccount when the person signed in as somebody else, NotFound when it is gone.
    """
    name = registry.get(connection.slug).name
    if connection.account_key and account.key != connection.account_key:
        raise AnotherAccount(
            f"You signed in to a different {name} account. To mend this connection, sign in with the "
            "account it was made with; "
            "or connect the other account as a new connection."
        )
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None:
        raise NotFound("That connection has been disconnected in the meantime. Please connect again.")
    at = database.current().now(db)
    if row.way != tokens.way:
        credentials.forget_tokens(credential)
    _describe(row, account, tokens, scopes)
    before = row.signin_ends_at if tokens.way == OAUTH else None
    row.signin_ends_at = credentials.signin_end(registry.get(row.slug), tokens.way, tokens, at, before)
    row.state, row.last_error = "connected", None
    credentials.put_tokens(credential, tokens, keys, issued_at=at)
    audit.record(
        db, "connection.reconnected", workspace_id=row.workspace_id, user_id=by, subject=row.id, **told(row)
    )
    return row


def disconnect(
    db: Session, connection: Connection, *, settings: Settings | None = None, by: str | None = None
) -> Disconnected:
    """Forget a connection now, and note its token for revoking at the service.

    Doing it twice is fine. Call `revocation.run_soon` after the commit. `settings` let the sentence know
    whether another connection keeps the service from being told; without them it claims nothing. A refresh
    under way finds the row gone: it stores nothing, and the token it brings is revoked too.
    """
    connector = registry.get(connection.slug)
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
        db.execute(delete(Credential).where(col(Credential.connection_id) == row.id))
    db.execute(
        delete(Connection).where(
            col(Connection.id) == row.id, col(Connection.workspace_id) == row.workspace_id
        )
    )
    audit.record(
        db, "connection.disconnected", workspace_id=row.workspace_id, user_id=by, subject=row.id, **told(row)
    )
    if shared_with:
        return Disconnected(
            False,
            f"{connector.name} disconnected. Access at {connector.name} itself stays: another connection "
            "uses the same sign-in there.",
        )
    form = connector.find_form(connection.way)
    return Disconnected(True, f"{connector.name} disconnected. {form.left_behind if form else ''}".strip())


def set_permission(db: Session, connection: Connection, level: str, *, by: str | None = None) -> Connection:
    """Change what AI clients may do with it: off, read, ask or write. Raises InvalidInput, NotFound."""
    if level not in LEVELS:
        raise InvalidInput("The permission must be off, read, ask or write.")
    row = _current(db, connection)
    details = {**told(row), "before": row.permission, "level": level}
    row.permission = level
    audit.record(
        db,
        "connection.permission_changed",
        workspace_id=row.workspace_id,
        user_id=by,
        subject=row.id,
        **details,
    )
    return row


def set_label(db: Session, connection: Connection, label: str, *, by: str | None = None) -> Connection:
    """Change the person's own name for it; an empty one falls back to the account's. Raises InvalidInput,
    NotFound.
    """
    label = " ".join(label.split())
    if len(label) > 80 or not label.isprintable():
        raise InvalidInput("The label must be at most 80 characters, without control characters.")
    row = _current(db, connection)
    details = {**told(row), "label": label if row.visibility == "shared" else ""}
    row.label = label
    audit.record(
        db, "connection.renamed", workspace_id=row.workspace_id, user_id=by, subject=row.id, **details
    )
    return row


def set_visibility(
    db: Session, connection: Connection, visibility: str, *, by: str | None = None
) -> Connection:
    """Make it shared with all members, or personal to its owner. Raises InvalidInput, NotFound."""
    if visibility not in VISIBILITIES:
        raise InvalidInput("The visibility must be shared or personal.")
    row = _current(db, connection)
    account = told(row)["account"]
    row.visibility = visibility
    details = {"slug": row.slug, "account": account or told(row)["account"], "visibility": visibility}
    audit.record(
        db,
        "connection.visibility_changed",
        workspace_id=row.workspace_id,
        user_id=by,
        subject=row.id,
        **details,
    )
    return row


def hand_over(db: Session, connection: Connection, owner_id: str, *, by: str | None = None) -> Connection:
    """Give a shared connection another owner: whoever made it leaves the workspace. Raises NotFound."""
    row = _current(db, connection)
    row.owner_id = owner_id
    audit.record(
        db, "connection.handed_over", workspace_id=row.workspace_id, user_id=by, subject=row.id, to=owner_id
    )
    return row


def told(row: Connection) -> dict[str, Any]:
    """What the audit trail says of a connection. How a personal one is called concerns nobody but its
    owner.
    """
    return {
        "slug": row.slug,
        "account": (row.label or row.account_name)[:200] if row.visibility == "shared" else "",
    }


def set_businesses(db: Session, connection: Connection, account: Account) -> Connection:
    """Keep the businesses the service lists now. Raises NotFound."""
    row = _current(db, connection)
    listed = _listed(row, account)
    if row.businesses != listed:
        row.businesses = listed
    return row


_last_used: dict[str, datetime] = {}
_last_used_lock = Lock()


def mark_used(connection_id: str) -> None:
    """Note a successful call, for "Last synced". Written at most once a minute, so that calls stay cheap."""
    at = clock.now()
    with _last_used_lock:
        before = _last_used.get(connection_id)
        if before is not None and before <= at < before + _USED_EVERY:
            return
        if len(_last_used) > 10_000:
            _last_used.clear()
        _last_used[connection_id] = at
    with database.transaction() as db:
        db.execute(update(Connection).where(col(Connection.id) == connection_id).values(last_used_at=at))


def expire_in(db: Session, connection: Connection, seconds: int) -> None:
    """Let the stored access token count as expiring in so many seconds (the debug tool). Raises NotFound.

    A pasted key stays as it is: there would be nothing to renew it with.
    """
    credential, _ = credentials.locked(db, connection)
    if credential is None:
        raise NotFound()
    if credentials.is_renewable(registry.get(connection.slug), connection):
        credential.expires_at = database.current().now(db) + timedelta(seconds=seconds)


def _seen_by(workspace_id: str, user_id: str) -> tuple:  # type: ignore[type-arg]
    return (
        col(Connection.workspace_id) == workspace_id,
        or_(col(Connection.visibility) == "shared", col(Connection.owner_id) == user_id),
    )


def _current(db: Session, connection: Connection) -> Connection:
    row: Connection | None = db.execute(
        select(Connection).where(
            col(Connection.id) == connection.id, col(Connection.workspace_id) == connection.workspace_id
        )
    ).scalar_one_or_none()
    if row is None:
        raise NotFound("We could not find that connection. It may have been disconnected; reload the page.")
    return row


def _listed(connection: Connection, account: Account) -> list[dict[str, Any]]:
    """The account's businesses for this connection: what its consents opened, and nothing that others did.

    Raises NothingOpened when the last consent brought nothing new and the connection had nothing before.
    """
    before = {str(business["id"]) for business in connection.businesses or ()}
    listed = [asdict(b) for b in (*account.businesses, *(b for b in account.elsewhere if b.id in before))]
    if not listed and account.elsewhere:
        name = registry.get(connection.slug).name
        raise NothingOpened(
            f"{name} says that what you chose is connected elsewhere already. Disconnect this app from it "
            f"in {name}, then connect it here."
        )
    return listed


def _describe(
    connection: Connection, account: Account, tokens: TokenSet, scopes: str | Iterable[str]
) -> None:
    asked = scopes if isinstance(scopes, str) else " ".join(scopes)
    connection.account_key, connection.account_name = account.key[:200], account.name[:200]
    connection.businesses = _listed(connection, account)
    connection.facts = dict(account.facts)
    connection.scopes = tokens.scopes or asked
    connection.way = tokens.way
