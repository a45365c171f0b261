"""What a client and a server agreed on, and what the rest of the product must bring to talk to one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.outbound import Response

Message = dict[str, Any]  # a JSON-RPC message


@dataclass(frozen=True)
class ServerSession:
    """The revision to speak, and the session to name in each request; None where the server has none."""

    revision: str
    session_id: str | None = None


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself. `info` is its serverInfo as it was sent."""

    revision: str
    info: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    instructions: str


@dataclass(frozen=True)
class ToolList:
    """The definitions of all pages as they were sent, and how long they are valid by the server's word.

    `is_public`: the list is the same for every authorization.
    """

    tools: list[dict[str, Any]]
    ttl_seconds: float | None
    is_public: bool


class McpSender(Protocol):
    """Sends messages to one server."""

    def post(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        safe: bool,
        on_message: Callable[[Message], None] | None = None,
        seconds: float | None = None,
    ) -> Response:
        """POSTs one message, within `seconds` at most. `safe`: repeating it changes nothing.

        An event stream is read as far as the answer (`wire.AnswerReader`), which is the content of the
        response then; `on_message` takes the messages before it.
        """

    def end(self, session: "ServerSession") -> None:
        """Tells the server, within a moment, that nobody needs that session any more. Raises nothing."""


class ServerSessions(Protocol):
    """Remembers the session with one server."""

    def load(self) -> ServerSession | None:
        """The session to use, or None."""

    def save(self, session: ServerSession) -> ServerSession:
        """Remembers a new session, unless there is one by now: returns the one to use."""

    def forget(self, session: ServerSession) -> None:
        """Forgets that session, if it is still the one that is remembered."""


class MemorySessions:
    """A session that is remembered as long as this object lives."""

    def __init__(self) -> None:
        self._session: ServerSession | None = None

    @staticmethod
    def by_purpose() -> Callable[[str], ServerSessions]:
        """One session per purpose."""
        known: dict[str, ServerSessions] = {}
        return lambda purpose: known.setdefault(purpose, MemorySessions())

    def load(self) -> ServerSession | None:
        """The session, or None."""
        return self._session

    def save(self, session: ServerSession) -> ServerSession:
        """Remembers it, unless there is one."""
        self._session = self._session or session
        return self._session

    def forget(self, session: ServerSession) -> None:
        """Forgets it."""
        if self._session == session:
            self._session = None
