"""`/flowpos/mcp`, the door FlowPOS documents: an MCP server with sessions, made with the official SDK.

It speaks revision 2024-11-05, as in FlowPOS' own examples, and answers with JSON as the text of a result.
"""

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from app.sandbox.current import Here
from app.sandbox.grants import digest
from app.sandbox.mcp_desk import McpDesk, caller
from app.sandbox.mcp_endpoint import McpEndpoint, json_response, read_call
from app.sandbox.rules import Access
from app.sandbox.services.flowpos import demo, intents, levers, reading, reports, writing
from app.sandbox.services.flowpos.session_tools import SESSION_TOOLS, Caller, SessionTool
from app.sandbox.services.flowpos.tool import BusinessCall, DemoTool
from app.sandbox.services.flowpos.wire import Given, ToolRefused, refusal, too_many
from app.sandbox.traffic import count_call

if TYPE_CHECKING:
    import mcp_types
    from mcp.server.lowlevel import Server

_REVISION = "2024-11-05"
_PER_MINUTE = 120  # tool calls per token
_TOOLS = {
    tool.name: tool
    for module in (reading, reports, writing, intents)
    for tool in vars(module).values()
    if isinstance(tool, DemoTool)
}
_FREE = ("set_active_business", "set_active_tenant", "list_businesses")


def _admit(at: Here, request: Request) -> Access | Response:
    """401 on every method without a token; 400 for the revision without sessions; 429 for too many calls."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    access = at.grants.find_access(token.strip()) if scheme.lower() == "bearer" else None
    if access is None:
        return refusal(401, "Invalid or expired token").answer
    if request.headers.get("MCP-Protocol-Version", _REVISION) >= "2026":
        error = {"code": -32000, "message": "Bad Request: No valid session ID provided"}
        return json_response(400, {"jsonrpc": "2.0", "error": error, "id": None})
    method, name = read_call(request.get_data())
    if method == "tools/call" and name not in _FREE and count_call(at, digest(token), _PER_MINUTE)[1]:
        return too_many(None)
    return access


def _build(desk: McpDesk) -> "Server[Any]":
    import mcp_types
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    async def list_tools(context: Any, _params: Any) -> "mcp_types.ListToolsResult":
        with desk.open() as at:
            who = _caller(at, context)
            tools = [_definition(at, tool) for tool in _listed(who)]
            tools += levers.added(at, who.access.scopes).values()
        return mcp_types.ListToolsResult.model_validate({"tools": tools})

    async def call_tool(
        context: Any, params: "mcp_types.CallToolRequestParams"
    ) -> "mcp_types.CallToolResult":
        tool = SESSION_TOOLS.get(params.name) or _TOOLS.get(params.name)
        with desk.open() as at:
            who, given = _caller(at, context), params.arguments or {}
            if tool is not None:
                result = _result(who, tool, given)
            elif params.name in levers.added(at, who.access.scopes):
                result = _as_text({"tool": params.name, "given": given, "business": who.active().name})
            else:
                raise MCPError(code=mcp_types.INVALID_PARAMS, message=f"Unknown tool: {params.name}")
        return mcp_types.CallToolResult.model_validate(result)

    server: Server[Any] = Server("flowpos", version="1.0.0", on_list_tools=list_tools, on_call_tool=call_tool)
    server.middleware.append(_with_the_old_revision)
    return server


async def _with_the_old_revision(ctx: Any, call_next: Any) -> Any:
    result = await call_next(ctx)
    return {**result, "protocolVersion": _REVISION} if ctx.method == "initialize" else result


ENDPOINT = McpEndpoint(path="/mcp", admit=_admit, build=_build)


def _caller(at: Here, context: Any) -> Caller:
    return Caller(at, caller(context), context.request.headers.get("mcp-session-id", ""))


def _listed(who: Caller) -> list[DemoTool | SessionTool]:
    """The tools FlowPOS lists for the token."""
    at = who.at
    mine: list[DemoTool | SessionTool] = [t for t in _TOOLS.values() if t.scope in who.access.scopes]
    mine += [t for t in SESSION_TOOLS.values() if t.is_listed(who)]
    return [tool for tool in mine if levers.is_listed(at, tool.name, inferred=tool.inferred)]


def _definition(at: Here, tool: DemoTool | SessionTool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": levers.schema_of(at, tool.name, tool.input_schema),
    }


def _result(who: Caller, tool: DemoTool | SessionTool, given: Given) -> dict[str, Any]:
    if (replaced := levers.answer_of(who.at, tool.name)) is not None:
        return replaced
    try:
        answer, is_error = _answer(who, tool, levers.own_names(who.at, tool.input_schema, given)), False
    except ToolRefused as refused:
        answer, is_error = refused.body, True
    return _as_text(answer, is_error=is_error)


def _as_text(answer: Any, *, is_error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": json.dumps(answer)}], "isError": is_error}


def _answer(who: Caller, tool: DemoTool | SessionTool, given: Given) -> Any:
    """A tool that is not listed is refused as well."""
    if isinstance(tool, SessionTool):
        if not tool.is_listed(who):
            raise ToolRefused(403, "Forbidden resource")
        return tool.answer(who, given)
    if tool.scope not in who.access.scopes:
        raise ToolRefused(403, f"Missing scope {tool.scope}")
    business = who.active()
    call = BusinessCall(who.at, business, who.at.book(business.id), given)
    demo.sell(call.book, who.at.now())
    return tool.answer(call)
