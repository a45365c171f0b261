"""The usage row of a tool call: who called what, and what a tool of ours asked services on the way."""

from app import clock
from app.mcp_server.toolbox import Listed
from app.mcp_server.tools.connections import Hub
from app.oauth_server.callers import Caller
from app.usage.models import Call

_UNKNOWN = "(unknown)"


def begin(caller: Caller, listed: Listed | None) -> Call:
    """The row of a call that begins."""
    return Call(
        at=clock.now(),
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        grant_id=caller.grant_id,
        client_name=caller.client_name,
        tool=listed.name if listed else _UNKNOWN,
        slug=listed.connector.slug if listed and listed.connector else "",
        outcome="ok",
        total_ms=0.0,
    )


def note_services(row: Call, hub: Hub) -> list[str]:
    """Put into the row what a tool of ours asked services; gives the connections that answered.

    There is one row a call: a request that failed stands for all of them, else the last.
    """
    if not hub.calls:
        return []
    asked = set(hub.asked)
    told = next((sent for sent in hub.calls if sent.status is None or sent.status >= 400), hub.calls[-1])
    row.upstream_endpoint, row.upstream_status, row.upstream_ms = told.endpoint[:200], told.status, hub.waited_ms
    slugs = {connection.slug for connection in hub.connections if connection.id in asked}
    row.slug = slugs.pop() if len(slugs) == 1 else ""
    row.connection_id = asked.pop() if len(asked) == 1 else None
    return list(dict.fromkeys(hub.used))
