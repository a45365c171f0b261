"""Takes one tool call from its name to the envelope: rights, account, limits, usage row.

A call that contacts no service, refused ones included, costs one commit: it is counted and recorded at once.
A call that does is counted before and recorded after.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, InputRequiredResult

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import (
    NotConnected,
    PatchbayError,
    PermissionDenied,
    ReconnectNeeded,
    TooManyRequests,
    Unavailable,
    WorkspaceInactive,
)
from app.mcp_server import account_choice, envelope
from app.mcp_server.account_choice import BrokenConnection
from app.mcp_server.authentication import BearerAuthenticator
from app.mcp_server.calls import (
    accounting,
    arguments,
    asking_call,
    connect_prompt,
    pagination,
    tenant_choice,
    unknown_tool,
    withheld_tool,
)
from app.mcp_server.calls.accounting import ClientInvocation
from app.mcp_server.calls.approval_gate import ApprovalGate
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.calls.pagination import Cursors
from app.mcp_server.calls.parked_calls import ParkedCalls
from app.mcp_server.calls.service_call import prepare
from app.mcp_server.envelope import ResultEnvelope
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.service_offers import catalogue
from app.mcp_server.tool_result import ToolResult
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import active_business
from app.mcp_server.tools.spec import ForwardedCall, ListedTool, ToolContext, within_reach
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.models import Connection
from app.vault.visible_connections import visible_of_service, visible_to


class Invoker:
    """Carries out tool calls. One per process; stores nothing of a call."""

    def __init__(
        self,
        settings: Settings,
        toolbox: Toolbox,
        authenticator: BearerAuthenticator,
        gate: ApprovalGate,
        permits: FairSemaphore,
        parked: ParkedCalls,
        *,
        in_compact_mode: bool = False,
    ) -> None:
        self._in_compact_mode = in_compact_mode
        self._parked = parked
        self._permits = permits
        self._settings = settings
        self._toolbox = toolbox
        self._authenticator = authenticator
        self._gate = gate
        self._cursors = Cursors([settings.secret_key, *settings.secret_key_fallbacks])
        self._hub_url = f"{settings.public_url}/integrations"

    def find(self, caller: AuthenticatedCaller, name: str) -> ListedTool | None:
        """The tool of that name, whether or not the caller may call it. None if there is none."""
        compact, debugging = self._in_compact_mode, caller.may_debug
        return self._toolbox.find(caller.workspace_id, name, in_compact_mode=compact, debugging=debugging)

    @contextmanager
    def permit(
        self,
        exchange: Exchange,
        params: CallToolRequestParams,
        caller: AuthenticatedCaller,
    ) -> Iterator[None]:
        """Holds one of the workspace's permits during a call that may last, since it contacts a service.
        Raises Refusal (429).
        """
        params, caller, _ = tenant_choice.of_call(params, caller, self.find)
        listed = self.find(caller, params.name)
        if listed is None or not listed.tool.open_world:
            yield
            return
        with ExitStack() as held:
            try:
                service = self._toolbox.own_service(caller.workspace_id, listed, params.arguments or {})
                permit = self._permits.acquire(
                    caller.workspace_id, caller.user_id, exchange.is_cancelled, service=service
                )
                if held.enter_context(permit) and caller.prefetched is not None:
                    caller.prefetched.forget()
            except TooManyRequests as error:
                row = accounting.begin(caller, listed)
                ClientInvocation(params, caller, row, exchange=exchange).turn_away(error)
            yield

    def call(
        self,
        exchange: Exchange,
        params: CallToolRequestParams,
        caller: AuthenticatedCaller,
    ) -> ToolResult | InputRequiredResult:
        """The result of tools/call.

        Raises Refusal (scope, limit) and MCPError (no such tool, a URL the person must open first).
        """
        params, caller, problem = tenant_choice.of_call(params, caller, self.find)
        listed = self.find(caller, params.name)
        invocation = ClientInvocation(params, caller, accounting.begin(caller, listed), exchange=exchange)
        try:
            if problem is not None:
                raise problem
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
        except connect_prompt.UserInputRequired as required:
            return required.result
        # the edge: the AI client gets a result, and the details go to the log alone
        except Exception:
            invocation.log_defect()
            answer = envelope.failure(invocation.params.name, PatchbayError())
        if answer["success"] and invocation.note:
            answer = ResultEnvelope(answer, message=answer["message"] + invocation.note)
        made = answer if isinstance(answer, ResultEnvelope) else ResultEnvelope(answer)
        result = ToolResult(made, invocation.blocks)
        invocation.row.bytes = made.characters
        invocation.settle(result.error_code or "ok")
        return result

    def _answer(self, invocation: ClientInvocation, listed: ListedTool) -> dict[str, Any]:
        """The envelope of an existing tool."""
        invocation.writes = None if listed.tool.reads_only else listed.tool
        self._read_arguments(invocation, listed)
        if not listed.is_for(invocation.caller):
            raise PermissionDenied(
                f"{listed.name} is for operators' API keys only. Go on with the tools that are listed."
            )
        account_choice.check_tool_selected(invocation.caller, listed, self._settings.public_url)
        if not listed.is_covered(invocation.caller):
            raise self._step_up(invocation, listed)
        return (
            self._call_service(invocation, listed, listed.connector)
            if listed.connector
            else self._call_built_in(invocation, listed)
        )

    def _read_arguments(self, invocation: ClientInvocation, listed: ListedTool) -> None:
        """Brings the arguments into the tool's form: approvals, trail and cursors see no other."""
        names = partial(self._toolbox.argument_names, invocation.caller.workspace_id)
        reading = arguments.read(listed, invocation.params.arguments or {}, names)
        invocation.params = invocation.params.model_copy(update={"arguments": reading.arguments})
        invocation.note += reading.note

    def _forward(self, invocation: ClientInvocation, forward: ForwardedCall) -> dict[str, Any]:
        """The tool called through a tool of compact mode, as if it had been called itself."""
        caller = invocation.caller
        listed = self._toolbox.find(caller.workspace_id, forward.name, debugging=caller.may_debug)
        if listed is None:
            raise self._no_such_tool(invocation)
        invocation.params = invocation.params.model_copy(
            update={"name": forward.name, "arguments": dict(forward.arguments)}
        )
        invocation.row.tool, invocation.row.slug = (
            listed.name,
            listed.connector.slug if listed.connector else "",
        )
        return self._answer(invocation, listed)

    def _no_such_tool(self, invocation: ClientInvocation) -> MCPError:
        invocation.settle("INVALID_ARGUMENTS")
        name = invocation.params.name[:64]
        sentence = unknown_tool.describe(invocation.caller.workspace_id, name, self._hub_url)
        return MCPError(INVALID_PARAMS, sentence, {"tool": name})

    def _step_up(self, invocation: ClientInvocation, listed: ListedTool) -> Refusal:
        invocation.settle("PERMISSION_DENIED")
        return self._authenticator.insufficient_scope(
            listed.needed_scopes(invocation.caller), invocation.exchange.request_id
        )

    def _call_built_in(self, invocation: ClientInvocation, listed: ListedTool) -> dict[str, Any]:
        """Calls a built-in tool."""
        caller, tool = invocation.caller, listed.tool
        bound_to = (caller.user_id, caller.workspace_id, listed.name)
        checked, answer = pagination.parse(
            listed.name, tool, invocation.params.arguments or {}, self._cursors, *bound_to
        )
        visible = visible_to(caller.workspace_id, caller.sees_as, caller.prefetched)
        connections = within_reach(caller, visible)
        not_selected = _not_selected(caller, visible)
        if not tool.reads_only:
            invocation.admit()
        context = ToolContext(
            settings=self._settings,
            hub_url=self._hub_url,
            offered=lambda: [
                e
                for e in catalogue(self._settings, caller.workspace_id, connections)
                if scopes.reaches(caller.scopes, e.slug) and e.slug not in not_selected
            ],
            caller=caller,
            connections=connections,
            make_link=lambda connector: connect_prompt.make_link(
                self._settings, caller, connector, None, "read"
            ),
            services_tools=lambda: self._toolbox.of_services(caller, connections, self._hub_url),
            find=partial(self._toolbox.find, caller.workspace_id, debugging=caller.may_debug),
            not_selected=not_selected,
            admit=invocation.admit,
        )
        context.cancelled, context.report = invocation.exchange.is_cancelled, invocation.exchange.report
        try:
            data = tool.call(context, checked)
        except BrokenConnection as error:
            raise connect_prompt.recover(
                self._settings,
                invocation,
                listed,
                services_of(error.connection.workspace_id).get(error.connection.slug),
                error,
                error.connection,
            ) from None
        finally:
            invocation.used = accounting.note_services(invocation.row, context) or invocation.used
        if context.forward is not None:
            return self._forward(invocation, context.forward)
        return answer.envelope(data, context.note)

    def _call_service(
        self, invocation: ClientInvocation, listed: ListedTool, connector: Connector
    ) -> dict[str, Any]:
        """Calls a tool of a service."""
        caller, params, connection = invocation.caller, invocation.params, None
        try:
            seen = visible_of_service(caller.workspace_id, caller.sees_as, connector.slug, caller.prefetched)
            visible = [each.connection for each in seen]
            mine = [c for c in visible if caller.selection.includes(c.id)]
            if visible and not mine:
                what = f"{connector.name} is not selected"
                raise account_choice.not_selected(caller, what, self._settings.public_url)
            tool = listed.tool
            if tool.unavailable and mine:
                invocation.admit()
                account = (params.arguments or {}).get("account")
                tool = withheld_tool.as_it_is_now(self._settings, connector, tool, mine, account)
            prepared = prepare(
                self._settings, self._cursors, self._hub_url, tool, connector, mine, caller, params, seen
            )
            connection = prepared.connection
            invocation.row.connection_id = connection.id
            invocation.used.append(connection.id)
            invocation.admit()
            try:
                return asking_call.once_approved(invocation, prepared, self._gate, self._parked)
            except PermissionDenied as refused:
                if prepared.business is None:
                    raise
                raise active_business.explain(
                    self._settings, caller, connection, prepared.business, refused
                ) from None
        except (NotConnected, ReconnectNeeded) as error:
            raise connect_prompt.recover(
                self._settings, invocation, listed, connector, error, connection
            ) from None


def _not_selected(caller: AuthenticatedCaller, visible: Sequence[Connection]) -> frozenset[str]:
    """Slugs of services that are connected, of which no connection is selected for this AI client."""
    selected = {each.slug for each in visible if caller.selection.includes(each.id)}
    return frozenset(each.slug for each in visible) - selected
