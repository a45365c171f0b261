"""What a person can do to a connection from its card. Each verb checks the right, acts, and says what
happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors import registry
from app.connectors.connector import Connector
from app.errors import InvalidInput, NotFound, PatchbayError, Undecipherable
from app.hub import rights, scope_choice
from app.vault import access, revocation, store
from app.vault.models import Connection
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Done:
    """What happened. `ask_service` names the connection and level that need a new consent at the service."""

    slug: str
    connection_id: str = ""
    sentence: str = ""
    good: bool = True
    ask_service: tuple[Connection, str] | None = None


def disconnect(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> Done:
    """Forget the tokens now and revoke them at the service. Doing it twice is fine."""
    connector = registry.get(slug)
    with database.transaction() as db:
        connection = _find(db, member, connector, form)
        if connection is None:
            return Done(slug, sentence=f"{connector.name} was already disconnected.")
        rights.check(member, connection)
        ended = store.disconnect(db, connection, settings=settings, by=member.user.id)
    revocation.run_soon(settings)
    return Done(slug, sentence=ended.sentence)


def permission(member: Member, slug: str, form: Mapping[str, str]) -> Done:
    """Change what AI clients may do. Writing that the service has not granted yet needs its consent first."""
    connector, level = registry.get(slug), form.get("level", "")
    if level not in store.LEVELS:
        raise InvalidInput("The permission must be off, read, ask or write.")
    with database.transaction() as db:
        connection = _get(db, member, connector, form)
        if level in scope_choice.WRITING_LEVELS and not scope_choice.may_write(connector, connection):
            return Done(slug, connection.id, ask_service=(connection, level))
        store.set_permission(db, connection, level, by=member.user.id)
    return Done(slug, connection.id)


def label(member: Member, slug: str, form: Mapping[str, str]) -> Done:
    """Rename a connection; an empty label goes back to the account's own name."""
    with database.transaction() as db:
        connection = _get(db, member, registry.get(slug), form)
        store.set_label(db, connection, form.get("label", ""), by=member.user.id)
    return Done(slug, connection.id)


def visibility(member: Member, slug: str, form: Mapping[str, str]) -> Done:
    """Share a connection with all members, or keep it to whoever made it."""
    with database.transaction() as db:
        connection = _get(db, member, registry.get(slug), form)
        store.set_visibility(db, connection, form.get("visibility", ""), by=member.user.id)
    return Done(slug, connection.id)


def test(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> Done:
    """Ask the service now who we are, with the stored tokens."""
    connector = registry.get(slug)
    with database.reading() as db:
        connection = _get(db, member, connector, form)
    try:
        account = access.check(settings, connection)
    except Undecipherable:
        raise
    except PatchbayError as error:
        return Done(
            slug, connection.id, f"{connector.name} did not pass the test: {error.message}", good=False
        )
    store.mark_used(connection.id)
    return Done(slug, connection.id, f"{connector.name} answers: signed in as {account.name}.")


def get_for_reconnect(db: Session, member: Member, connector: Connector, connection_id: str) -> Connection:
    """The connection to reconnect, if this member may change it. Raises NotFound, Forbidden."""
    return _get(db, member, connector, {"connection": connection_id})


def _get(db: Session, member: Member, connector: Connector, form: Mapping[str, str]) -> Connection:
    connection = _find(db, member, connector, form)
    if connection is None:
        raise NotFound(f"{connector.name} is not connected (any more). Reload the page.")
    rights.check(member, connection)
    return connection


def _find(db: Session, member: Member, connector: Connector, form: Mapping[str, str]) -> Connection | None:
    """The connection a form means: the named one, or the only one. None when it is not there."""
    seen = [c for c in store.visible(db, member.workspace.id, member.user.id) if c.slug == connector.slug]
    wanted = form.get("connection", "")
    if wanted:
        return next((c for c in seen if c.id == wanted), None)
    if len(seen) > 1:
        raise InvalidInput(f"{connector.name} has several connections: say which one is meant.")
    return seen[0] if seen else None
