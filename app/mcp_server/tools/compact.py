"""Compact mode (`/mcp?tools=compact`): a few tools that find, describe and call all the others.

For AI clients that load every tool into the conversation: what they read at the start stays under
2,000 tokens, however many services are connected. A call through here is the call itself: the same
rights, limits, questions and usage row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from app.connectors import registry
from app.connectors.tool import Row, tool
from app.errors import InvalidArguments, ToolError
from app.mcp_server import account_choice
from app.mcp_server.tools import tool_search
from app.mcp_server.tools.spec import BuiltIn, Hub, Listed
from app.oauth_server import scopes

INSTRUCTIONS = (
    "{brand} connects this workspace's business services. This is its compact list: search with "
    "find_tools, read a tool's arguments "
    "with describe_tool, then call it with call_read_tool or call_write_tool. hub_list_connections shows "
    "what is connected. "
    "Every result is an envelope: success, data, message, or error with code and message. Lists go on with "
    "next_cursor."
)
# What the server checks anyway and a client can do without until it is told.
_BOUNDS = frozenset(
    {"maxLength", "minLength", "pattern", "maximum", "minimum", "default", "additionalProperties"}
)
_MOST_FOUND = 10
_SHORT = {"cursor": "next_cursor from before"}

ToolName = Annotated[str, Field(max_length=64, description="Its full name.")]
Arguments = Annotated[dict[str, Any] | None, Field(description="As describe_tool shows them.")]


@dataclass(frozen=True)
class Wanted:
    """The tool a client wants called, with its arguments."""

    name: str
    arguments: Mapping[str, Any]


class Found(Row):
    """A tool that fits."""

    name: str
    title: str
    summary: str
    writes: bool
    required: list[str]


class FoundTools(Row):
    """What a search found."""

    tools: list[Found]


class Described(Row):
    """A tool in full."""

    name: str
    title: str
    description: str
    writes: bool
    destructive: bool
    call_with: str
    input_schema: dict[str, Any]
    can_be_called: bool
    reason: str | None


@tool(title="Find tools", reads_only=True, open_world=False)
def find_tools(
    hub: Hub,
    query: Annotated[str, Field(min_length=1, max_length=300, description="What you want to do.")],
) -> FoundTools:
    """Search the tools of the connected services. Start here."""
    found = tool_search.best(query, hub.services_tools(), _MOST_FOUND)
    _say_what_lacks(hub, query, len(found))
    return FoundTools(
        tools=[
            Found(
                name=entry["name"],
                title=entry["title"],
                summary=entry["description"].split("\n\n", 1)[0],
                writes=not entry["annotations"]["readOnlyHint"],
                required=entry["inputSchema"].get("required", []),
            )
            for entry in found
        ]
    )


@tool(title="Describe a tool", reads_only=True, open_world=False)
def describe_tool(hub: Hub, name: ToolName) -> Described:
    """Show what a tool does and takes, before its first call."""
    listed = hub.find(name)
    if listed is None:
        raise _unknown()
    entry = next((entry for entry in hub.services_tools() if entry["name"] == name), listed.wire)
    reason = _why_not(hub, listed, is_listed=entry is not listed.wire)
    return Described(
        name=name,
        title=entry["title"],
        description=entry["description"],
        writes=not listed.tool.reads_only,
        destructive=listed.tool.destructive,
        call_with=_call_read.name if listed.tool.reads_only else _call_write.name,
        input_schema=entry["inputSchema"],
        can_be_called=reason is None,
        reason=reason,
    )


@tool(title="Call a reading tool", reads_only=True)
def call_read_tool(hub: Hub, name: ToolName, arguments: Arguments = None) -> Row:
    """Call a tool that only reads, found with find_tools."""
    return _wanted(hub, name, arguments, reads=True)  # type: ignore[return-value]


@tool(title="Call a writing tool", destructive=True)
def call_write_tool(hub: Hub, name: ToolName, arguments: Arguments = None) -> Row:
    """Call a tool that changes something, as the person wants."""
    return _wanted(hub, name, arguments, reads=False)  # type: ignore[return-value]


_call_read = BuiltIn("call_read_tool", call_read_tool, also=scopes.NARROW)
_call_write = BuiltIn("call_write_tool", call_write_tool, scopes.WRITE, also=(scopes.POS_WRITE,))
TOOLS = (
    BuiltIn("find_tools", find_tools, also=scopes.NARROW),
    BuiltIn("describe_tool", describe_tool, also=scopes.NARROW),
    _call_read,
    _call_write,
)


def brief(wire: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of tools/list in few words: what it does, its arguments, its effects. Bounds and the
    answer's shape are left out.
    """
    entry = {
        **wire,
        "description": wire["description"].split("\n\n", 1)[0],
        "outputSchema": {"type": "object"},
    }
    schema = {name: part for name, part in wire["inputSchema"].items() if name not in _BOUNDS and part}
    if "properties" in schema:
        schema["properties"] = {
            name: _brief_argument(name, part) for name, part in schema["properties"].items()
        }
    entry["inputSchema"] = schema
    return entry


