"""A sender without a connection: looks at a server before anybody signed in to it."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from app import outbound
from app.mcp_client import wire
from app.mcp_client.session import Message, ServerSession
from app.mcp_client.wire import AnswerReader
from app.outbound import OutboundError, Response

ENDING_SECONDS = 1.0


class DirectSender:
    """Sends to a URL that somebody typed, so by the SSRF guard. Raises OutboundError.

    `seconds` is for everything that is sent together.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float) -> None:
        self._url = url
        self._headers = headers or {}
        self._until = time.monotonic() + seconds

    def post(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        safe: bool,
        on_message: Callable[[Message], None] | None = None,
        seconds: float | None = None,
    ) -> Response:
        """POSTs one message once."""
        reader = AnswerReader(body, on_message)
        remaining = max(0.05, self._until - time.monotonic())
        response = outbound.send(
            "POST",
            self._url,
            json=body,
            headers={**self._headers, **headers},
            guarded=True,
            may_be_private=True,
            seconds=remaining if seconds is None else min(seconds, remaining),
            on_event=reader,
        )
        return reader.completed(response)

    def end(self, session: ServerSession) -> None:
        """DELETEs the session, if the server has it."""
        if headers := wire.ending(session):
            with contextlib.suppress(OutboundError):
                outbound.send(
                    "DELETE",
                    self._url,
                    headers={**self._headers, **headers},
                    guarded=True,
                    may_be_private=True,
                    seconds=ENDING_SECONDS,
                    reads_body=False,
                )
