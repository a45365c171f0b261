"""The MCP server of Harbour CRM: the official SDK's, whose list and results the levers can change."""

from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, TextContent, Tool

from app.sandbox.mcp_desk import McpDesk
from app.sandbox.services.harbour_crm import levers
from app.sandbox.services.harbour_crm.content import add_content
from app.sandbox.services.harbour_crm.reading import add_reading
from app.sandbox.services.harbour_crm.writing import add_writing

_INSTRUCTIONS = (
    "Harbour CRM has the contacts, companies, deals and tasks of one company. Find ids with search_contacts, "
    "list_companies, list_deals and list_tasks first."
)


def build_server(name: str, desk: McpDesk, patches: Mapping[str, Mapping[str, Any]]) -> MCPServer[Any]:
    """The server with every tool, resource and prompt."""
    server = _CrmServer(name, desk, patches)
    add_reading(server, desk)
    add_writing(server, desk)
    add_content(server, desk)
    return server


class _CrmServer(MCPServer[Any]):
    """An SDK server that lists its tools as `patches` and the lever `change_tool` have them."""

    def __init__(self, name: str, desk: McpDesk, patches: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(
            name=name.lower().replace(" ", "-"),
            title=name,
            version="3.2.0",
            instructions=_INSTRUCTIONS,
            log_level="ERROR",
        )
        self._desk = desk
        self._patches = patches

    async def list_tools(self) -> list[Tool]:
        """The definitions as they are listed now."""
        listed = {
            tool.name: tool.model_dump(by_alias=True, exclude_none=True)
            for tool in await super().list_tools()
        }
        for tool, patch in self._patches.items():
            listed[tool] = levers.merge_patch(listed.get(tool), patch)
        with self._desk.open() as at:
            for change in levers.changes(at):
                key = change["patch"]["name"] if change["added"] else change["original"]
                listed[key] = levers.merge_patch(listed[change["original"]], change["patch"])
        return [Tool.model_validate(definition) for definition in listed.values()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run the tool behind a listed name; the lever `spoil` replaces one result."""
        with self._desk.open() as at:
            original = levers.original_of(at, name)
            spoiled = levers.next_spoiled(at)
        if original is None:
            raise ToolError(f"Unknown tool: {name}")
        result = await super().call_tool(original, arguments, context)
        return _spoil(spoiled, result) if spoiled and isinstance(result, CallToolResult) else result


def _spoil(spoiled: Mapping[str, Any], result: CallToolResult) -> CallToolResult:
    if spoiled["how"] == "flood":
        flood = TextContent(type="text", text="x" * int(spoiled["characters"]))
        return CallToolResult(content=[flood], structured_content=result.structured_content)
    lie = {"unexpected": ["nothing", "of", "the", "schema"]}
    return CallToolResult(content=[TextContent(type="text", text=str(lie))], structured_content=lie)
