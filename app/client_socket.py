"""The socket of a client that may be slow: threads of the web server never wait for it to send."""

import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

SEND_SECONDS = 30.0
_READ_BYTES = 65_536
# A page or a file fits; a longer response waits in its thread until the client has read some of it.
_UNSENT_BYTES = 262_144


class ClientSocket(socket.socket):
    """A client's socket as gunicorn sees it. No call of a thread waits for the client to send anything.

    `recv` reads the request that was collected. `sendall` takes what the client has not read, up to a limit;
    the worker's loop sends it on. The socket itself never blocks.
    """

    def __init__(self, accepted: socket.socket, on_unsent: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self._request = memoryview(b"")
        self._unsent = bytearray()
        self._on_unsent = on_unsent
        self._changed = threading.Condition()
        self._broken = False

    def setblocking(self, flag: bool) -> None:
        """Do nothing: gunicorn would make the socket block in threads."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing: see `setblocking`."""

    def receive(self) -> bytes:
        """Return what the client has sent. Raises BlockingIOError if that is nothing."""
        return super().recv(_READ_BYTES)

    def hand_over(self, request: bytes) -> None:
        """Let `recv` read this request, and nothing after it."""
        self._request = memoryview(request)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Return the next bytes of the request. Raises ConnectionResetError after its end."""
        if flags:
            return super().recv(bufsize, flags)
        piece, self._request = self._request[:bufsize], self._request[bufsize:]
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "the request has no more bytes")
        return bytes(piece)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send, or take over what cannot be sent now. Raises ConnectionResetError if the client reads too
        slowly.
        """
        with self._changed:
            if not self._unsent:
                try:
                    sent = self.send(data)
                except BlockingIOError:
                    sent = 0
                if sent == len(data):
                    return
                data = memoryview(data)[sent:]
                self._on_unsent()
            self._unsent += data
            in_time = self._changed.wait_for(
                lambda: self._broken or len(self._unsent) <= _UNSENT_BYTES, SEND_SECONDS
            )
            if self._broken or not in_time:
                raise ConnectionResetError(errno.ECONNRESET, "the client does not read the response")

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file's bytes as `sendall` does. Returns how many."""
        file.seek(offset)
        total = 0
        while piece := file.read(_READ_BYTES if count is None else min(_READ_BYTES, count - total)):
            self.sendall(piece)
            total += len(piece)
        return total

    @property
    def is_flushed(self) -> bool:
        """True if nothing waits to be sent."""
        with self._changed:
            return not self._unsent

    def flush(self) -> None:
        """Send what waits, as far as the client reads. Raises OSError if the connection is broken."""
        with self._changed:
            try:
                while self._unsent:
                    del self._unsent[: self.send(self._unsent)]
            except BlockingIOError:
                pass
            except OSError:
                self._broken = True
                self._unsent.clear()
                raise
            finally:
                self._changed.notify_all()
