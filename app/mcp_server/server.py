"""The SDK's server with our handlers: tools, and the resources and prompts of MCP servers."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp_types import (
    CallToolRequestParams,
    GetPromptRequestParams,
    InputRequiredResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
)

from app import tracing
from app.config import VERSION, Settings
from app.errors import Unavailable
from app.mcp_server import icons, tool_list
from app.mcp_server.authentication import AuthenticatedBearer, BearerAuthenticator
from app.mcp_server.calls import tenant_choice
from app.mcp_server.calls.approval_gate import ApprovalGate
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.calls.invoker import Invoker
from app.mcp_server.calls.parked_calls import ParkedCalls
from app.mcp_server.protocol.direct import DirectHandler
from app.mcp_server.protocol.elicitation import run_with_elicitation
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.server_contents import ServerContents
from app.mcp_server.tool_list import ToolListResult, ToolLists, key_of
from app.mcp_server.tool_result import ToolResult
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import compact
from app.oauth_server import grants
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.visible_connections import visible_to

log = logging.getLogger(__name__)

_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
)
_DISCOVER_TTL_MS = 3_600_000
_STATE_SECONDS = 1_800.0  # as long as the link in the state is valid

Context = ServerRequestContext[Any, Exchange]


def instructions(settings: Settings, *, in_compact_mode: bool = False) -> str:
    """The instructions for AI clients; they read the first 512 characters."""
    if in_compact_mode:
        return compact.INSTRUCTIONS.format(brand=settings.brand_name)
    return (
        f"{settings.brand_name} connects this workspace's business services. Tools are named "
        "<service>_<verb>; only what the person "
        "connected and allowed is listed. hub_list_connections shows what is connected, "
        "hub_connect_service gives the person a link to "
        "connect more; memory_save and memory_search keep notes. "
        "Every result is an envelope: success, data, message, or error with code and message. Lists go on "
        "with next_cursor."
    )


def make_server(
    settings: Settings,
    authenticator: BearerAuthenticator,
    toolbox: Toolbox,
    gate: ApprovalGate,
    permits: FairSemaphore,
    parked: ParkedCalls,
    contents: ServerContents,
    *,
    in_compact_mode: bool = False,
) -> Server[Any]:
    """A server of this process. It stores no state of any caller."""
    invoker = Invoker(
        settings, toolbox, authenticator, gate, permits, parked, in_compact_mode=in_compact_mode
    )
    hub_url, lists = f"{settings.public_url}/integrations", ToolLists()

    def list_tools(exchange: Exchange, _params: PaginatedRequestParams) -> ToolListResult:
        caller = _bearer(exchange).caller
        connections = visible_to(caller.workspace_id, caller.sees_as, caller.prefetched)

        def entries() -> list[dict[str, Any]]:
            listed = (
                toolbox.compact_listing(caller, connections)
                if in_compact_mode
                else toolbox.listing(caller, connections, hub_url)
            )
            return [*map(tenant_choice.with_argument, listed)] if caller.is_operator_key else listed

        _note_use(caller)
        return ToolListResult(lists, key_of(caller, connections), entries)

    def call_tool(exchange: Exchange, params: CallToolRequestParams) -> ToolResult | InputRequiredResult:
        bearer = _bearer(exchange)
        caller = bearer.caller

        def answer(given: CallToolRequestParams) -> ToolResult | InputRequiredResult:
            # Rights may have changed while the person was asked over the open stream.
            now = caller if given is params else authenticator.again(bearer)
            return invoker.call(exchange, given, now)

        with (
            _traced(exchange, invoker, params.name, caller) as traced,
            invoker.permit(exchange, params, caller),
        ):
            result = run_with_elicitation(exchange, params, answer, or_without=True)
            if isinstance(result, ToolResult) and result.error_code is not None:
                traced.failed(result.error_code)
            return result

    async def list_resources(ctx: Context, params: PaginatedRequestParams | None) -> dict[str, Any]:
        return {"resultType": "complete", "resources": contents.resources(_caller(ctx))}

    async def list_templates(ctx: Context, params: PaginatedRequestParams | None) -> dict[str, Any]:
        return {"resultType": "complete", "resourceTemplates": contents.templates(_caller(ctx))}

    async def list_prompts(ctx: Context, params: PaginatedRequestParams | None) -> dict[str, Any]:
        return {"resultType": "complete", "prompts": contents.prompts(_caller(ctx))}

    async def read_resource(ctx: Context, params: ReadResourceRequestParams) -> dict[str, Any]:
        found = contents.read(str(params.uri), _caller(ctx), ctx.request)
        return {"resultType": "complete", **found}

    async def get_prompt(ctx: Context, params: GetPromptRequestParams) -> dict[str, Any]:
        found = contents.get(params.name, params.arguments or {}, _caller(ctx), ctx.request)
        return {"resultType": "complete", **found}

    async def without_empty(ctx: Context, call_next: CallNext) -> Any:
        """Advertises resources and prompts to a caller for whom there are any."""
        result = await call_next(ctx)
        if ctx.method in {"initialize", "server/discover"}:
            return _narrowed(result, contents.kinds(_caller(ctx)))
        return result

    server: Server[Any] = Server(
        "patchbay",
        version=VERSION,
        title=settings.brand_name,
        instructions=instructions(settings, in_compact_mode=in_compact_mode),
        website_url=settings.public_url,
        icons=icons.of_server(settings),
        cache_hints={
            **dict.fromkeys(_LISTS, tool_list.HINT),
            "resources/read": CacheHint(ttl_ms=0, scope="private"),
            "server/discover": CacheHint(ttl_ms=_DISCOVER_TTL_MS, scope="private"),
        },
        get_tool_input_schema=_no_parameter_headers,
        on_list_tools=DirectHandler(list_tools),
        on_call_tool=DirectHandler(call_tool),
        on_list_resources=list_resources,  # type: ignore[arg-type]
        on_list_resource_templates=list_templates,  # type: ignore[arg-type]
        on_read_resource=read_resource,  # type: ignore[arg-type]
        on_list_prompts=list_prompts,  # type: ignore[arg-type]
        on_get_prompt=get_prompt,  # type: ignore[arg-type]
    )
    server.middleware.clear()  # its spans cost a third of a call even while tracing is off
    keys = [settings.secret_key, *settings.secret_key_fallbacks]
    security = RequestStateSecurity(keys=keys, ttl=_STATE_SECONDS, bind_principal=_principal)
    server.middleware.append(RequestStateBoundary(security, default_audience=settings.mcp_url))
    server.middleware.append(without_empty)
    return server


def _narrowed(result: Any, kinds: set[str]) -> Any:
    """The result of a handshake or discovery, with those of these capabilities that the caller has."""
    capabilities = result.get("capabilities") if isinstance(result, Mapping) else None
    if not isinstance(capabilities, Mapping):
        return result
    missing = {"resources", "prompts"} - kinds
    return {**result, "capabilities": {k: v for k, v in capabilities.items() if k not in missing}}


def _traced(
    exchange: Exchange, invoker: Invoker, name: str, caller: AuthenticatedCaller
) -> AbstractContextManager[tracing.Traced]:
    """A span of the call, whose parent is the client's: named in `_meta`, else in the HTTP headers."""
    if not tracing.is_on():
        return tracing.tool_call("")
    listed = invoker.find(caller, name)
    return tracing.tool_call(listed.name if listed else "(unknown)", exchange.trace_context())


def _note_use(caller: AuthenticatedCaller) -> None:
    """Records the grant's use for the page of AI clients; listing the tools counts too."""
    try:
        grants.last_use.note(caller.grant_id)
    except Unavailable:
        log.warning("the last use of %s could not be noted", caller.grant_id)


def _caller(ctx: Context) -> AuthenticatedCaller:
    return _bearer(ctx.request).caller


def _bearer(exchange: Exchange | None) -> AuthenticatedBearer:
    bearer = exchange.principal if exchange else None
    if not isinstance(bearer, AuthenticatedBearer):
        raise RuntimeError("a request reached a handler without its bearer")
    return bearer


def _principal(ctx: Context) -> str | None:
    return ctx.request.principal.key if ctx.request else None


def _no_parameter_headers(_name: str) -> None:
    """No tool of ours mirrors arguments in headers. Without this the SDK would list all tools on each
    call.
    """
