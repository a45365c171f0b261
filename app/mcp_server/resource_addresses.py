"""The address of an MCP server's resource here: the connection it belongs to, then the server's own address.

So it can be told to whom it leads, and back: `hub://con_…/notebook://all`. The server's own is kept letter by
letter, also in a template.
"""

from collections.abc import Mapping
from typing import Any

_SCHEME = "hub://"
# what AI clients can open themselves: "servers SHOULD use this scheme only when the client is able to fetch"
# https://modelcontextprotocol.io/specification/2026-07-28/server/resources#https
_OPENED_BY_CLIENTS = ("https://", "http://")


def prefix_of(connection_id: str) -> str:
    """What every address of the connection begins with."""
    return f"{_SCHEME}{connection_id}/"


def linked(block: Mapping[str, Any], connection_id: str) -> dict[str, Any]:
    """A content block whose resource, linked or embedded, has its address here."""
    found = dict(block)
    if found.get("type") == "resource_link":
        found["uri"] = _address(found.get("uri"), connection_id)
    elif isinstance(resource := found.get("resource"), dict):
        found["resource"] = {**resource, "uri": _address(resource.get("uri"), connection_id)}
    return found


def _address(uri: Any, connection_id: str) -> str:
    text, prefix = str(uri), prefix_of(connection_id)
    return text if text.startswith((*_OPENED_BY_CLIENTS, prefix)) else prefix + text
