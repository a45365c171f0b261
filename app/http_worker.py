"""gunicorn's threaded worker, safe from slow clients and a lost master (`worker_class` in gunicorn.conf.py).

gunicorn reads a request in a working thread and waits there as long as the client likes: a few hundred
clients that send half a request, or do not read their response, hold all threads. Here the worker's loop
collects each request and sends what is left of each response, under deadlines; threads only compute.
"""

import errno
import io
import os
import resource
import selectors
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.http.body import ChunkedReader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from app.http_request import Progress
from app.http_waiting import HttpConnection, Stage, WaitingConnections

_ORPHAN_SECONDS = 10.0
_LONGEST_BODY = 4 * 1024 * 1024  # where the application sets no MAX_CONTENT_LENGTH
_COLLECTED_BYTES = 32 * 1024 * 1024  # of all requests that are not complete
_OTHER_DESCRIPTORS = 256  # database, services, logs, metrics
_MOST_DESCRIPTORS = 65_536
_TOO_LARGE = {
    Progress.HEAD_TOO_LARGE: (431, "Request Header Fields Too Large", "The head of the request is too long."),
    Progress.BODY_TOO_LARGE: (413, "Content Too Large", "The body of the request is too long."),
}
_LIVENESS = (b"GET /health ", b"HEAD /health ")


