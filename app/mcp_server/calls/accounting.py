"""One tool call under way: counted against the limits, run, and written down durably before it is
answered.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mcp_types import CallToolRequestParams

from app import clock, persist
from app.activity import tool_calls
from app.connectors.tool import Tool
from app.errors import OutcomeUnknown, TooManyRequests, Unavailable, WorkspaceInactive
from app.mcp_server.calls.service_call import Prepared
from app.mcp_server.protocol.errors import RATE_LIMITED, Refusal
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.tools.spec import Hub, Listed
from app.oauth_server import grants
from app.oauth_server.callers import Caller
from app.usage import ledger
from app.usage.models import Call
from app.usage.tiers import limits_of
from app.vault import store

log = logging.getLogger(__name__)


@dataclass
class Invocation:
    """A call and its usage row. `exchange` is None when no AI client waits for it."""

    params: CallToolRequestParams
    caller: Caller
    row: Call
    exchange: Exchange | None = None
    started: float = field(default_factory=time.perf_counter)
    admitted: bool = False  # counted against the limits already
    used: list[str] = field(default_factory=list)  # ids of the connections that answered
    writes: Tool | None = None  # when it changes something: the call stands in the audit trail
    wrote: bool = False  # something was sent to the service that may have changed something

    def run(
        self, prepared: Prepared, *, new_key: Callable[[], str] | None = None, to_the_end: bool = False
    ) -> dict[str, Any]:
        """Call the service. `new_key` makes its idempotency keys; `to_the_end`: also when the client hangs
        up. Raises ToolError.
        """
        options: dict[str, Any] = {"new_key": new_key} if new_key else {}
        if self.exchange is not None:
            options["report"] = self.exchange.report
            if not to_the_end:
                options["cancelled"] = self.exchange.is_cancelled
        api = prepared.open(**options)
        try:
            return prepared.run(api)
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
            self.row.upstream_ms = sum(sent.milliseconds for sent in api.calls)
            if api.calls:
                self.row.upstream_endpoint, self.row.upstream_status = (
                    api.calls[-1].endpoint[:200],
                    api.calls[-1].status,
                )

    def admit(self) -> None:
        """Count the call before it has any effect. Raises Refusal (429)."""
        if self.admitted:
            return
        caller = self.caller
        try:
            ledger.admit(caller.workspace_id, limits_of(caller.tier, caller.per_minute, caller.per_day))
        except TooManyRequests as error:
            self.turn_away(error)
        self.admitted = True

    def turn_away(self, error: TooManyRequests) -> NoReturn:
        """Write down that the call has to come back later. Raises Refusal (429)."""
        self.admitted = True
        self.settle(error.code)
        raise _over_limit(error) from None

    def settle(self, outcome: str) -> None:
        """Write the call down, durably, before it is answered. Raises Refusal (429) when it was not
        counted before and is too many.
        """
        row, caller = self.row, self.caller
        row.outcome = outcome
        row.total_ms = (time.perf_counter() - self.started) * 1000
        trail = tool_calls.entry_of(row, self.writes, self.params.arguments) if self.writes else None
        if row.upstream_endpoint:
            self._record_for_sure(trail)
        elif self.admitted:
            ledger.record(row, trail)
        else:
            try:
                ledger.admit_and_record(
                    caller.workspace_id, limits_of(caller.tier, caller.per_minute, caller.per_day), row, trail
                )
            except TooManyRequests as error:
                if outcome != WorkspaceInactive.code:
                    raise _over_limit(error) from None
        try:
            for connection_id in self.used if outcome == "ok" else ():
                store.mark_used(connection_id)
            grants.touch(caller.grant_id)
        except Unavailable:
            log.warning("the last use of %s could not be noted", caller.grant_id)

    def _record_for_sure(self, trail: dict[str, Any] | None) -> None:
        """Write down a call the service has answered, also while the database is away: its answer is owed
        to the client all the same.
        """
        try:
            persist.until_done(lambda: ledger.record(self.row, trail))
        except Unavailable:
            log.error(
                "%s was answered before its usage row could be stored; storing it is tried again",
                self.row.tool,
            )


def _changes_something(calls: list[Any]) -> bool:
    return any(not sent.endpoint.startswith("GET ") and sent.status != 401 for sent in calls)


def _over_limit(error: TooManyRequests) -> Refusal:
    data = {"code": error.code, "retry_after_seconds": error.retry_after_seconds}
    return Refusal(
        429, RATE_LIMITED, error.message, data, headers={"Retry-After": str(error.retry_after_seconds)}
    )


_UNKNOWN = "(unknown)"


def begin(caller: Caller, listed: Listed | None) -> Call:
    """The row of a call that begins."""
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


def note_services(row: Call, hub: Hub) -> list[str]:
    """Put into the row what a tool of ours asked services; gives the connections that answered.

    There is one row a call: a request that failed stands for all of them, else the last.
    """
    if not hub.calls:
        return []
    asked = set(hub.asked)
    told = next((sent for sent in hub.calls if sent.status is None or sent.status >= 400), hub.calls[-1])
    row.upstream_endpoint, row.upstream_status, row.upstream_ms = (
        told.endpoint[:200],
        told.status,
        hub.waited_ms,
    )
    slugs = {connection.slug for connection in hub.connections if connection.id in asked}
    row.slug = slugs.pop() if len(slugs) == 1 else ""
    row.connection_id = asked.pop() if len(asked) == 1 else None
    return list(dict.fromkeys(hub.used))
