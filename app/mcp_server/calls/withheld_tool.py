"""A tool that its service does not offer as it was approved: it may by now, so a call looks once."""

from collections.abc import Sequence

from app import clock
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.connectors.tool import Tool
from app.errors import PatchbayError
from app.vault import connection_state
from app.vault.access import open_api
from app.vault.labels import names_of
from app.vault.models import Connection


def as_it_is_now(
    settings: Settings, connector: Connector, tool: Tool, connections: Sequence[Connection], account: object
) -> Tool:
    """The tool after a look at the service's list, where that was due. `account` is the one that was named.

    The same tool if nothing changed for the better. Raises nothing.
    """
    names, at = names_of(connections), clock.now()
    usable = [c for c in connections if c.permission != "off" and connection_state.may_try(c, at)]
    for connection in sorted(usable, key=lambda c: account not in {c.id, names[c.id]})[:1]:
        try:
            api = open_api(settings, connection)
        except PatchbayError:
            return tool
        if connector.look_again(api):
            found = services_of(connection.workspace_id).find_tool(tool.name_in(connector.slug))
            if found is not None and _is_the_same(found[1], tool):
                return found[1]
    return tool


def _is_the_same(found: Tool, tool: Tool) -> bool:
    """Whether it is the tool whose rights and arguments were checked."""
    return (found.version, found.reads_only) == (tool.version, tool.reads_only)