class DeadlineWorker(ThreadWorker):
    """Threads with a loop in front that bounds what each client may hold, and for how long."""

    worker_connections: int
    longest_body = _LONGEST_BODY

    def init_process(self) -> None:
        """Prepare what a fork does not carry over, then run until the end."""
        # A client could send SCRIPT_NAME through a proxy on this machine: a path that the proxy does not see.
        self.cfg.set("forwarder_headers", "")
        self._liveness = ThreadPoolExecutor(1, "liveness")  # /health answers while all threads are busy
        self._waiting = WaitingConnections(float(self.cfg.keepalive))
        self._collected = 0
        self._is_orphan = False
        self.worker_connections = min(self.worker_connections, _raise_descriptors() - _OTHER_DESCRIPTORS)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and take its limit of a body."""
        super().load_wsgi()
        self.longest_body = getattr(self.wsgi, "config", {}).get("MAX_CONTENT_LENGTH") or _LONGEST_BODY

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or pause accepting. A worker that ends lets go of the port."""
        super().set_accept_enabled(enabled)
        if not enabled and (self._is_orphan or not self.alive):
            for listener in self.sockets:
                listener.close()

    def is_parent_alive(self) -> bool:
        """Return False without a master: the port is free at once, calls under way get a few seconds."""
        if super().is_parent_alive():
            return True
        self._is_orphan = True
        self.set_accept_enabled(False)
        last = threading.Timer(_ORPHAN_SECONDS, os._exit, [0])  # whatever the threads do
        last.daemon = True
        last.start()
        return False

    def accept(self, listener: Any) -> None:
        """Take a new connection. When there are too many, one that waits is closed for it."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        self.nr_conns += 1
        connection = HttpConnection(
            self.cfg,
            accepted,
            (client, listener.getsockname()),
            partial(self.method_queue.defer, self.send_rest),
            self.longest_body,
        )
        self._waiting.enter(connection, Stage.HEAD)
        self._read(connection)  # the request is often there already

    def _make_room(self) -> None:
        connection = self._waiting.least_missed()
        if connection is not None:
            self._close(connection)

    def _watch(self, connection: HttpConnection, events: int) -> None:
        if events == connection.events:
            return
        if not events:
            self.poller.unregister(connection.sock)
        elif connection.events:
            self.poller.modify(connection.sock, events, partial(self._on_event, connection))
        else:
            self.poller.register(connection.sock, events, partial(self._on_event, connection))
        connection.events = events

    def _on_event(self, connection: HttpConnection, _sock: Any) -> None:
        if connection.stage is Stage.CLOSED:  # by an earlier event of the same round
            return
        if connection.events == selectors.EVENT_WRITE:
            self.send_rest(connection)
        elif connection.stage is Stage.LINGER:
            self._discard(connection)
        else:
            self._read(connection)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close every connection whose deadline has passed, or all that wait. Called about once a second."""
        for connection in self._waiting.overdue(everything=force):
            if connection.stage in (Stage.HEAD, Stage.BODY) and len(connection.incoming):
                self._refuse(connection, 408, "Request Timeout", "The request did not arrive in time.")
            self._close(connection)

    def murder_pending(self) -> None:
        """Do nothing: `murder_keepalived` closes all."""

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker ends: idle connections stay for a moment, for a request that may be on its way."""
        self._waiting.hurry_idle(deadline)

    def _read(self, connection: HttpConnection) -> None:
        try:
            data = connection.sock.receive()
        except BlockingIOError:
            return self._watch(connection, selectors.EVENT_READ)
        except OSError:
            return self._close(connection)
        if not data:
            return self._close(connection)
        self._advance(connection, data)

    def _advance(self, connection: HttpConnection, data: bytes = b"") -> None:
        progress = connection.incoming.feed(data)
        if progress is Progress.READY:
            return self._start(connection)
        if progress in _TOO_LARGE:
            self._refuse(connection, *_TOO_LARGE[progress])
            return self._linger(connection)
        if progress is Progress.BODY and connection.stage is not Stage.BODY:
            self._waiting.enter(connection, Stage.BODY)
            if connection.incoming.expects_continue:
                try:
                    connection.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                except OSError:
                    return self._close(connection)  # it has gone; an error here would end the worker
        elif progress is Progress.HEAD and connection.stage is not Stage.HEAD:
            self._waiting.enter(connection, Stage.HEAD)
        self._count(connection)
        if self._collected > _COLLECTED_BYTES and (oldest := self._waiting.oldest_unfinished()):
            self._close(oldest)
        if connection.stage is not Stage.CLOSED:
            self._watch(connection, selectors.EVENT_READ)

    def _count(self, connection: HttpConnection) -> None:
        held = len(connection.incoming)
        self._collected += held - connection.collected
        connection.collected = held

    def _start(self, connection: HttpConnection) -> None:
        request, connection.may_follow = connection.incoming.take()
        self._count(connection)
        self._waiting.leave(connection)
        self._watch(connection, 0)
        connection.sock.hand_over(request)
        pool = self._liveness if request.startswith(_LIVENESS) else self.tpool
        pool.submit(self.handle, connection).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, connection, done)
        )

    def handle_request(self, req: Any, conn: HttpConnection) -> Any:
        """Serve one request. Whoever waited for 100 Continue has got it, or is refused without."""
        req._expected_100_continue = False
        if not conn.may_follow:
            req.force_close()
        if isinstance(req.body.reader, ChunkedReader):
            # What is wrong with its framing is a 400 here, and would be a defect of the application there.
            req.body.reader = io.BytesIO(req.body.read())
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: HttpConnection, keepalive: Any) -> bool:
        """Whether another request may follow. There is no body left to read: it was collected whole."""
        return bool(keepalive) and conn.may_follow

    def finish_request(self, conn: HttpConnection, fs: "Future[Any]") -> None:
        """A thread is done: wait for the client to read, then for its next request."""
        conn.stays = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if conn.sock.is_flushed:
            return self._settle(conn)
        self._waiting.enter(conn, Stage.FLUSH)
        self._watch(conn, selectors.EVENT_WRITE)

    def send_rest(self, connection: HttpConnection) -> None:
        """Send what the client had not read, while its thread goes on or after it."""
        if connection.stage is Stage.CLOSED:
            return
        try:
            connection.sock.flush()
        except OSError:
            self._watch(connection, 0)
            if connection.stage is not None:
                self._close(connection)
            return
        if not connection.sock.is_flushed:
            self._watch(connection, selectors.EVENT_WRITE)
        elif connection.stage is Stage.FLUSH:
            self._settle(connection)
        elif connection.stage is None:
            self._watch(connection, 0)

    def _settle(self, connection: HttpConnection) -> None:
        if not connection.stays:
            return self._linger(connection)
        self._waiting.leave(connection)
        if len(connection.incoming):  # pipelined
            return self._advance(connection)
        self._waiting.enter(connection, Stage.IDLE, at_most=None if self.alive else STOP_KEEPALIVE_LINGER)
        self._watch(connection, selectors.EVENT_READ)

    def _refuse(self, connection: HttpConnection, status: int, reason: str, message: str) -> None:
        try:
            util.write_error(connection.sock, status, reason, message)
        except OSError:
            pass  # it has gone

    def _linger(self, connection: HttpConnection) -> None:
        """Close our side. A client that is still sending reads the response before it is reset."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return self._close(connection)
        self._waiting.enter(connection, Stage.LINGER)
        self._watch(connection, selectors.EVENT_READ)
        self._discard(connection)

    def _discard(self, connection: HttpConnection) -> None:
        try:
            if connection.sock.receive():
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # it has gone
        self._close(connection)

    def _close(self, connection: HttpConnection) -> None:
        self._watch(connection, 0)
        self._waiting.leave(connection)
        connection.stage = Stage.CLOSED
        self._collected -= connection.collected
        self.nr_conns -= 1
        connection.close()


def _raise_descriptors() -> int:
    """Let this process open as many files as the host allows, within reason. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_DESCRIPTORS
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
