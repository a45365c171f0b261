"""Connections for `outbound`: looking names up, connecting, and hanging up at the deadline.

Requests and urllib3 time out per read, so a peer that sends a byte now and then holds a thread for
ever; and they look names up without any limit. Here one deadline covers everything, and a guarded
connection goes to addresses that were checked, not to whatever the name says a moment later.
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

_LOOKUP_THREADS = 16


class OutboundError(Exception):
    """No usable answer came. `sent` is False when it is certain that nothing reached the other side."""

    def __init__(self, sentence: str, *, sent: bool) -> None:
        super().__init__(sentence)
        self.sent = sent


class OutboundTimeout(OutboundError):
    """The deadline passed."""


class AddressRefused(OutboundError):
    """The address points into a network we do not talk to on a stranger's word."""

    def __init__(self) -> None:
        super().__init__("That address is not allowed.", sent=False)


# --- the guard -------------------------------------------------------------------------------

_NOT_PUBLIC = [
    ipaddress.ip_network(n)
    for n in (
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928)
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
]
# all that is assigned; NAT64, mapped and local forms lie outside
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # the middle of an interface id that carries an IPv4 (RFC 5214)


def is_public(address: str) -> bool:
    """True for an address on the open internet: what a stranger may make us talk to.

    Stricter than `ipaddress.is_global`, which says yes to multicast and to several IPv6 forms that
    carry a private IPv4.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.scope_id or ip not in _IPV6_UNICAST or (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP
    ):
        return False
    return (
        ip.is_global
        and not ip.is_multicast
        and not ip.is_reserved
        and not any(ip in network for network in _NOT_PUBLIC)
    )


# --- the deadline ----------------------------------------------------------------------------


class Deadline:
    """One request's end in time. When it passes, the connection is shut, whatever it is doing.

    Used as a context: connections opened or used by this thread inside it belong to it.
    """

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.passed = False
        self.connection: Any = None
        self.socket: socket.socket | None = None

    def __enter__(self) -> "Deadline":
        _here.deadline = self
        _watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        _here.deadline = None
        with _lock:
            self.connection = self.socket = None

    @property
    def left(self) -> float:
        """Seconds until it passes; negative afterwards."""
        return self.at - time.monotonic()

    def _pass(self) -> None:
        with _lock:
            # A connection that went back to the pool may serve another request by now.
            if self.socket is not None and self.connection.deadline is self:
                self.passed = True
                with contextlib.suppress(OSError):
                    # not SSLSocket's, which is not for other threads
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


_here = threading.local()
_lock = threading.Lock()
_waiting: list[tuple[float, int, Deadline]] = []
_numbers = itertools.count()
_changed = threading.Condition()
_watcher: threading.Thread | None = None


def _watch(deadline: Deadline) -> None:
    """Hand a deadline to the one thread that waits for all of them (a fork leaves it behind: start
    another).
    """
    global _watcher
    with _changed:
        heapq.heappush(_waiting, (deadline.at, next(_numbers), deadline))
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_hang_up_in_time, name="deadlines", daemon=True)
            _watcher.start()
        elif _waiting[0][2] is deadline:
            _changed.notify()


def _hang_up_in_time() -> None:
    while True:
        with _changed:
            while not _waiting or _waiting[0][0] > time.monotonic():
                _changed.wait(_waiting[0][0] - time.monotonic() if _waiting else None)
            deadline = heapq.heappop(_waiting)[2]
        deadline._pass()


# --- looking up and connecting ---------------------------------------------------------------

_lookups: dict[bool, ThreadPoolExecutor] = {}


def _addresses(host: str, port: int, seconds: float, guarded: bool) -> list[Any]:
    """What the name resolves to, within `seconds`; when guarded, only if every one of them is public.

    Names that strangers gave are looked up by threads of their own, so that slow ones delay only each other.
    """
    try:
        if host == "localhost" or _is_address(host):
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        else:
            with _changed:
                if guarded not in _lookups:
                    _lookups[guarded] = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
            future = _lookups[guarded].submit(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
            try:
                found = future.result(max(0.0, seconds))
            finally:
                future.cancel()
    except FutureTimeout:
        raise OutboundTimeout(
            "The name of the other side could not be looked up in time.", sent=False
        ) from None
    except (OSError, UnicodeError):
        raise OutboundError("The name of the other side is not known.", sent=False) from None
    if guarded and not all(is_public(str(info[4][0])) for info in found):
        raise AddressRefused()
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _dial(host: str, port: int, seconds: float, guarded: bool, options: Any) -> socket.socket:
    """A connected socket, trying each address in turn, all within `seconds`."""
    end = time.monotonic() + seconds
    found = _addresses(host, port, seconds, guarded)
    timed_out = False
    for n, (family, kind, protocol, _, address) in enumerate(found):
        left = end - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(left / (len(found) - n))
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
        deadline: Deadline = _here.deadline
        sock = _dial(
            self._dns_host.strip("[]"),  # type: ignore[attr-defined]
            self.port,  # type: ignore[attr-defined]
            min(self.timeout, deadline.left),
            self.guarded,
            self.socket_options,  # type: ignore[attr-defined]
        )
        sock.settimeout(max(0.05, min(self.timeout, deadline.left)))  # for the TLS handshake
        return sock

    def connect(self) -> None:
        """Connect; whatever fails here, nothing of the request has been sent."""
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
        """Send; a connection from the pool belongs to this request's deadline from now on."""
        if self.sock is not None:
            self._belong()
        super().request(*args, **options)  # type: ignore[misc]

    def _belong(self) -> None:
        with _lock:
            deadline = self.deadline = _here.deadline
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


class Adapter(HTTPAdapter):
    """Makes requests use the connections of this module. Tries nothing twice."""

    def __init__(self, *, guarded: bool, size: int) -> None:
        self._guarded = guarded
        super().__init__(pool_connections=32, pool_maxsize=size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pool manager our kinds of connection."""
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _POOLS[self._guarded]
