"""A relay in front of PostgreSQL that counts round trips: how often the client spoke after the server had.

Counting on the wire misses nothing: neither what a driver sends by itself, nor what it sends together.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

from sqlalchemy import make_url

_CHUNK = 65_536


class RoundTrips:
    """How many round trips all connections of a relay have made."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        """One more."""
        with self._lock:
            self.count += 1


@contextlib.contextmanager
def relayed(url: str) -> Iterator[tuple[str, RoundTrips]]:
    """The URL of the same database behind a relay on this machine, and its count."""
    address = make_url(url)
    upstream = (address.host or "127.0.0.1", address.port or 5432)
    trips = RoundTrips()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, upstream, trips), daemon=True).start()
        behind = address.set(drivername="postgresql", host="127.0.0.1", port=listener.getsockname()[1])
        yield behind.render_as_string(hide_password=False), trips


def _accept(listener: socket.socket, upstream: tuple[str, int], trips: RoundTrips) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # closed: the relay has ended
            return
        _Connection(client, socket.create_connection(upstream), trips)


class _Connection:
    """One client's connection, and the same one to the server."""

    def __init__(self, client: socket.socket, server: socket.socket, trips: RoundTrips) -> None:
        self._trips = trips
        self._server_spoke = True
        self._lock = threading.Lock()
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
        threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_server: bool) -> None:
        with contextlib.suppress(OSError):  # the other end hung up
            while data := source.recv(_CHUNK):
                with (
                    self._lock
                ):  # what one side said last must not be overwritten by what the other said before
                    if not is_server and self._server_spoke:
                        self._trips.add()
                    self._server_spoke = is_server
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
