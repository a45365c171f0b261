"""One tool call, from the name to the envelope: who may, with which account, within which limits; and its usage row.

A call that asks no service, refused ones included, costs one commit: it is counted and written down
at once. A call that does is counted before and written down after.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, InputRequiredResult

from app.activity import tool_calls
from app.config import Settings
from app.connectors import registry
from app.connectors.endpoints import resolve
from app.connectors.spec import Connector
from app.connectors.tool import Tool, plain, to_data
from app.errors import (
    NotConnected,
    OutcomeUnknown,
    PatchbayError,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
    TooManyRequests,
    Unavailable,
    WorkspaceInactive,
)
from app.mcp_server import active_business, answering, envelope, usage_row, way_back
from app.mcp_server.builtin import Hub, catalogue
from app.mcp_server.callers import Door
from app.mcp_server.choosing import Broken
from app.mcp_server.compact import Wanted
from app.mcp_server.cursors import Cursors
from app.mcp_server.dispatch import Exchange
from app.mcp_server.refusal import RATE_LIMITED, Refusal
from app.mcp_server.service_call import Prepared, prepare
from app.mcp_server.toolbox import Listed, Toolbox, within_reach
from app.oauth_server import grants, scopes
from app.oauth_server.bearer import Caller
from app.usage import ledger
from app.usage.models import Call
from app.usage.tiers import limits_of
from app.vault import keeping, store
from app.vault.models import Connection
from app.vault.seen import seen_by

log = logging.getLogger(__name__)


@dataclass
class Invocation:
    """One call under way."""

    ctx: ServerRequestContext[Any, Exchange]
    params: CallToolRequestParams
    caller: Caller
    row: Call
    started: float = field(default_factory=time.perf_counter)
    admitted: bool = False  # counted against the limits already
    used: list[str] = field(default_factory=list)  # ids of the connections that answered
    writes: Tool | None = None  # when it changes something: the call stands in the audit trail


class Invoker:
    """Carries out tool calls. One per process; holds nothing of a call."""

    def __init__(self, settings: Settings, toolbox: Toolbox, door: Door, *, in_compact_mode: bool = False) -> None:
        self._in_compact_mode = in_compact_mode
        self._settings = settings
        self._toolbox = toolbox
        self._door = door
        self._cursors = Cursors([settings.secret_key, *settings.secret_key_fallbacks])
        self._hub_url = f"{settings.public_url}/integrations"

    def call(
        self, ctx: ServerRequestContext[Any, Exchange], params: CallToolRequestParams, caller: Caller
    ) -> dict[str, Any] | InputRequiredResult:
        """The result of tools/call.

        Raises Refusal (scope, limit) and MCPError (no such tool, a URL the person must open first).
        """
        listed = self._toolbox.find(params.name, in_compact_mode=self._in_compact_mode)
        invocation = Invocation(ctx, params, caller, usage_row.begin(caller, listed))
        try:
            invocation.admitted = free = listed is not None and listed.for_operators and listed.is_for(caller)
            if not caller.workspace_active and not free:
                raise WorkspaceInactive("This workspace was deactivated by the operator. Ask them to activate it again.")
            if listed is None:
                raise self._no_such_tool(invocation)
            answer = self._answer(invocation, listed)
        except (MCPError, Unavailable):
            raise
        except PatchbayError as error:
            answer = envelope.failure(invocation.params.name, error)
        except way_back.Asked as asked:
            return asked.result
        except Exception:  # the edge: the AI client is owed an answer, and the details belong in the log alone
            log.exception("%s failed", invocation.row.tool)
            answer = envelope.failure(invocation.params.name, PatchbayError())
        text = envelope.to_text(answer)
        invocation.row.bytes = len(text)
        self._settle(invocation, "ok" if answer["success"] else answer["error"]["code"])
        return envelope.result(answer, text)

    def _answer(self, invocation: Invocation, listed: Listed) -> dict[str, Any]:
        """The envelope of a tool that is there."""
        invocation.writes = None if listed.tool.reads_only else listed.tool
        if not listed.is_for(invocation.caller):
            raise PermissionDenied(f"{listed.name} is for operators' API keys only. Go on with the tools that are listed.")
        if not listed.is_covered(invocation.caller):
            raise self._step_up(invocation, listed)
        return self._ask_service(invocation, listed, listed.connector) if listed.connector else self._ask_hub(invocation, listed)

    def _pass_on(self, invocation: Invocation, wanted: Wanted) -> dict[str, Any]:
        """The tool that was called through a tool of compact mode, as if it had been called itself."""
        listed = self._toolbox.find(wanted.name)
        if listed is None:
            raise self._no_such_tool(invocation)
        invocation.params = invocation.params.model_copy(update={"name": wanted.name, "arguments": dict(wanted.arguments)})
        invocation.row.tool, invocation.row.slug = listed.name, listed.connector.slug if listed.connector else ""
        return self._answer(invocation, listed)

    def _no_such_tool(self, invocation: Invocation) -> MCPError:
        self._settle(invocation, "INVALID_ARGUMENTS")
        name = invocation.params.name[:64]
        return MCPError(INVALID_PARAMS, "There is no tool of that name. List the tools to see what can be called.", {"tool": name})

    def _step_up(self, invocation: Invocation, listed: Listed) -> Refusal:
        self._settle(invocation, "PERMISSION_DENIED")
        return self._door.insufficient_scope(listed.needed_scopes(invocation.caller), invocation.ctx.request_id)

    def _ask_hub(self, invocation: Invocation, listed: Listed) -> dict[str, Any]:
        """A tool of ours."""
        caller, tool = invocation.caller, listed.tool
        bound_to = (caller.user_id, caller.workspace_id, listed.name)
        arguments, answer = answering.parse(listed.name, tool, invocation.params.arguments or {}, self._cursors, *bound_to)
        connections = within_reach(caller, seen_by(caller.workspace_id, caller.sees_as))
        if not tool.reads_only:
            self._admit(invocation)
        hub = Hub(
            settings=self._settings,
            hub_url=self._hub_url,
            offered=lambda: [e for e in catalogue(self._settings, connections) if scopes.reaches(caller.scopes, e.slug)],
            caller=caller,
            connections=connections,
            make_link=lambda connector: way_back.make_link(self._settings, caller, connector, None, "read"),
            services_tools=lambda: self._toolbox.of_services(caller, connections, self._hub_url),
            find=self._toolbox.find,
            admit=lambda: self._admit(invocation),
        )
        if exchange := invocation.ctx.request:
            hub.cancelled, hub.report = exchange.is_cancelled, exchange.report
        try:
            returned = tool.function(hub, **arguments)
        except Broken as error:
            raise self._way_back(invocation, listed, registry.get(error.connection.slug), error, error.connection) from None
        finally:
            invocation.used = usage_row.note_services(invocation.row, hub) or invocation.used
        if isinstance(returned, Wanted):
            return self._pass_on(invocation, returned)
        return answer.envelope(to_data(returned), hub.note)

    def _ask_service(self, invocation: Invocation, listed: Listed, connector: Connector) -> dict[str, Any]:
        """A tool of a service."""
        caller, params, connection = invocation.caller, invocation.params, None
        try:
            mine = [c for c in seen_by(caller.workspace_id, caller.sees_as) if c.slug == connector.slug]
            prepared = prepare(self._settings, self._cursors, self._hub_url, listed.tool, connector, mine, caller, params)
            connection = prepared.connection
            invocation.row.connection_id = connection.id
            invocation.used.append(connection.id)
            self._admit(invocation)
            try:
                return self._run(invocation, prepared)
            except PermissionDenied as refused:
                if prepared.business is None:
                    raise
                raise active_business.explain(self._settings, caller, connection, prepared.business, refused) from None
        except (NotConnected, ReconnectNeeded) as error:
            raise self._way_back(invocation, listed, connector, error, connection) from None

    def _way_back(
        self, invocation: Invocation, listed: Listed, connector: Connector, error: ToolError, connection: Connection | None
    ) -> ToolError:
        """The error with a way to mend it, in words.

        Raises what asks the person instead, where the client can; the call is then written down here.
        """
        if resolve(connector, self._settings) is None:
            return NotConnected(f"{connector.name} is not configured in this installation. Ask your administrator.")
        if invocation.caller.is_operator_key:  # a link works for members only
            error.message = f"{error.message} A member of {plain(invocation.caller.workspace_name)} can connect it at {self._hub_url}."
            return error
        self._admit(invocation)
        mended = error.connection if isinstance(error, Broken) else connection if isinstance(error, ReconnectNeeded) else None
        wants = "read" if listed.tool.reads_only else "write"
        try:
            return way_back.offer(
                self._settings, invocation.ctx, invocation.params, invocation.caller, connector, error, connection=mended, wants=wants
            )
        except (UrlElicitationRequiredError, way_back.Asked):
            self._settle(invocation, error.code)
            raise

    def _run(self, invocation: Invocation, prepared: Prepared) -> dict[str, Any]:
        exchange = invocation.ctx.request
        api = prepared.open(exchange.is_cancelled, exchange.report) if exchange else prepared.open()
        try:
            return prepared.run(api)
        except Unavailable:
            if any(not sent.endpoint.startswith("GET ") for sent in api.calls):
                sentence = "Patchbay lost its database on the way. It may or may not have been done: check there before repeating it."
                raise OutcomeUnknown(sentence) from None
            raise
        finally:
            row = invocation.row
            row.upstream_ms = sum(sent.milliseconds for sent in api.calls)
            if api.calls:
                row.upstream_endpoint, row.upstream_status = api.calls[-1].endpoint[:200], api.calls[-1].status

    def _admit(self, invocation: Invocation) -> None:
        """Count the call before it has any effect. Raises Refusal (429)."""
        if invocation.admitted:
            return
        caller = invocation.caller
        try:
            ledger.admit(caller.workspace_id, limits_of(caller.tier, caller.per_minute, caller.per_day))
        except TooManyRequests as error:
            invocation.admitted = True
            self._settle(invocation, error.code)
            raise _over_limit(error) from None
        invocation.admitted = True

    def _settle(self, invocation: Invocation, outcome: str) -> None:
        """Write the call down, durably, before it is answered. Raises Refusal (429) when it was not counted before and is too many."""
        row, caller = invocation.row, invocation.caller
        row.outcome = outcome
        row.total_ms = (time.perf_counter() - invocation.started) * 1000
        trail = tool_calls.entry_of(row, invocation.writes, invocation.params.arguments) if invocation.writes else None
        if row.upstream_endpoint:
            self._record_for_sure(row, trail)
        elif invocation.admitted:
            ledger.record(row, trail)
        else:
            try:
                ledger.admit_and_record(caller.workspace_id, limits_of(caller.tier, caller.per_minute, caller.per_day), row, trail)
            except TooManyRequests as error:
                if outcome != WorkspaceInactive.code:
                    raise _over_limit(error) from None
        try:
            for connection_id in invocation.used if outcome == "ok" else ():
                store.mark_used(connection_id)
            grants.touch(caller.grant_id)
        except Unavailable:
            log.warning("the last use of %s could not be noted", caller.grant_id)

    def _record_for_sure(self, row: Call, trail: dict[str, Any] | None) -> None:
        """Write down a call the service has answered, also while the database is away: its answer is owed to the client all the same."""
        try:
            keeping.until_done(lambda: ledger.record(row, trail))
        except Unavailable:
            log.error("%s was answered before its usage row could be stored; storing it is tried again", row.tool)


def _over_limit(error: TooManyRequests) -> Refusal:
    data = {"code": error.code, "retry_after_seconds": error.retry_after_seconds}
    return Refusal(429, RATE_LIMITED, error.message, data, headers={"Retry-After": str(error.retry_after_seconds)})
