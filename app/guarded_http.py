"""Connections for `outbound`: name look-up, connecting, and closing at the deadline.

Requests and urllib3 time out per read, so a peer that sends one byte now and then holds a thread for ever;
and their name look-up has no limit. Here one deadline covers everything. A guarded connection goes to
addresses that were checked, not to whatever the name resolves to a moment later.
"""

import contextlib
import heapq
import ipaddress
import itertools
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from app import threads
from app.public_addresses import is_public

_LOOKUP_THREADS = 16


class OutboundError(Exception):
    """No usable response arrived. `sent` is False if certainly nothing reached the other side."""

    def __init__(self, sentence: str, *, sent: bool) -> None:
        super().__init__(sentence)
        self.sent = sent


class OutboundTimeout(OutboundError):
    """The deadline passed."""


class AddressRefused(OutboundError):
    """The address is on a network we do not connect to for an address that came from outside."""

    def __init__(self) -> None:
        super().__init__("That address is not allowed.", sent=False)


class HostUnknown(OutboundError):
    """The name of the host does not resolve."""

    def __init__(self) -> None:
        super().__init__("The name of the other side is not known.", sent=False)


# --- the deadline ----------------------------------------------------------------------------


class Deadline:
    """The end of one request in time. When it passes, the connection is shut down, whatever it is doing.

    Use it as a context manager: it covers the connections that this thread opens or uses inside the block.
    """

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.passed = False
        self.connection: Any = None
        self.socket: socket.socket | None = None

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        _watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.deadline = None
        with _lock:
            self.connection = self.socket = None

    @property
    def seconds_left(self) -> float:
        """Seconds until it passes; negative afterwards."""
        return self.at - time.monotonic()

    def _pass(self) -> None:
        with _lock:
            # A connection that was returned to the pool may serve another request by now.
            if self.socket is not None and self.connection.deadline is self:
                self.passed = True
                with contextlib.suppress(OSError):
                    # not SSLSocket.shutdown, which is not thread-safe
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


_current = threading.local()
_lock = threading.Lock()
_pending: list[tuple[float, int, Deadline]] = []
_numbers = itertools.count()
_changed = threading.Condition()
_watcher: threading.Thread | None = None


def _watch(deadline: Deadline) -> None:
    """Hand a deadline to the one watcher thread, starting it if needed (a fork does not copy it)."""
    global _watcher
    with _changed:
        heapq.heappush(_pending, (deadline.at, next(_numbers), deadline))
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_hang_up_in_time, name="deadlines", daemon=True)
            _watcher.start()
        elif _pending[0][2] is deadline:
            _changed.notify()


def _hang_up_in_time() -> None:
    while True:
        with _changed:
            while not _pending or _pending[0][0] > time.monotonic():
                _changed.wait(_pending[0][0] - time.monotonic() if _pending else None)
            deadline = heapq.heappop(_pending)[2]
        deadline._pass()


# --- looking up and connecting ---------------------------------------------------------------

_lookups: dict[bool, ThreadPoolExecutor] = {}


def _addresses(host: str, port: int, seconds: float, guarded: bool) -> list[Any]:
    """Resolve the name within `seconds`; if guarded, only if every address is public.

    Guarded names are resolved by their own threads, so that slow ones delay only each other.
    """
    try:
        if host == "localhost" or _is_address(host):
            addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        else:
            with _changed:
                if guarded not in _lookups:
                    _lookups[guarded] = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
            future = threads.submit(_lookups[guarded], socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
            try:
                addresses = future.result(max(0.0, seconds))
            finally:
                future.cancel()
    except FutureTimeout:
        raise OutboundTimeout(
            "The name of the other side could not be looked up in time.", sent=False
        ) from None
    except (OSError, UnicodeError):
        raise HostUnknown() from None
    if guarded and not all(is_public(str(info[4][0])) for info in addresses):
        raise AddressRefused()
    return addresses


def check_public(host: str, port: int, seconds: float) -> None:
    """Resolve a host, without connecting to it. Raises AddressRefused unless every address is public,
    HostUnknown without any, and OutboundTimeout after `seconds`.

    A connection checks again: the name may resolve to something else by then.
    """
    _addresses(host, port, seconds, True)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _dial(host: str, port: int, seconds: float, guarded: bool, options: Any) -> socket.socket:
    """Return a connected socket, trying each address in turn, within `seconds` in total."""
    end = time.monotonic() + seconds
    addresses = _addresses(host, port, seconds, guarded)
    timed_out = False
    for n, (family, kind, protocol, _, address) in enumerate(addresses):
        seconds_left = end - time.monotonic()
        if seconds_left <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(seconds_left / (len(addresses) - n))
            sock.connect(address)
            if guarded and not is_public(str(sock.getpeername()[0])):
                raise AddressRefused()
            return sock
        except OSError as error:
            sock.close()
            timed_out = isinstance(error, TimeoutError)
        except AddressRefused:
            sock.close()
            raise
    if timed_out:
        raise OutboundTimeout("The other side could not be reached in time.", sent=False)
    raise OutboundError("The other side could not be reached.", sent=False)


class _Watched:
    """What both kinds of connection share. `sock` belongs to the deadline of the request it serves."""

    guarded = False
    deadline: Deadline | None = None
    sock: Any
    timeout: Any

    def _new_conn(self) -> socket.socket:
        deadline: Deadline = _current.deadline
        sock = _dial(
            self._dns_host.strip("[]"),  # type: ignore[attr-defined]
            self.port,  # type: ignore[attr-defined]
            min(self.timeout, deadline.seconds_left),
            self.guarded,
            self.socket_options,  # type: ignore[attr-defined]
        )
        sock.settimeout(max(0.05, min(self.timeout, deadline.seconds_left)))  # for the TLS handshake
        return sock

    def connect(self) -> None:
        """Connect. Whatever fails here, nothing of the request has been sent."""
        try:
            super().connect()  # type: ignore[misc]
        except TimeoutError:
            raise OutboundTimeout("The other side could not be reached in time.", sent=False) from None
        except ssl.SSLCertVerificationError:
            raise OutboundError("The certificate of the other side is not valid.", sent=False) from None
        except (OSError, HTTPError):
            raise OutboundError("The other side could not be reached.", sent=False) from None
        self._belong()

    def request(self, *args: Any, **options: Any) -> None:
        """Send. A pooled connection belongs to this request's deadline from now on."""
        if self.sock is not None:
            self._belong()
        super().request(*args, **options)  # type: ignore[misc]

    def _belong(self) -> None:
        with _lock:
            deadline = self.deadline = _current.deadline
            deadline.connection, deadline.socket = self, self.sock


class _HTTP(_Watched, HTTPConnection):
    pass


class _HTTPS(_Watched, HTTPSConnection):
    pass


class _GuardedHTTP(_HTTP):
    guarded = True


class _GuardedHTTPS(_HTTPS):
    guarded = True


def _pools(http: type[HTTPConnection], https: type[HTTPSConnection]) -> dict[str, Any]:
    return {
        "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("_Pool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }


_POOLS = {False: _pools(_HTTP, _HTTPS), True: _pools(_GuardedHTTP, _GuardedHTTPS)}


class DeadlineAdapter(HTTPAdapter):
    """Makes requests use the connections of this module. Never retries."""

    def __init__(self, *, guarded: bool, size: int) -> None:
        self._guarded = guarded
        super().__init__(pool_connections=32, pool_maxsize=size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Set our connection classes on the pool manager."""
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _POOLS[self._guarded]
