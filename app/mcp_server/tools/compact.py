"""Compact mode (`/mcp?tools=compact`): a few tools that find, describe and call all the others.

For AI clients that load every tool into the conversation: what a model reads at the start stays under 800
tokens, however many services are connected. A forwarded call is the call itself: the same rights, limits,
questions and usage row.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.connectors import schemas
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.services import services_of
from app.errors import InvalidArguments, ToolError
from app.mcp_server import account_choice
from app.mcp_server.tools import tool_search
from app.mcp_server.tools.spec import BuiltIn, ForwardedCall, ListedTool, ToolContext
from app.oauth_server import scopes

INSTRUCTIONS = (
    "{brand} connects this workspace's business services. This is its compact list: search with "
    "find_tools, read a tool's arguments "
    "with describe_tool, then call it with call_read_tool or call_write_tool. hub_list_connections shows "
    "what is connected. "
    "Every result is an envelope: success, data, message, or error with code and message. Lists go on with "
    "next_cursor."
)
_MOST_FOUND = 10

ToolName = Annotated[str, Field(max_length=64, description="Its full name.")]
Arguments = Annotated[dict[str, Any] | None, Field(description="As describe_tool shows them.")]


class FoundTool(Row):
    """A tool that fits."""

    name: str
    title: str
    summary: str
    writes: bool
    required: list[str]


class FoundTools(Row):
    """What a search found."""

    tools: list[FoundTool]


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
    context: ToolContext,
    query: Annotated[str, Field(min_length=1, max_length=300, description="What you want to do.")],
) -> FoundTools:
    """Search the tools of the connected services. Start here."""
    found = tool_search.best(query, context.services_tools(), _MOST_FOUND)
    _note_missing_services(context, query, len(found))
    return FoundTools(
        tools=[
            FoundTool(
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
def describe_tool(context: ToolContext, name: ToolName) -> Described:
    """Show what a tool does and takes, before its first call."""
    listed = context.find(name)
    if listed is None:
        raise _unknown()
    entry = next((entry for entry in context.services_tools() if entry["name"] == name), listed.wire)
    reason = _reason_against(context, listed, is_listed=entry is not listed.wire)
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


@tool(title="Call a read tool", reads_only=True)
def call_read_tool(context: ToolContext, name: ToolName, arguments: Arguments = None) -> Row:
    """Call a read-only tool found with find_tools."""
    context.forward = _forward(context, name, arguments, reads=True)
    return Row()


@tool(title="Call a write tool", destructive=True)
def call_write_tool(context: ToolContext, name: ToolName, arguments: Arguments = None) -> Row:
    """Call a tool that changes something, as the person wants."""
    context.forward = _forward(context, name, arguments, reads=False)
    return Row()


_call_read = BuiltIn("call_read_tool", call_read_tool, also=scopes.NARROW)
_call_write = BuiltIn("call_write_tool", call_write_tool, scopes.WRITE, also=(scopes.POS_WRITE,))
TOOLS = (
    BuiltIn("find_tools", find_tools, also=scopes.NARROW),
    BuiltIn("describe_tool", describe_tool, also=scopes.NARROW),
    _call_read,
    _call_write,
)


def target_of(listed: ListedTool, arguments: Mapping[str, Any]) -> str:
    """The tool that a call of this one means, by its name as it was sent; "" for a call that means itself."""
    name = arguments.get("name") if listed.tool is call_read_tool or listed.tool is call_write_tool else None
    return name if isinstance(name, str) else ""


def brief(wire: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of tools/list, shortened: what it does, its arguments, its effects. Omits bounds and the
    result's shape.
    """
    return {
        **wire,
        "description": wire["description"].split("\n\n", 1)[0],
        "inputSchema": schemas.of_compact_arguments(wire["inputSchema"]),
        "outputSchema": {"type": "object"},
    }


def _forward(
    context: ToolContext, name: str, arguments: dict[str, Any] | None, *, reads: bool
) -> ForwardedCall:
    """The call to make. Raises InvalidArguments for an unknown tool, or one of the other kind."""
    listed = context.find(name)
    if listed is None:
        raise _unknown()
    if listed.tool.reads_only != reads:
        does, right = (
            ("only reads", _call_read) if listed.tool.reads_only else ("changes something", _call_write)
        )
        raise InvalidArguments(f"{name} {does}: call it with {right.name}.")
    return ForwardedCall(name, arguments or {})


def _unknown() -> InvalidArguments:
    return InvalidArguments("name: there is no tool with that name. Search with find_tools.")


def _reason_against(context: ToolContext, listed: ListedTool, *, is_listed: bool) -> str | None:
    """Why an existing tool may not be called now; None if it may."""
    if is_listed:
        return None
    if not listed.is_for(context.caller):
        return "It is for operators' API keys only."
    if not listed.is_covered(context.caller):
        return f"This AI client was not granted the scope {listed.scope}."
    if not listed.is_selected(context.caller) or (
        listed.connector is not None and listed.connector.slug in context.not_selected
    ):
        public_url = context.settings.public_url
        return account_choice.not_selected(
            context.caller, f"{listed.name} is not selected", public_url
        ).message
    if listed.connector is None:
        return None if listed.is_offered(context.connections) else "Nothing it works with is connected now."
    connections = [c for c in context.connections if c.slug == listed.connector.slug]
    try:
        account_choice.account(
            listed.connector,
            listed.tool,
            connections,
            connections[0].id if connections else None,
            context.hub_url,
        )
    except ToolError as error:
        return error.message
    return f"Change what AI clients may do at {context.hub_url}."


def _note_missing_services(context: ToolContext, query: str, found: int) -> None:
    """Names services that the query mentions and that are not connected, so that the client can offer to
    connect them.
    """
    connected = {connection.slug for connection in context.connections} | context.not_selected
    text = " ".join(query.casefold().replace("_", " ").split())
    lacking = [
        c.name
        for c in services_of(context.caller.workspace_id)
        if c.slug not in connected and c.name.casefold() in text
    ]
    sentence = f"{found} tool{'' if found == 1 else 's'} found."
    if lacking:
        sentence += f" Not connected: {', '.join(lacking)}; hub_connect_service gives a link to connect."
    context.say(sentence)
