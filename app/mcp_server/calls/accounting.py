"""The accounting of one tool call: counted against limits, run, recorded before it is answered."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mcp_types import CallToolRequestParams

from app import clock, logs, metrics, persist
from app.activity import tool_calls
from app.connectors.api import Api
from app.connectors.preview import Preview
from app.connectors.tool import Tool
from app.errors import OutcomeUnknown, TooManyRequests, Unavailable, WorkspaceInactive
from app.last_use import UseOfRow
from app.mcp_client.questions import Person
from app.mcp_server.calls.own_pages import PersonWithoutOwnPages
from app.mcp_server.calls.question_form import NobodyToAsk
from app.mcp_server.calls.service_call import PreparedCall
from app.mcp_server.protocol.errors import RATE_LIMITED, Refusal
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.resource_addresses import linked
from app.mcp_server.tools.spec import ListedTool, ToolContext
from app.oauth_server import grants
from app.oauth_server.callers import AuthenticatedCaller
from app.usage import ledger
from app.usage.models import Call
from app.usage.tiers import limits_of
from app.vault import last_used

_NOT_DISPLAYED = "It also returned content, such as images or links, that only an AI client's own call gets."

log = logging.getLogger(__name__)


@dataclass
class Invocation:
    """A call and its usage row. `exchange` is None when no AI client waits for it."""

    params: CallToolRequestParams
    caller: AuthenticatedCaller
    row: Call
    exchange: Exchange | None = None
    started: float = field(default_factory=time.perf_counter)
    admitted: bool = False  # already counted against the limits
    used: list[str] = field(default_factory=list)  # ids of the connections that responded
    writes: Tool | None = None  # the tool, if it writes: the call is then in the audit trail
    note: str = ""  # what a successful result says besides: which arguments were ignored
    person: Person | None = None  # whom the service may ask; None: nobody
    wrote: bool = False  # a request was sent that may have changed something at the service

    def run(
        self,
        prepared: PreparedCall,
        *,
        new_key: Callable[[], str] | None = None,
        cancelled: Callable[[], bool] | None = None,
        person: Person | None = None,
    ) -> dict[str, Any]:
        """Calls the service. `new_key` generates idempotency keys; `cancelled` decides in place of a client
        that disconnects; `person` is whom the service may ask, in place of `self.person`. Raises ToolError.
        """
        options: dict[str, Any] = {"new_key": new_key} if new_key else {}
        if self.exchange is not None:
            if self.exchange.wants_progress:
                options["report"] = self.exchange.report
            options["cancelled"] = cancelled or self.exchange.is_cancelled
        api = prepared.open(**options)
        person = person or self.person or NobodyToAsk(prepared.connector.name)
        api.ask = PersonWithoutOwnPages(person, api, prepared.settings)
        try:
            answer, blocks = prepared.run(api)
            return self.deliver(answer, tuple(linked(each, prepared.connection.id) for each in blocks))
        except Unavailable:
            if _changes_something(api.calls):
                sentence = (
                    "We lost our database on the way. It may or may not have been done: check there "
                    "before repeating it."
                )
                raise OutcomeUnknown(sentence) from None
            raise
        finally:
            self.wrote = _changes_something(api.calls)
            self.note_requests(api)

    def deliver(self, answer: dict[str, Any], blocks: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        """The envelope for a page of ours, which has no place for content beside it but says so."""
        if not blocks:
            return answer
        return {**answer, "message": f"{answer['message']} {_NOT_DISPLAYED}"}

    def preview(self, prepared: PreparedCall) -> Preview:
        """What the call would do, looked up at the service while the client waits. Raises ToolError."""
        api = prepared.open(cancelled=self.exchange.is_cancelled) if self.exchange else prepared.open()
        try:
            return prepared.tool.preview(api, prepared.arguments)
        finally:
            self.note_requests(api)

    def note_requests(self, api: Api) -> None:
        """Records in the usage row what was sent to the service."""
        self.row.upstream_ms = sum(sent.milliseconds for sent in api.calls)
        if api.calls:
            self.row.upstream_endpoint, self.row.upstream_status = (
                api.calls[-1].endpoint[:200],
                api.calls[-1].status,
            )

    def admit(self) -> None:
        """Counts the call before it has any effect. Raises Refusal (429)."""
        if self.admitted:
            return
        caller = self.caller
        try:
            ledger.admit(caller.workspace_id, limits_of(caller.tier, caller.per_minute, caller.per_day))
        except TooManyRequests as error:
            self.turn_away(error)
        self.admitted = True

    def turn_away(self, error: TooManyRequests) -> NoReturn:
        """Records that the call must be repeated later. Raises Refusal (429)."""
        self.admitted = True
        self.settle(error.code)
        raise _over_limit(error) from None

    def settle(self, outcome: str) -> None:
        """Records the call durably, before it is answered. Raises Refusal (429) if it was not counted before
        and exceeds a limit.
        """
        row, caller = self.row, self.caller
        row.outcome = outcome
        row.total_ms = (time.perf_counter() - self.started) * 1000
        trail = tool_calls.entry_of(row, self.writes, self.params.arguments) if self.writes else None
        uses = self._uses()
        if row.upstream_endpoint:
            self._record_for_sure(trail, uses)
        elif self.admitted:
            ledger.record(row, trail, uses)
        else:
            limits = limits_of(caller.tier, caller.per_minute, caller.per_day)
            try:
                ledger.admit_and_record(caller.workspace_id, limits, row, trail, uses)
            except TooManyRequests as error:
                if outcome != WorkspaceInactive.code:
                    raise _over_limit(error) from None

    def _uses(self) -> list[UseOfRow]:
        """What a page names the last use of: the grant, and the connections of a successful call."""
        found = [grants.last_use.due(self.caller.grant_id)]
        if self.row.outcome == "ok":
            found += map(last_used.of_connections.due, self.used)
        return [use for use in found if use]

    def log_defect(self) -> None:
        """Log the exception that is being handled, with what the call was about, and count it."""
        metrics.UNHANDLED_ERRORS.inc()
        about = {"service": self.row.slug, "connection": self.row.connection_id}
        logs.defect(log, f"{self.row.tool} failed", **about, workspace=self.row.workspace_id)

    def _record_for_sure(self, trail: dict[str, Any] | None, uses: Sequence[UseOfRow]) -> None:
        """Records an answered call, even while the database is down: the client gets its answer anyway."""
        try:
            persist.retry_until_stored(lambda: ledger.record(self.row, trail, uses))
        except Unavailable:
            log.error(
                "%s was answered before its usage row could be stored; storing it is tried again",
                self.row.tool,
            )


@dataclass(kw_only=True)
class ClientInvocation(Invocation):
    """A call an AI client waits for."""

    exchange: Exchange
    blocks: tuple[dict[str, Any], ...] = ()  # what the result has beside the envelope

    def deliver(self, answer: dict[str, Any], blocks: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        """The envelope; the content beside it is part of the result (`blocks`)."""
        self.blocks = blocks
        return answer


def _changes_something(calls: list[Any]) -> bool:
    return any(
        sent.may_change and not sent.endpoint.startswith("GET ") and sent.status != 401 for sent in calls
    )


def _over_limit(error: TooManyRequests) -> Refusal:
    data = {"code": error.code, "retry_after_seconds": error.retry_after_seconds}
    return Refusal(
        429, RATE_LIMITED, error.message, data, headers={"Retry-After": str(error.retry_after_seconds)}
    )


_UNKNOWN = "(unknown)"


def begin(caller: AuthenticatedCaller, listed: ListedTool | None) -> Call:
    """The usage row of a call that begins."""
    return Call(
        at=clock.now(),
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        grant_id=caller.grant_id,
        client_name=caller.client_name,
        tool=listed.name if listed else _UNKNOWN,
        slug=listed.connector.slug if listed and listed.connector else "",
        outcome="ok",
        total_ms=0.0,
    )


def note_services(row: Call, context: ToolContext) -> list[str]:
    """Records in the row which services a built-in tool called; returns the ids of connections that
    responded.

    There is one row per call: it describes the first failed request, else the last one.
    """
    if not context.calls:
        return []
    called = set(context.called)
    request = next(
        (sent for sent in context.calls if sent.status is None or sent.status >= 400), context.calls[-1]
    )
    row.upstream_endpoint, row.upstream_status, row.upstream_ms = (
        request.endpoint[:200],
        request.status,
        context.waited_ms,
    )
    slugs = {connection.slug for connection in context.connections if connection.id in called}
    row.slug = slugs.pop() if len(slugs) == 1 else ""
    row.connection_id = called.pop() if len(called) == 1 else None
    return list(dict.fromkeys(context.used))
