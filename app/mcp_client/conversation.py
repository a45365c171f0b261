"""What a server sends before its answer: progress, notifications, and requests of its own."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import METHOD_NOT_FOUND

from app.errors import ToolError
from app.mcp_client import wire
from app.mcp_client.questions import ELICITATION, Person, cancelled
from app.mcp_client.session import McpSender, Message, ServerSession
from app.outbound import OutboundError
from app.plain_text import plain

Progress = Callable[[float, float | None, str], None]
_REFUSALS = {
    "sampling/createMessage": "This client does not run a model for servers.",
    "roots/list": "This client has no roots.",
}
_LONGEST_PROGRESS = 200
_CANCELLING_SECONDS = 1.0


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

    def __call__(self, message: Message) -> None:
        """Takes one message. What `progress`, `answer` and `on_notification` raise ends the request."""
        method, params = str(message.get("method")), message.get("params")
        params = params if isinstance(params, dict) else {}
        if "id" in message:
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
        if isinstance(done, int | float):
            words = str(plain(text))[:_LONGEST_PROGRESS] if isinstance(text, str) else ""
            self.progress(done, total if isinstance(total, int | float) else None, words)

    def _send(self, message: Message, seconds: float | None = None) -> None:
        """Sends what needs no answer. If it does not arrive, the request goes on without."""
        with contextlib.suppress(ToolError, OutboundError, wire.NotJsonRpc):
            self.sender.post(message, wire.headers_of(message, self.session), safe=False, seconds=seconds)
