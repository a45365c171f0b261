"""The connections of a web process that wait for their client, each for a bounded time."""

import socket
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from gunicorn.workers.gthread import TConn

from app.client_socket import SEND_SECONDS, ClientSocket
from app.http_request import RequestCollector


class Stage(Enum):
    """What a connection waits for outside the threads."""

    HEAD = auto()
    BODY = auto()
    IDLE = auto()  # kept alive, for its next request
    FLUSH = auto()  # until the client has read the response
    LINGER = auto()  # until the client has closed too (RFC 9112, section 9.6)
    CLOSED = auto()


_SECONDS = {Stage.HEAD: 10.0, Stage.BODY: 30.0, Stage.FLUSH: SEND_SECONDS, Stage.LINGER: 2.0}
_STALLED_SECONDS = 1.0


class HttpConnection(TConn):
    """A client's connection and where it stands. Only the worker's loop touches what is added here."""

    def __init__(
        self,
        cfg: Any,
        accepted: socket.socket,
        addresses: tuple[Any, Any],
        on_unsent: Callable[["HttpConnection"], None],
        longest_body: int,
    ) -> None:
        super().__init__(cfg, ClientSocket(accepted, lambda: on_unsent(self)), *addresses)
        self.incoming = RequestCollector(cfg.limit_request_line, longest_body)
        self.stage: Stage | None = None  # None: a thread has it
        self.deadline = 0.0
        self.events = 0  # what the poller watches
        self.collected = 0
        self.may_follow = True  # another request, after this one
        self.stays = False
        self.data_ready = True  # gunicorn's threads need not wait for the request


class WaitingConnections:
    """Connections by stage, the one that has waited longest first."""

    def __init__(self, keepalive: float) -> None:
        self._seconds = {**_SECONDS, Stage.IDLE: keepalive}
        self._by_stage: dict[Stage, dict[HttpConnection, None]] = {stage: {} for stage in self._seconds}

    def enter(self, connection: HttpConnection, stage: Stage, *, at_most: float | None = None) -> None:
        """Let it wait in this stage, from now on: for the stage's time, or `at_most` seconds."""
        self.leave(connection)
        connection.stage = stage
        seconds = self._seconds[stage]
        connection.deadline = time.monotonic() + (seconds if at_most is None else min(seconds, at_most))
        self._by_stage[stage][connection] = None

    def leave(self, connection: HttpConnection) -> None:
        """It waits no longer."""
        if connection.stage is not None:
            self._by_stage[connection.stage].pop(connection, None)
        connection.stage = None

    def overdue(self, *, everything: bool = False) -> list[HttpConnection]:
        """Return those whose deadline has passed, or all that wait."""
        now = time.monotonic()
        found = []
        for waiting in self._by_stage.values():
            for connection in waiting:
                if connection.deadline > now and not everything:
                    break
                found.append(connection)
        return found

    def hurry_idle(self, deadline: float) -> None:
        """Give those that have sent nothing until this moment of the monotonic clock, at most."""
        for stage in (Stage.IDLE, Stage.HEAD):
            for connection in self._by_stage[stage]:
                if not len(connection.incoming):
                    connection.deadline = min(connection.deadline, deadline)

    def least_missed(self) -> HttpConnection | None:
        """Return the one to close when there are too many: stalled ones first, then idle ones."""
        heads = self._by_stage[Stage.HEAD]
        latest = time.monotonic() + self._seconds[Stage.HEAD] - _STALLED_SECONDS
        stalled = bool(heads) and next(iter(heads)).deadline < latest
        order = [Stage.LINGER, Stage.IDLE, Stage.HEAD, Stage.BODY, Stage.FLUSH]
        return self._first(Stage.HEAD, *order) if stalled else self._first(*order)

    def oldest_unfinished(self) -> HttpConnection | None:
        """Return the one to close when unfinished requests take too much memory: the oldest body."""
        return self._first(Stage.BODY, Stage.HEAD)

    def _first(self, *stages: Stage) -> HttpConnection | None:
        return next((next(iter(self._by_stage[stage])) for stage in stages if self._by_stage[stage]), None)
