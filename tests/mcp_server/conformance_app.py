"""A test-only application: the official suite's tools, resources and prompts on the product's own adapter,
without a bearer.

CONFORMANCE_PORT=… CONFORMANCE_DATABASE=sqlite:///… gunicorn 'tests.mcp_server.conformance_app:create_app()'
"""

import os
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceResult,
)

from app import database
from app.mcp_server.protocol.adapter import ProtocolAdapter
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.elicitation import run_with_elicitation
from app.mcp_server.protocol.exchange import AnonymousPrincipal
from app.mcp_server.protocol.http_messages import HttpRequest
from app.mcp_server.protocol.request_checks import RequestChecks
from app.mcp_server.protocol.sessions import Sessions
from tests.mcp_server import conformance_content as content
from tests.mcp_server import conformance_questions as questions

Context = ServerRequestContext[Any, Any]
_KEY = "conformance-suite-key-0123456789-abcdefgh"


async def list_tools(_ctx: Context, _params: Any) -> ListToolsResult:
    return ListToolsResult(tools=[*content.TOOLS, *questions.TOOLS])


async def call_tool(ctx: Context, params: CallToolRequestParams) -> Any:
    if params.name in questions.HANDLERS:
        return run_with_elicitation(ctx.request, params, lambda p: questions.HANDLERS[p.name](ctx, p))
    if params.name in {"test_tool_with_logging", "test_logging_tool"}:
        for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.session.send_log_message("info", text, related_request_id=ctx.request_id)
            time.sleep(0.05)
        return content.text("Logged three messages.")
    if params.name == "test_tool_with_progress":
        for done in (0, 50, 100):
            ctx.request.report(done, 100, f"{done} of 100")
            time.sleep(0.05)
        return content.text("Reported progress three times.")
    if params.name not in content.RESULTS:
        raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name}")
    return content.RESULTS[params.name]


async def list_resources(_ctx: Context, _params: Any) -> ListResourcesResult:
    return ListResourcesResult(resources=content.RESOURCES)


async def list_templates(_ctx: Context, _params: Any) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=content.TEMPLATES)


async def read_resource(_ctx: Context, params: Any) -> ReadResourceResult:
    found = content.resource(params.uri)
    if found is None:
        raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": params.uri})
    return ReadResourceResult(contents=[found])


async def list_prompts(_ctx: Context, _params: Any) -> ListPromptsResult:
    return ListPromptsResult(prompts=content.PROMPTS)


async def get_prompt(ctx: Context, params: Any) -> Any:
    if params.name == "test_input_required_result_prompt":
        return run_with_elicitation(ctx.request, params, questions.prompt)
    messages = content.prompt_messages(params.name, params.arguments or {})
    if messages is None:
        raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params.name}")
    return GetPromptResult(messages=messages)


async def complete(_ctx: Context, _params: Any) -> CompleteResult:
    return CompleteResult(completion=Completion(values=["paris", "park", "party"], total=3, has_more=False))


async def nothing(_ctx: Context, _params: Any) -> EmptyResult:
    return EmptyResult()


def make_server() -> Server[Any]:
    hint = CacheHint(ttl_ms=60_000, scope="private")
    server: Server[Any] = Server(
        "conformance",
        version="1.0.0",
        cache_hints=dict.fromkeys(
            (
                "tools/list",
                "prompts/list",
                "resources/list",
                "resources/templates/list",
                "resources/read",
                "server/discover",
            ),
            hint,
        ),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=nothing,
        on_unsubscribe_resource=nothing,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_set_logging_level=nothing,
    )
    server.middleware.clear()
    security = RequestStateSecurity(
        keys=[_KEY], bind_principal=lambda ctx: ctx.request.principal.key if ctx.request else None
    )
    server.middleware.append(RequestStateBoundary(security, default_audience="conformance"))
    return server


def create_app() -> Callable[..., Iterable[bytes]]:
    port = os.environ["CONFORMANCE_PORT"]
    database.bind(os.environ["CONFORMANCE_DATABASE"])
    adapter = ProtocolAdapter(
        make_server(),
        checks=RequestChecks(frozenset(f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))),
        authenticate=lambda _request: AnonymousPrincipal(),
        sessions=Sessions([_KEY]),
        replies=ClientReplies(os.environ.get("CONFORMANCE_REDIS")),
        threads=16,
    )

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        response = adapter.answer(HttpRequest(environ))
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", [*response.headers.items()])
        return [response.body] if isinstance(response.body, bytes) else response.body

    return answer