def _brief_argument(name: str, argument: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in argument.items() if key not in _BOUNDS}
    kinds = kept.pop("anyOf", None) or [{"type": kind} for kind in _listed(kept["type"])]
    types = [kind["type"] for kind in kinds if kind["type"] != "null"]
    if "enum" in kept:
        kept["enum"] = [choice for choice in kept["enum"] if choice is not None]
    kept = {
        "type": types[0] if len(types) == 1 else types,
        **{key: value for key, value in kept.items() if key != "type"},
    }
    return {**kept, "description": _SHORT[name]} if name in _SHORT else kept


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def _wanted(hub: Hub, name: str, arguments: dict[str, Any] | None, *, reads: bool) -> Wanted:
    """What is to be called. Raises InvalidArguments for an unknown tool, or one of the other kind."""
    listed = hub.find(name)
    if listed is None:
        raise _unknown()
    if listed.tool.reads_only != reads:
        does, right = (
            ("only reads", _call_read) if listed.tool.reads_only else ("changes something", _call_write)
        )
        raise InvalidArguments(f"{name} {does}: call it with {right.name}.")
    return Wanted(name, arguments or {})


def _unknown() -> InvalidArguments:
    return InvalidArguments("name: there is no tool of that name. Search with find_tools.")


def _why_not(hub: Hub, listed: Listed, *, is_listed: bool) -> str | None:
    """Why a tool that is there may not be called now, or None when it may."""
    if is_listed:
        return None
    if not listed.is_for(hub.caller):
        return "It is for operators' API keys only."
    if not listed.is_covered(hub.caller):
        return f"This AI client was not granted the scope {listed.scope}."
    if listed.connector is None:
        return None if listed.is_offered(hub.connections) else "There is nothing to use it on now."
    mine = [c for c in hub.connections if c.slug == listed.connector.slug]
    try:
        account_choice.account(listed.connector, listed.tool, mine, mine[0].id if mine else None, hub.hub_url)
    except ToolError as error:
        return error.message
    return f"Change what AI clients may do at {hub.hub_url}."


def _say_what_lacks(hub: Hub, query: str, found: int) -> None:
    """Name services that the query names and that are not connected, so that the client can offer to
    connect them.
    """
    connected = {connection.slug for connection in hub.connections}
    text = " ".join(query.casefold().replace("_", " ").split())
    lacking = [
        c.name
        for slug, c in registry.CONNECTORS.items()
        if slug not in connected and c.name.casefold() in text
    ]
    sentence = f"{found} tool{'' if found == 1 else 's'} found."
    if lacking:
        sentence += f" Not connected: {', '.join(lacking)}; hub_connect_service gives a link to connect."
    hub.say(sentence)
