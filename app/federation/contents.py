"""The resources and prompts of MCP servers, per connection, as they were listed last.

A list never waits for a server: what is over is read in the background, by one reader of all processes, and
the last one counts until then. Only connecting reads them at once, so that the first list has them. An entry
whose text is suspicious is left out, and the server's page says why.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from app import clock, database, threads
from app.config import Settings
from app.connectors import mcp
from app.connectors.rows import plain
from app.errors import PatchbayError, Unavailable
from app.federation import hygiene
from app.federation.models import McpContents
from app.mcp_client import MethodMissing
from app.vault.access import open_api
from app.vault.models import Connection
from app.vault.store import keep

log = logging.getLogger(__name__)

_GOOD_FOR = timedelta(minutes=5)
_LEASE = timedelta(seconds=40)  # longer than reading lasts; also the pause after a failure
_READING_SECONDS = 20.0
_CONNECTING_SECONDS = 5.0  # how long a person who connects waits for it at most
_MOST = 300  # of each kind
_MOST_ARGUMENTS = 50  # of a prompt
_LONGEST_URI, _LONGEST_NAME, _LONGEST_TEXT = 1_000, 200, 1_000
_MOST_LEFT_OUT = 50  # that are stored with their reasons
_RESOURCE_FIELDS = ("name", "title", "description", "mimeType", "size")
_readers = ThreadPoolExecutor(2, thread_name_prefix="mcp-contents")


def of_connections(connection_ids: Iterable[str]) -> dict[str, McpContents]:
    """What is known, by connection. One query, none for no connection."""
    wanted = list(connection_ids)
    if not wanted:
        return {}
    with database.reading() as db:
        found = db.execute(select(McpContents).where(col(McpContents.connection_id).in_(wanted))).scalars()
        return {row.connection_id: row for row in found}


def read_due(settings: Settings, connections: Sequence[Connection], known: Mapping[str, McpContents]) -> None:
    """Have those that are over, or were never read, read in the background."""
    now = clock.now()
    for connection in connections:
        row = known.get(connection.id)
        if row is None or not clock.is_ahead(row.expires_at, _GOOD_FOR, at=now):
            threads.submit(_readers, _read_quietly, settings, connection)


def read_now(settings: Settings, connection_id: str) -> None:
    """Read those of a connection that was just made, or made again, within seconds. Raises nothing."""
    try:
        with database.transaction() as db:
            connection = db.get(Connection, connection_id)
            mine = col(McpContents.connection_id) == connection_id
            db.execute(update(McpContents).where(mine).values(expires_at=clock.now()))
    except Unavailable:  # then they are read in the background
        return
    if connection is not None:
        _read_quietly(settings, connection, _CONNECTING_SECONDS)


def _read_quietly(settings: Settings, connection: Connection, seconds: float = _READING_SECONDS) -> None:
    try:
        read(settings, connection, seconds)
    except PatchbayError as error:
        log.info("the contents of %s could not be read: %s", connection.id, error.message)
    except Exception:  # the edge of a background thread
        log.exception("the contents of %s could not be read", connection.id)


def read(settings: Settings, connection: Connection, seconds: float = _READING_SECONDS) -> bool:
    """Read the lists of a connection and store them. False if somebody else does, or they are good.

    Raises ToolError when the server does not list them; the last ones stay.
    """
    if not _claim(connection):
        return False
    client = mcp.client_of(open_api(settings, connection, deadline=time.monotonic() + seconds))
    prompts, bad_prompts = _judged("prompt", _listed(client.list_prompts), _prompt)
    resources, bad_resources = _judged("resource", _listed(client.list_resources), _resource)
    templates, bad_templates = _judged("template", _listed(client.list_resource_templates), _template)
    now = clock.now()
    with database.transaction() as db:
        db.execute(
            update(McpContents)
            .where(col(McpContents.connection_id) == connection.id)
            .values(
                resources=resources,
                templates=templates,
                prompts=prompts,
                left_out=[*bad_resources, *bad_templates, *bad_prompts][:_MOST_LEFT_OUT],
                read_at=now,
                expires_at=now + _GOOD_FOR,
            )
        )
    return True


def _claim(connection: Connection) -> bool:
    """Whether this reader may read now: for a while, nobody else does."""
    now = clock.now()
    with database.transaction() as db:
        taken = db.execute(
            update(McpContents)
            .where(col(McpContents.connection_id) == connection.id, col(McpContents.expires_at) <= now)
            .values(expires_at=now + _LEASE)
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            return True
        if not keep(db, connection.id):
            return False
        new = {"connection_id": connection.id, "workspace_id": connection.workspace_id}
        empty: dict[str, Any] = {"resources": [], "templates": [], "prompts": []}
        adding = database.upsert_into(McpContents).values(**new, **empty, expires_at=now + _LEASE)
        added = db.execute(adding.on_conflict_do_nothing())
        return bool(added.rowcount)  # type: ignore[attr-defined]


def _listed(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The entries; none from a server that has no such list."""
    try:
        return ask()
    except MethodMissing:
        return []


def _judged(
    kind: str,
    entries: Sequence[Mapping[str, Any]],
    clean: Callable[[Mapping[str, Any]], dict[str, Any] | None],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The entries as they are stored, without malformed and repeated ones; and what is suspicious of them."""
    found = {each["key"]: each for each in map(clean, entries[:_MOST]) if each is not None}
    suspects = hygiene.inspect([_definition(each) for each in found.values()], frozenset())
    reasons = {key: [each.sentence for each in of if each.is_hard] for key, of in suspects.items()}
    left_out = [{"kind": kind, "key": key, "reasons": why} for key, why in reasons.items() if why]
    return [each for key, each in found.items() if not reasons.get(key)], left_out


def _definition(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the texts of a tool are judged: its address or name, title, description and arguments."""
    texts = {part: entry[part] for part in ("title", "description") if part in entry}
    more = {part: entry[part] for part in ("name", "mimeType", "arguments") if part in entry}
    return {"inputSchema": more, **texts, "name": entry["key"]}


def _resource(given: Mapping[str, Any]) -> dict[str, Any] | None:
    return _addressed(given, "uri")


def _template(given: Mapping[str, Any]) -> dict[str, Any] | None:
    return _addressed(given, "uriTemplate")


def _addressed(given: Mapping[str, Any], address: str) -> dict[str, Any] | None:
    uri = given.get(address)
    if not isinstance(uri, str) or not uri or len(uri) > _LONGEST_URI or plain(uri) != uri:
        return None
    return {"key": uri, **_texts(given, _RESOURCE_FIELDS)}


def _prompt(given: Mapping[str, Any]) -> dict[str, Any] | None:
    name = given.get("name")
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME or plain(name) != name:
        return None
    arguments = given.get("arguments")
    taken = [
        {**_texts(each, ("name", "title", "description")), "required": each.get("required") is True}
        for each in (arguments[:_MOST_ARGUMENTS] if isinstance(arguments, list) else [])
        if isinstance(each, Mapping) and isinstance(each.get("name"), str)
    ]
    return {"key": name, **_texts(given, ("title", "description")), "arguments": taken}


def _texts(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """These fields, cleaned and bounded."""
    found: dict[str, Any] = {}
    for name in names:
        value = given.get(name)
        if isinstance(value, str):
            found[name] = plain(value)[: _LONGEST_TEXT if name == "description" else _LONGEST_NAME]
        elif name == "size" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            found[name] = value
    return found
