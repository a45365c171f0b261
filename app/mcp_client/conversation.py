"""What a server sends before its answer: progress, notifications, and requests of its own."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_types import METHOD_NOT_FOUND

from app.errors import ToolError
from app.mcp_client import wire
from app.mcp_client.questions import ELICITATION, Person, cancelled
from app.mcp_client.session import McpSender, Message, ServerSession
from app.outbound import OutboundError, ResponseEndless
from app.plain_text import plain

Progress = Callable[[float, float | None, str], None]
_REFUSALS = {
    "sampling/createMessage": "This client does not run a model for servers.",
    "roots/list": "This client has no roots.",
}
_LONGEST_PROGRESS = 200
_CANCELLING_SECONDS = 1.0
_MOST_REQUESTS = 50  # of a server within one of ours: each costs a request more
_MOST_REPORTS = 100  # at any pace; then one per second


def ignore(method: str, params: Mapping[str, Any]) -> None:
    """Does nothing with a notification."""


@dataclass(frozen=True)
class Conversation:
    """The messages around one request. An instance is an `on_message` of `McpSender.post`."""

    sender: McpSender
    session: ServerSession
    request_id: int
    progress: Progress | None = None
    answer: Person | None = None
    on_notification: Callable[[str, Mapping[str, Any]], None] = ignore
    _requests: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _reports: "_Reports" = field(default_factory=lambda: _Reports())

    def __call__(self, message: Message) -> None:
        """Takes one message. What `progress`, `answer` and `on_notification` raise ends the request, as does
        ResponseEndless, for a server that asks without end.
        """
        method, params = str(message.get("method")), message.get("params")
        params = params if isinstance(params, dict) else {}
        if "id" in message:
            if next(self._requests) > _MOST_REQUESTS:
                raise ResponseEndless
            self._send(self._reply(message["id"], method, params))
        elif method == "notifications/progress":
            self._report(params)
        else:
            self.on_notification(method, params)

    def cancel(self) -> None:
        """Tells the server that nobody waits any more, where closing the stream does not say so."""
        if not wire.is_stateless(self.session.revision):
            params = {"requestId": self.request_id, "reason": "The caller has gone."}
            self._send(wire.notification("notifications/cancelled", params), seconds=_CANCELLING_SECONDS)

    def _reply(self, request_id: Any, method: str, params: Mapping[str, Any]) -> Message:
        if method == "ping":
            return wire.result(request_id, {})
        if method == ELICITATION:
            return wire.result(request_id, self._ask(request_id, params))
        sentence = _REFUSALS.get(method, "This client does not support that.")
        return wire.error(request_id, METHOD_NOT_FOUND, sentence)

    def _ask(self, request_id: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The person's answer. If there is none, the server hears that before the call ends."""
        if self.answer is None:
            return cancelled()
        try:
            return self.answer.answer(ELICITATION, params)
        except ToolError:
            self._send(wire.result(request_id, cancelled()), seconds=_CANCELLING_SECONDS)
            self.cancel()
            raise

    def _report(self, params: Mapping[str, Any]) -> None:
        done, total, text = params.get("progress"), params.get("total"), params.get("message")
        if self.progress is None or str(params.get("progressToken")) != str(self.request_id):
            return
        if isinstance(done, int | float) and self._reports.is_next_due():
            words = str(plain(text))[:_LONGEST_PROGRESS] if isinstance(text, str) else ""
            self.progress(done, total if isinstance(total, int | float) else None, words)

    def _send(self, message: Message, seconds: float | None = None) -> None:
        """Sends what needs no answer. If it does not arrive, the request goes on without."""
        with contextlib.suppress(ToolError, OutboundError, wire.NotJsonRpc):
            self.sender.post(message, wire.headers_of(message, self.session), safe=False, seconds=seconds)


class _Reports:
    """Which reports of progress are passed on: an AI client gets each as a message."""

    def __init__(self) -> None:
        self._passed = 0
        self._latest = 0.0

    def is_next_due(self) -> bool:
        """Whether to pass on the one that has just come."""
        now = time.monotonic()
        if self._passed >= _MOST_REPORTS and now < self._latest + 1:
            return False
        self._passed, self._latest = self._passed + 1, now
        return True
