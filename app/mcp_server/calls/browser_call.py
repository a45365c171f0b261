"""A tool called from our own pages ("Try it"), through the checks an AI client's call goes through.

The same level, switches, limits, permits, accounting and approvals, from the same functions. Two things
differ: a form that does not fit is handed back without being counted, as nothing was called; and a write is
previewed first, so the person presses a button that names what it does.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app
from mcp_types import CallToolRequestParams

from app import crypto, tracing
from app.approvals import models
from app.approvals.models import Approval
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.preview import Preview
from app.errors import (
    InvalidArguments,
    NotFound,
    PatchbayError,
    PermissionDenied,
    TooManyRequests,
    Unavailable,
)
from app.mcp_server import envelope
from app.mcp_server.calls import accounting, approval_gate
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.approval_gate import ApprovalGate
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.calls.pagination import Cursors
from app.mcp_server.calls.service_call import PreparedCall, prepare
from app.mcp_server.envelope import ResultEnvelope
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import active_business
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.models import Connection


@dataclass(frozen=True)
class BrowserCall:
    """One tool, called on one connection the caller may see. `business_id` None: the connection's default."""

    caller: AuthenticatedCaller
    connection: Connection
    connector: Connector
    tool: str  # its full name
    arguments: Mapping[str, Any]
    business_id: str | None = None


@dataclass
class BrowserAnswer:
    """What came of it: an envelope, or a preview, or a request that waits for approval."""

    envelope: dict[str, Any] = field(default_factory=dict)
    preview: Preview | None = None
    approval_id: str = ""
    retry_after_seconds: int | None = None  # set: over a limit

    @property
    def error(self) -> Mapping[str, Any]:
        """`code`, `message` and `details` of a call that failed; empty otherwise."""
        found: Mapping[str, Any] = self.envelope.get("error", {})
        return found

    def refuse(self, name: str, refusal: Refusal) -> None:
        """Over a limit: the sentence, and when to try again."""
        self.retry_after_seconds = int(refusal.error.data["retry_after_seconds"])
        error = TooManyRequests(refusal.error.message, retry_after_seconds=self.retry_after_seconds)
        self.envelope = envelope.failure(name, error)


