"""One tool call, from the name to the envelope: who may, with which account, within which limits; and its
usage row.

A call that asks no service, refused ones included, costs one commit: it is counted and written down
at once. A call that does is counted before and written down after.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, InputRequiredResult

from app.config import Settings
from app.connectors import registry
from app.connectors.connector import Connector
from app.connectors.endpoints import resolve
from app.connectors.tool import plain, to_data
from app.errors import (
    ApprovalNeeded,
    NotConnected,
    PatchbayError,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
    TooManyRequests,
    Unavailable,
    WorkspaceInactive,
)
from app.mcp_server import envelope
from app.mcp_server.account_choice import Broken
from app.mcp_server.authentication import Door
from app.mcp_server.calls import accounting, approval_gate, connect_prompt, pagination
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.approval_gate import Approving
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.calls.pagination import Cursors
from app.mcp_server.calls.service_call import Prepared, prepare
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.service_offers import catalogue
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import active_business
from app.mcp_server.tools.compact import Wanted
from app.mcp_server.tools.spec import Hub, Listed, within_reach
from app.oauth_server import scopes
from app.oauth_server.callers import Caller
from app.vault.models import Connection
from app.vault.visible_connections import seen_by

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Requested(Invocation):
    """A call an AI client waits for."""

    ctx: ServerRequestContext[Any, Exchange]


class Invoker:
    """Carries out tool calls. One per process; holds nothing of a call."""

    def __init__(
        self,
        settings: Settings,
        toolbox: Toolbox,
        door: Door,
        approving: Approving,
        turns: FairSemaphore,
        *,
        in_compact_mode: bool = False,
    ) -> None:
        self._in_compact_mode = in_compact_mode
        self._turns = turns
        self._settings = settings
        self._toolbox = toolbox
        self._door = door
        self._approving = approving
        self._cursors = Cursors([settings.secret_key, *settings.secret_key_fallbacks])
        self._hub_url = f"{settings.public_url}/integrations"

    @contextmanager
    def in_turn(
        self, ctx: ServerRequestContext[Any, Exchange], params: CallToolRequestParams, caller: Caller
    ) -> Iterator[None]:
        """Hold one of the workspace's turns around a call that may last, since it asks a service. Raises
        Refusal (429).
        """
        listed = self._toolbox.find(params.name, in_compact_mode=self._in_compact_mode)
        if listed is None or not listed.tool.open_world:
            yield
            return
        is_gone = ctx.request.is_cancelled if ctx.request else lambda: False
        with ExitStack() as held:
            try:
                held.enter_context(self._turns.take(caller.workspace_id, caller.user_id, is_gone))
            except TooManyRequests as error:
                Requested(params, caller, accounting.begin(caller, listed), ctx.request, ctx=ctx).turn_away(
                    error
                )
            yield

    def call(
        self, ctx: ServerRequestContext[Any, Exchange], params: CallToolRequestParams, caller: Caller
    ) -> dict[str, Any] | InputRequiredResult:
        """The result of tools/call.

        Raises Refusal (scope, limit) and MCPError (no such tool, a URL the person must open first).
        """
        listed = self._toolbox.find(params.name, in_compact_mode=self._in_compact_mode)
        invocation = Requested(params, caller, accounting.begin(caller, listed), ctx.request, ctx=ctx)
        try:
            invocation.admitted = free = listed is not None and listed.for_operators and listed.is_for(caller)
            if not caller.workspace_active and not free:
                raise WorkspaceInactive(
                    "This workspace was deactivated by the operator. Ask them to activate it again."
                )
            if listed is None:
                raise self._no_such_tool(invocation)
            answer = self._answer(invocation, listed)
        except (MCPError, Unavailable):
            raise
        except PatchbayError as error:
            answer = envelope.failure(invocation.params.name, error)
        except connect_prompt.Asked as asked:
            return asked.result
        # the edge: the AI client is owed an answer, and the details belong in the log alone
        except Exception:
            log.exception("%s failed", invocation.row.tool)
            answer = envelope.failure(invocation.params.name, PatchbayError())
        text = envelope.to_text(answer)
        invocation.row.bytes = len(text)
        invocation.settle("ok" if answer["success"] else answer["error"]["code"])
        return envelope.result(answer, text)

    def _answer(self, invocation: Requested, listed: Listed) -> dict[str, Any]:
        """The envelope of a tool that is there."""
        invocation.writes = None if listed.tool.reads_only else listed.tool
        if not listed.is_for(invocation.caller):
            raise PermissionDenied(
                f"{listed.name} is for operators' API keys only. Go on with the tools that are listed."
            )
        if not listed.is_covered(invocation.caller):
            raise self._step_up(invocation, listed)
        return (
            self._ask_service(invocation, listed, listed.connector)
            if listed.connector
            else self._ask_hub(invocation, listed)
        )

    def _pass_on(self, invocation: Requested, wanted: Wanted) -> dict[str, Any]:
        """The tool that was called through a tool of compact mode, as if it had been called itself."""
        listed = self._toolbox.find(wanted.name)
        if listed is None:
            raise self._no_such_tool(invocation)
        invocation.params = invocation.params.model_copy(
            update={"name": wanted.name, "arguments": dict(wanted.arguments)}
        )
        invocation.row.tool, invocation.row.slug = (
            listed.name,
            listed.connector.slug if listed.connector else "",
        )
        return self._answer(invocation, listed)

    def _no_such_tool(self, invocation: Requested) -> MCPError:
        invocation.settle("INVALID_ARGUMENTS")
        name = invocation.params.name[:64]
        return MCPError(
            INVALID_PARAMS,
            "There is no tool of that name. List the tools to see what can be called.",
            {"tool": name},
        )

    def _step_up(self, invocation: Requested, listed: Listed) -> Refusal:
        invocation.settle("PERMISSION_DENIED")
        return self._door.insufficient_scope(
            listed.needed_scopes(invocation.caller), invocation.ctx.request_id
        )

    def _ask_hub(self, invocation: Requested, listed: Listed) -> dict[str, Any]:
        """A tool of ours."""
        caller, tool = invocation.caller, listed.tool
        bound_to = (caller.user_id, caller.workspace_id, listed.name)
        arguments, answer = pagination.parse(
            listed.name, tool, invocation.params.arguments or {}, self._cursors, *bound_to
        )
        connections = within_reach(caller, seen_by(caller.workspace_id, caller.sees_as))
        if not tool.reads_only:
            invocation.admit()
        hub = Hub(
            settings=self._settings,
            hub_url=self._hub_url,
            offered=lambda: [
                e for e in catalogue(self._settings, connections) if scopes.reaches(caller.scopes, e.slug)
            ],
            caller=caller,
            connections=connections,
            make_link=lambda connector: connect_prompt.make_link(
                self._settings, caller, connector, None, "read"
            ),
            services_tools=lambda: self._toolbox.of_services(caller, connections, self._hub_url),
            find=self._toolbox.find,
            admit=invocation.admit,
        )
        if exchange := invocation.exchange:
            hub.cancelled, hub.report = exchange.is_cancelled, exchange.report
        try:
            returned = tool.function(hub, **arguments)
        except Broken as error:
            raise self._way_back(
                invocation, listed, registry.get(error.connection.slug), error, error.connection
            ) from None
        finally:
            invocation.used = accounting.note_services(invocation.row, hub) or invocation.used
        if isinstance(returned, Wanted):
            return self._pass_on(invocation, returned)
        return answer.envelope(to_data(returned), hub.note)

    def _ask_service(self, invocation: Requested, listed: Listed, connector: Connector) -> dict[str, Any]:
        """A tool of a service."""
        caller, params, connection = invocation.caller, invocation.params, None
        try:
            mine = [c for c in seen_by(caller.workspace_id, caller.sees_as) if c.slug == connector.slug]
            prepared = prepare(
                self._settings, self._cursors, self._hub_url, listed.tool, connector, mine, caller, params
            )
            connection = prepared.connection
            invocation.row.connection_id = connection.id
            invocation.used.append(connection.id)
            invocation.admit()
            try:
                return self._once_approved(invocation, prepared)
            except PermissionDenied as refused:
                if prepared.business is None:
                    raise
                raise active_business.explain(
                    self._settings, caller, connection, prepared.business, refused
                ) from None
        except (NotConnected, ReconnectNeeded) as error:
            raise self._way_back(invocation, listed, connector, error, connection) from None

    def _way_back(
        self,
        invocation: Requested,
        listed: Listed,
        connector: Connector,
        error: ToolError,
        connection: Connection | None,
    ) -> ToolError:
        """The error with a way to mend it, in words.

        Raises what asks the person instead, where the client can; the call is then written down here.
        """
        if resolve(connector, self._settings) is None:
            return NotConnected(
                f"{connector.name} is not configured in this installation. Ask your administrator."
            )
        if invocation.caller.is_operator_key:  # a link works for members only
            error.message = (
                f"{error.message} A member of {plain(invocation.caller.workspace_name)} can "
                f"connect it at {self._hub_url}."
            )
            return error
        invocation.admit()
        mended = (
            error.connection
            if isinstance(error, Broken)
            else connection
            if isinstance(error, ReconnectNeeded)
            else None
        )
        wants = (
            "read" if listed.tool.reads_only else "ask" if mended and mended.permission == "ask" else "write"
        )
        try:
            return connect_prompt.offer(
                self._settings,
                invocation.ctx,
                invocation.params,
                invocation.caller,
                connector,
                error,
                connection=mended,
                wants=wants,
            )
        except (UrlElicitationRequiredError, connect_prompt.Asked):
            invocation.settle(error.code)
            raise

    def _once_approved(self, invocation: Requested, prepared: Prepared) -> dict[str, Any]:
        """Run it; on a connection that asks before writing, after the person's yes."""
        if not approval_gate.comes_first(invocation.params, prepared):
            return invocation.run(prepared)
        try:
            return self._approving.answer(invocation.ctx, invocation, prepared)
        except connect_prompt.Asked:
            invocation.settle(ApprovalNeeded.code)
            raise
