"""The tools that FlowPOS lists for a token, and what their arguments are called there.

FlowPOS documents the names of some tools and of one argument. So nothing is taken for granted: `identify`
reads `tools/list` and stores what it found among the connection's facts, and a call is made of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.connectors.api import Api
from app.connectors.flowpos import endpoint
from app.connectors.rows import plain
from app.errors import PermissionDenied, ProviderError
from app.mcp_client import McpClient

FACT = "tools"
SET_ACTIVE_BUSINESS = "set_active_business"
_MOST_TOOLS, _MOST_ARGUMENTS, _LONGEST_NAME = 200, 100, 100


@dataclass(frozen=True)
class FlowposTool:
    """A tool as FlowPOS lists it: the names of its arguments, and those it cannot do without."""

    name: str
    takes: tuple[str, ...]
    needs: tuple[str, ...]

    def fill_in(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments under the names FlowPOS has for them; None counts as not given.

        Spelling decides nothing: `location_id` is `locationId`. Raises ProviderError for an argument that
        FlowPOS does not take, and for one it needs that we do not know.
        """
        own = {_folded(name): name for name in self.takes}
        values = {name: value for name, value in given.items() if value is not None}
        if unknown := [name for name in values if _folded(name) not in own]:
            raise ProviderError(
                f"FlowPOS' own {self.name} takes no {' or '.join(unknown)}: call this tool without it.",
                details={"not_taken": unknown, "takes": plain(list(self.takes))},
            )
        sent = {own[_folded(name)]: _sendable(value) for name, value in values.items()}
        if missing := [name for name in self.needs if name not in sent]:
            raise ProviderError(
                f"FlowPOS' own {self.name} needs an argument that this tool lacks. The details name it. "
                "An owner or admin can add FlowPOS as an MCP server: then its tools are offered as they are.",
                details={"needs": plain(missing)},
            )
        return sent

    def takes_argument(self, name: str) -> bool:
        """Whether it has that argument, in any spelling."""
        return _folded(name) in map(_folded, self.takes)


def fetch(session: McpClient) -> dict[str, FlowposTool]:
    """The tools that FlowPOS lists now, without what does not look like one."""
    found: dict[str, FlowposTool] = {}
    for definition in endpoint.list_tools(session):
        name, schema = definition.get("name"), definition.get("inputSchema")
        if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and len(found) < _MOST_TOOLS:
            schema = schema if isinstance(schema, Mapping) else {}
            found[name] = FlowposTool(name, _names(schema.get("properties")), _names(schema.get("required")))
    return found


def as_fact(tools: Mapping[str, FlowposTool]) -> dict[str, Any]:
    """The tools as the connection's facts keep them."""
    return {name: {"takes": list(tool.takes), "needs": list(tool.needs)} for name, tool in tools.items()}


def of_connection(api: Api) -> Mapping[str, FlowposTool]:
    """The tools of the connection: as stored, or as FlowPOS lists them now where nothing is stored yet."""
    stored = api.facts.get(FACT)
    if not isinstance(stored, Mapping):
        if FACT not in api.memo:  # connected by an earlier version, which stored none
            api.memo[FACT] = fetch(endpoint.client(api))
        known: Mapping[str, FlowposTool] = api.memo[FACT]
        return known
    return {
        name: FlowposTool(name, tuple(tool["takes"]), tuple(tool["needs"])) for name, tool in stored.items()
    }


def find(api: Api, name: str) -> FlowposTool:
    """The tool of that name. Raises PermissionDenied when FlowPOS does not list it for this token."""
    found = of_connection(api).get(name)
    if found is None:
        raise PermissionDenied(
            f"FlowPOS offers no {name} to this token or key. Test the connection on the Integrations page if "
            "that has changed, or reconnect FlowPOS with one that has more rights."
        )
    return found


def _names(members: Any) -> tuple[str, ...]:
    names = members if isinstance(members, Mapping | list) else ()
    return tuple(n for n in names if isinstance(n, str) and len(n) <= _LONGEST_NAME)[:_MOST_ARGUMENTS]


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _sendable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
