"""What a person can do to a connection from its card. Each checks the right, acts, returns an Outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import InvalidInput, NotFound, PatchbayError, Undecipherable
from app.hub import rights, scope_choice
from app.hub.levels import LEVELS
from app.vault import access, connection_settings, last_used, revocation, store
from app.vault.models import Connection
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Outcome:
    """The result. `ask_service` names the connection and level that need a new consent page."""

    slug: str
    connection_id: str = ""
    sentence: str = ""
    good: bool = True
    saved: bool = False  # said beside the control; without htmx `sentence` says it
    ask_service: tuple[Connection, str] | None = None


def disconnect(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> Outcome:
    """Deletes the tokens now and revokes them at the service in the background. Idempotent."""
    connector = services_of(member.workspace.id).get(slug)
    with database.transaction() as db:
        connection = _find(db, member, connector, form)
        if connection is None:
            return Outcome(slug, sentence=f"{connector.name} was already disconnected.")
        rights.check(member, connection)
        ended = store.disconnect(db, connection, settings=settings, by=member.user.id)
    revocation.run_soon(settings)
    return Outcome(slug, sentence=ended.sentence)


def permission(member: Member, slug: str, form: Mapping[str, str]) -> Outcome:
    """Changes what AI clients may do. A level the service has not granted yet needs its consent page."""
    connector, level = services_of(member.workspace.id).get(slug), form.get("level", "")
    if level not in connection_settings.LEVELS:
        raise InvalidInput("The permission must be off, read, ask or write.")
    with database.transaction() as db:
        connection = _get(db, member, connector, form)
        if level in scope_choice.WRITING_LEVELS and not scope_choice.may_write(connector, connection):
            return Outcome(slug, connection.id, ask_service=(connection, level))
        connection_settings.set_permission(db, connection, level, by=member.user.id)
    sentence = f"Saved. {connector.name}: {LEVELS[level].words}."
    return Outcome(slug, connection.id, sentence, saved=True)


def label(member: Member, slug: str, form: Mapping[str, str]) -> Outcome:
    """Renames a connection; an empty label restores the account's own name."""
    with database.transaction() as db:
        connection = _get(db, member, services_of(member.workspace.id).get(slug), form)
        connection_settings.set_label(db, connection, form.get("label", ""), by=member.user.id)
    return Outcome(slug, connection.id, "Saved.", saved=True)


def visibility(member: Member, slug: str, form: Mapping[str, str]) -> Outcome:
    """Shares a connection with all members, or restricts it to whoever made it."""
    with database.transaction() as db:
        connection = _get(db, member, services_of(member.workspace.id).get(slug), form)
        connection_settings.set_visibility(db, connection, form.get("visibility", ""), by=member.user.id)
    return Outcome(slug, connection.id, "Saved.", saved=True)


def test(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> Outcome:
    """Fetches the account from the service now, with the stored tokens."""
    connector = services_of(member.workspace.id).get(slug)
    with database.reading() as db:
        connection = _get(db, member, connector, form)
    try:
        account = access.check(settings, connection)
    except Undecipherable:
        raise
    except PatchbayError as error:
        return Outcome(
            slug, connection.id, f"The test of {connector.name} failed: {error.message}", good=False
        )
    last_used.of_connections.note(connection.id)
    return Outcome(slug, connection.id, f"{connector.name} works: connected as {account.name}.")


def get_for_reconnect(db: Session, member: Member, connector: Connector, connection_id: str) -> Connection:
    """The connection to reconnect, if this member may change it. Raises NotFound, Forbidden."""
    return _get(db, member, connector, {"connection": connection_id})


def _get(db: Session, member: Member, connector: Connector, form: Mapping[str, str]) -> Connection:
    connection = _find(db, member, connector, form)
    if connection is None:
        raise NotFound(f"{connector.name} isn't connected anymore. Reload the page.")
    rights.check(member, connection)
    return connection


def _find(db: Session, member: Member, connector: Connector, form: Mapping[str, str]) -> Connection | None:
    """The connection a form means: the named one, or the only one. None if it is gone."""
    visible = [c for c in store.visible(db, member.workspace.id, member.user.id) if c.slug == connector.slug]
    connection_id = form.get("connection", "")
    if connection_id:
        return next((c for c in visible if c.id == connection_id), None)
    if len(visible) > 1:
        raise InvalidInput(f"{connector.name} has several connections. Choose one of them.")
    return visible[0] if visible else None
