"""MCP over a connection's `Api`: token, refresh, retries, deadline and SSRF guard apply to each message."""

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app import outbound
from app.connectors.api import Api
from app.connectors.api_errors import errors_by_status, no_answer
from app.connectors.api_rules import ApiRules
from app.connectors.mcp_results import output_of
from app.connectors.output_check import OutputCheck
from app.connectors.request import ApiRequest
from app.connectors.tool_output import ToolOutput
from app.errors import PermissionDenied, ToolError
from app.mcp_client import ENDING_SECONDS, McpClient
from app.mcp_client.negotiation import DISCOVER
from app.mcp_client.session import Message, ServerSession
from app.mcp_client.wire import AnswerReader, ending
from app.outbound import OutboundError, Response
from app.outbound.event_stream import is_event_stream

_CALL_SECONDS = 60.0  # the longest for one request; the call's own deadline still applies
_SILENCE_SECONDS = 30.0  # without a byte of the answer: whoever works longer reports progress
_CANCELLING_SECONDS = 1.0
_SHORTEST_PAUSE_SECONDS = 0.2  # before a stream is resumed
_SCOPE = re.compile(r"""\bscope\s*=\s*(?:"([^"]*)"|([^\s,"]+))""", re.IGNORECASE)
_INSUFFICIENT = re.compile(r"""\berror\s*=\s*"?insufficient_scope\b""", re.IGNORECASE)
_LONGEST_SCOPE = 2000


class InsufficientScope(PermissionDenied):
    """The server wants more scopes than were granted (RFC 6750 section 3.1). `scope` is what it names."""

    def __init__(self, name: str, scope: str) -> None:
        super().__init__(
            f"{name} requires more permissions for this than the connection has. Reconnect {name} on the "
            "Integrations page to grant them.",
            details={"scope": scope} if scope else {},
        )
        self.scope = scope


def client_of(
    api: Api,
    purpose: str = "",
    prepare: Callable[[McpClient], None] | None = None,
) -> McpClient:
    """The client of the MCP server at the connection's address. `purpose` keeps a session of its own, with a
    state that `prepare` sets (`McpClient`).
    """
    return McpClient(
        _ConnectionSender(api),
        api.sessions(purpose),
        name=api.service.name,
        on_notification=api.on_notification,
        prepare=prepare,
    )


def call_tool(
    api: Api,
    name: str,
    arguments: Mapping[str, Any],
    *,
    safe: bool,
    check: OutputCheck | None = None,
    header_map: Mapping[tuple[str, ...], str] | None = None,
    client: McpClient | None = None,
) -> ToolOutput:
    """What a tool of the connection's MCP server returns, with its progress and its questions passed on.

    `name` is the server's own. `safe`: it only reads. `client`: another than that of the connection. See
    `McpClient.call_tool` for the others. Raises ToolError.
    """
    result = (client or client_of(api)).call_tool(
        # also for a client that wants no progress: it is how a server says that it still works
        name,
        arguments,
        safe=safe,
        progress=api.report,
        answer=api.ask,
        header_map=header_map,
    )
    return output_of(result, name=api.service.name, check=check)


@dataclass(frozen=True)
class _ConnectionSender:
    """Sends the messages of one connection."""

    api: Api

    def post(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        safe: bool,
        on_message: Callable[[Message], None] | None = None,
        seconds: float | None = None,
    ) -> Response:
        """POSTs one message. Raises ToolErrors."""
        reader = AnswerReader(body, on_message)
        method = str(body.get("method", "response"))
        request = ApiRequest(
            method="POST",
            path=method,
            url=self.api.base_url + self.api.service.mcp_path,
            json=body,
            headers={**self.api.service.headers, **headers},
            safe=safe,
            repeatable=safe,
            may_change=method == "tools/call" and not safe,
            seconds=_CALL_SECONDS if seconds is None else seconds,
            silence_seconds=_SILENCE_SECONDS,
            judge=self._problem,
            on_event=reader,
            on_break=reader.broke_off if method == "tools/call" and "Mcp-Session-Id" in headers else None,
        )
        answer = self._api_for(method).perform(request)
        while reader.resumes_after:
            answer = self._resume(reader, request)
        if method == DISCOVER and answer.status >= 400:
            self.api.calls.pop()  # an older server does not know that question: nothing failed
        return reader.completed(answer)

    def _resume(self, reader: AnswerReader, request: ApiRequest) -> Response:
        """The rest of a stream that broke off: the server goes on with the call. Raises ToolError."""
        name = self.api.service.name
        fields = {"Accept": "text/event-stream", "Last-Event-ID": reader.resumes_after}
        headers = {key: value for key, value in request.headers.items() if key != "Content-Type"} | fields
        again = replace(
            request, method="GET", json=None, headers=headers, safe=True, repeatable=False, may_change=False
        )
        try:
            left = self.api.deadline - time.monotonic()
            time.sleep(max(0.0, min(max(reader.waits_seconds, _SHORTEST_PAUSE_SECONDS), left)))
            self.api.stop_if_cancelled()
            answer = self.api.perform(again)
        except ToolError:
            raise no_answer(name, OutboundError("It broke off.", sent=True), safe=request.safe) from None
        if answer.status >= 300 or not is_event_stream(answer.headers.get("Content-Type", "")):
            raise no_answer(name, OutboundError("It broke off.", sent=True), safe=request.safe)
        return answer

    def end(self, session: ServerSession) -> None:
        """DELETEs the session."""
        with contextlib.suppress(ToolError):
            end_session(self.api.service, self.api.base_url, self.api.tokens.bearer(), session)

    def _api_for(self, method: str) -> Api:
        """A cancellation is sent although the client has gone and the time is up. It is none of the call's
        requests.
        """
        if method != "notifications/cancelled":
            return self.api
        until = time.monotonic() + _CANCELLING_SECONDS
        return replace(self.api, cancelled=lambda: False, deadline=until, calls=[])

    def _problem(self, answer: Response) -> ToolError | None:
        """The statuses that are about the connection; what else is refused, the client reads."""
        status = answer.status
        if status == 403 and _INSUFFICIENT.search(answer.headers.get("WWW-Authenticate", "")):
            return InsufficientScope(self.api.service.name, wanted_scope(answer))
        holds_message = isinstance(body := answer.json(), dict) and "jsonrpc" in body
        if status in {401, 403, 408, 425, 429} or (status >= 500 and not holds_message):
            return errors_by_status(answer, self.api.service.name)
        return None


def end_session(service: ApiRules, base_url: str, token: str, session: ServerSession) -> None:
    """Tell an MCP server, within a moment, that nobody needs that session any more. Raises nothing."""
    if not (headers := ending(session)):
        return
    with contextlib.suppress(OutboundError):
        outbound.send(
            "DELETE",
            base_url + service.mcp_path,
            headers={**service.headers, **headers, **service.authorization(token)},
            guarded=service.is_guarded,
            may_be_private=service.may_be_private,
            seconds=ENDING_SECONDS,
            reads_body=False,
        )


def wanted_scope(answer: Response) -> str:
    """The scopes that the challenge of a 401 or 403 names, space separated; "" for none."""
    found = _SCOPE.search(answer.headers.get("WWW-Authenticate", ""))
    return (found[1] or found[2] or "")[:_LONGEST_SCOPE] if found else ""