class BrowserCalls:
    """Calls tools for members in the browser. One per process; stores nothing of a call."""

    def __init__(
        self, settings: Settings, toolbox: Toolbox, gate: ApprovalGate, permits: FairSemaphore
    ) -> None:
        self._settings = settings
        self._toolbox = toolbox
        self._gate = gate
        self._permits = permits
        self._cursors = Cursors([settings.secret_key, *settings.secret_key_fallbacks])
        self._hub_url = f"{settings.public_url}/integrations"

    def run(self, call: BrowserCall, *, key: str = "") -> BrowserAnswer:
        """Calls the tool; on a connection that asks before writing, makes the request for approval instead.

        Calls with the same `key` send the service the same idempotency keys. Raises NotFound (no such tool),
        InvalidArguments (the form does not fit: nothing was called), Unavailable.
        """
        listed = self._find(call)
        with tracing.tool_call(listed.name) as traced:
            answer = self._call(call, listed, key)
            if answer.error:
                traced.failed(answer.error["code"])
        return answer

    def _call(self, call: BrowserCall, listed: ListedTool, key: str) -> BrowserAnswer:
        invocation = self._begin(call, listed)
        with self._answering(invocation) as answer:
            with self._admitted(call, listed, invocation) as prepared:
                if approval_gate.is_needed(invocation.params, prepared):
                    answer.approval_id = self._request(call, invocation, prepared).id
                    invocation.settle("APPROVAL_NEEDED")
                    return answer
                found = self._run(invocation, prepared, key)
            invocation.row.bytes = ResultEnvelope(found).characters
            invocation.settle("ok")
            answer.envelope = found
        return answer

    def preview(self, call: BrowserCall) -> BrowserAnswer:
        """What a write would do, looked up at the service. It counts against the limits; what fails here is
        in the usage as the call it would have been. Raises like `run`.
        """
        listed = self._find(call)
        invocation = self._begin(call, listed)
        invocation.writes = None  # nothing is changed, so the audit trail has no entry
        with (
            self._answering(invocation) as answer,
            self._admitted(call, listed, invocation) as prepared,
        ):
            answer.preview = invocation.preview(prepared)
        return answer

    def _find(self, call: BrowserCall) -> ListedTool:
        listed = self._toolbox.find(call.caller.workspace_id, call.tool)
        if listed is None or listed.connector is not call.connector:
            raise NotFound("We could not find that tool. It may have been removed; reload the page.")
        return listed

    def _begin(self, call: BrowserCall, listed: ListedTool) -> Invocation:
        given = dict(call.arguments)
        business = call.connector.business
        if business is not None and call.business_id and listed.tool.one_business:
            given[business.name] = call.business_id
        params = CallToolRequestParams(name=listed.name, arguments=given)
        row = accounting.begin(call.caller, listed)
        row.connection_id = call.connection.id
        writes = None if listed.tool.reads_only else listed.tool
        return Invocation(params, call.caller, row, writes=writes)

    @contextmanager
    def _admitted(
        self, call: BrowserCall, listed: ListedTool, invocation: Invocation
    ) -> Iterator[PreparedCall]:
        """The call, checked and counted, while it holds one of the workspace's permits."""
        prepared = prepare(
            self._settings,
            self._cursors,
            self._hub_url,
            listed.tool,
            call.connector,
            [call.connection],
            call.caller,
            invocation.params,
        )
        invocation.used.append(call.connection.id)
        try:
            service = call.connector.slug if call.connector.workspace_id is not None else ""
            permit = self._permits.acquire(call.caller.workspace_id, call.caller.user_id, service=service)
            with permit:
                invocation.admit()
                yield prepared
        except TooManyRequests as error:
            invocation.turn_away(error)

    def _run(self, invocation: Invocation, prepared: PreparedCall, key: str) -> dict[str, Any]:
        try:
            return invocation.run(prepared, new_key=_keys_of(key) if key else None)
        except PermissionDenied as refused:
            if prepared.business is None:
                raise
            raise active_business.explain(
                self._settings, invocation.caller, prepared.connection, prepared.business, refused
            ) from None

    def _request(self, call: BrowserCall, invocation: Invocation, prepared: PreparedCall) -> Approval:
        """The request that waits for approval. One that has ended is delivered by that, so ask once more."""
        invocation.caller = replace(call.caller, client_name=self._settings.brand_name)
        try:
            found = self._gate.request(invocation, prepared)
            waits = found.state in {models.WAITING, models.RUNNING}
            return found if waits else self._gate.request(invocation, prepared)
        finally:
            invocation.caller = call.caller

    @contextmanager
    def _answering(self, invocation: Invocation) -> Iterator[BrowserAnswer]:
        """Turns what is raised into the answer, recorded. What does not fit the form is raised unrecorded."""
        answer = BrowserAnswer()
        try:
            yield answer
        except Refusal as refusal:
            answer.refuse(invocation.params.name, refusal)
        except Unavailable:
            raise
        except PatchbayError as error:
            if isinstance(error, InvalidArguments) and not invocation.admitted:
                raise
            self._fail(answer, invocation, error)
        # the edge: the person gets a sentence, and the details go to the log alone
        except Exception:
            invocation.log_defect()
            self._fail(answer, invocation, PatchbayError())

    def _fail(self, answer: BrowserAnswer, invocation: Invocation, error: PatchbayError) -> None:
        answer.envelope = envelope.failure(invocation.params.name, error)
        try:
            invocation.settle(answer.envelope["error"]["code"])
        except Refusal as refusal:
            answer.refuse(invocation.params.name, refusal)


def current() -> BrowserCalls:
    """The one of the application that serves this request."""
    found: BrowserCalls = current_app.extensions["browser_calls"]
    return found


def _keys_of(key: str) -> Callable[[], str]:
    """Idempotency keys for one request after the other, the same for the same key."""
    numbers = itertools.count(1)
    return lambda: crypto.digest(f"browser:{key}:{next(numbers)}")[:32]
