"""The result of tools/list: its JSON is made once per distinct list, and the last few are kept.

A list depends on rows that each request reads anew, so a changed right is another list from the next request
on. What is kept is no right: only what a list looks like that is made of exactly these facts.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from mcp.server.caching import CacheHint
from mcp_types.methods import serialize_server_result
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from pydantic import ValidationError
from pydantic_core import to_json

from app.connectors.connector import LACKS, LACKS_OF_MORE
from app.connectors.services import services_of
from app.mcp_server.protocol.direct import DirectResult
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.models import Connection

_MOST = 10  # a list of nine services is a few hundred kilobytes

# A changed permission takes effect with the next call; a client may display the old list for this long.
HINT = CacheHint(ttl_ms=10_000, scope="private")


class ToolLists:
    """The JSON of the last few lists. One per server, whose tools are all known when it starts."""

    def __init__(self) -> None:
        self._cached: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The JSON kept under the key, else what `make` makes."""
        with self._lock:
            if (found := self._cached.get(key)) is not None:
                self._cached.move_to_end(key)
                return found
        made = make()  # outside the lock: two threads may make the same list, which does no harm
        with self._lock:
            self._cached[key] = made
            if len(self._cached) > _MOST:
                self._cached.popitem(last=False)
        return made


@dataclass(frozen=True)
class ToolListResult(DirectResult):
    """The tools of one caller. `key` is all that `entries` depends on."""

    lists: ToolLists
    key: Hashable
    entries: Callable[[], list[dict[str, Any]]]

    def as_json(self, meta: bytes | None) -> bytes | None:
        """None if the SDK finds a tool invalid: it says so in its own way."""
        try:
            return self.lists.get((self.key, meta), lambda: self._make(meta))
        except ValidationError:
            return None

    def _make(self, meta: bytes | None) -> bytes:
        version = LATEST_HANDSHAKE_VERSION if meta is None else LATEST_MODERN_VERSION
        hints = {"ttlMs": HINT.ttl_ms, "cacheScope": HINT.scope}
        shaped = serialize_server_result("tools/list", version, {**hints, **self.as_dict()})
        made = to_json(shaped, inf_nan_mode="null")
        return made if meta is None else made[:-1] + b',"_meta":' + meta + b"}"

    def as_dict(self) -> dict[str, Any]:
        """The result, made now."""
        return {"resultType": "complete", "tools": self.entries()}


def key_of(caller: AuthenticatedCaller, connections: Sequence[Connection]) -> Hashable:
    """All that a list of tools depends on besides the settings: equal keys have equal lists.

    The services by identity: each change of one makes another object. A test sees to it that `Toolbox` reads
    no other attribute of a caller or connection.
    """
    return (
        services_of(caller.workspace_id),
        caller.workspace_active,
        caller.kind,
        caller.may_debug,
        caller.scopes,
        caller.selection,
        tuple(map(_facts_of, connections)),
    )


def _facts_of(connection: Connection) -> Hashable:
    return (
        connection.id,
        connection.slug,
        connection.label,
        connection.account_name,
        connection.permission,
        connection.scopes,
        len(connection.businesses),
        tuple(connection.hidden_tools),
        tuple(connection.facts.get(LACKS, ())),
        tuple(connection.facts.get(LACKS_OF_MORE, ())),
    )
