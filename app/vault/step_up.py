"""Scopes that a service asked for when it refused a call (RFC 6750 section 3.1, `insufficient_scope`).

They wait at the connection until a person reconnects it: its consent page is then asked for what was granted
before and for these, so that no right is lost (MCP, scope challenge handling).
"""

from collections.abc import Iterable

from app import database
from app.vault.models import Connection

_FACT = "wanted_scopes"
_MOST = 100


def note(connection_id: str, scope: str) -> bool:
    """Store what the service asks for, space separated. False if reconnecting would not help: it was granted
    already.
    """
    with database.transaction() as db:
        row = db.get(Connection, connection_id, with_for_update=True, populate_existing=True)
        if row is None or (scope and set(scope.split()) <= set(row.scopes.split())):
            return False
        row.facts = {**row.facts, _FACT: list(_merged(row.facts.get(_FACT, ()), scope.split()))}
    return True


def is_pending(connection: Connection) -> bool:
    """Whether scopes wait for its person to reconnect it."""
    return bool(connection.facts.get(_FACT))


def scopes_of(connection: Connection) -> tuple[str, ...]:
    """What a consent page is asked for: the scopes that were granted, then those that are wanted."""
    return _merged(connection.scopes.split(), connection.facts.get(_FACT, ()))


def _merged(*parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scope for part in parts for scope in part))[:_MOST]
