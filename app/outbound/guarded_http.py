"""Connections for `outbound`: name look-up and connecting, within the request's deadline.

The name look-up of urllib3 has no limit; here it belongs to the deadline. A guarded connection goes to
addresses that were checked, not to whatever the name resolves to a moment later.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, InvalidChunkLength, InvalidHeader, ReadTimeoutError

from app import threads
from app.outbound import request_deadline
from app.outbound.bounded_response import BoundedResponse
from app.outbound.errors import (
    AddressRefused,
    CertificateRefused,
    HostUnknown,
    OutboundError,
    OutboundTimeout,
    ResponseUnreadable,
)
from app.outbound.public_addresses import is_public

_LOOKUP_THREADS = 16
_CHUNK_BYTES = 65536
_ENDED = (RemoteDisconnected, IncompleteRead)
_UNREADABLE = (DecodeError, InvalidChunkLength, InvalidHeader)


# --- looking up and connecting ---------------------------------------------------------------

Guard = Callable[[str, int, str], bool]  # whether that host, port and address may be connected to

_lookups: dict[bool, ThreadPoolExecutor] = {}
_lookups_lock = threading.Lock()
_private_hosts: frozenset[str] = frozenset()


def allow_private(hosts: Collection[str]) -> None:
    """Set the hosts, as `host` or `host:port`, that `LISTED` connections may reach on any network."""
    global _private_hosts
    _private_hosts = frozenset(host.lower() for host in hosts)


def is_listed(host: str, port: int) -> bool:
    """Whether the operator allows that host although it is on a private network."""
    name = host.lower().rstrip(".")
    return name in _private_hosts or f"{name}:{port}" in _private_hosts


def _public(host: str, port: int, address: str) -> bool:
    return is_public(address)


def _public_or_listed(host: str, port: int, address: str) -> bool:
    return is_public(address) or is_listed(host, port)


def _addresses(host: str, port: int, seconds: float, guard: Guard | None) -> list[Any]:
    """Resolve the name within `seconds`; if guarded, only if every address is allowed.

    Guarded names are resolved by their own threads, so that slow ones delay only each other.
    """
    guarded = guard is not None
    try:
        if host == "localhost" or _is_address(host):
            addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        else:
            with _lookups_lock:
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
    if guard is not None and not all(guard(host, port, str(info[4][0])) for info in addresses):
        raise AddressRefused()
    return addresses


def check_public(host: str, port: int, seconds: float) -> None:
    """Resolve a host, without connecting to it. Raises AddressRefused unless every address is public,
    HostUnknown without any, and OutboundTimeout after `seconds`.

    A connection checks again: the name may resolve to something else by then.
    """
    _addresses(host, port, seconds, _public)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _dial(host: str, port: int, seconds: float, guard: Guard | None, options: Any) -> socket.socket:
    """Return a connected socket, trying each address in turn, within `seconds` in total."""
    end = time.monotonic() + seconds
    addresses = _addresses(host, port, seconds, guard)
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
            if guard is not None and not guard(host, port, str(sock.getpeername()[0])):
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


# https://docs.openssl.org/3.0/man1/openssl-verification-options/#diagnostics, by X509_V_ERR_…
_CERTIFICATES = {
    9: "is not valid yet",
    10: "has expired",
    **dict.fromkeys((62, 64), "is for another host"),
    **dict.fromkeys((18, 19, 20, 21), "is from an unknown issuer"),
}


class _Watched:
    """What both kinds of connection share. `sock` belongs to the deadline of the request it serves."""

    response_class: Any = BoundedResponse
    guard: Guard | None = None
    deadline: request_deadline.Deadline | None = None
    sock: Any
    timeout: Any

    def _new_conn(self) -> socket.socket:
        deadline: request_deadline.Deadline = request_deadline.current.deadline
        sock = _dial(
            self._dns_host.strip("[]"),  # type: ignore[attr-defined]
            self.port,  # type: ignore[attr-defined]
            min(self.timeout, deadline.seconds_left),
            type(self).guard,
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
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(_CERTIFICATES.get(error.verify_code, "is not valid")) from None
        except (OSError, HTTPError):
            raise OutboundError("The other side could not be reached.", sent=False) from None
        self._belong()

    def request(self, *args: Any, **options: Any) -> None:
        """Send. A pooled connection belongs to this request's deadline from now on."""
        if self.sock is not None:
            self._belong()
        super().request(*args, **options)  # type: ignore[misc]

    def _belong(self) -> None:
        with request_deadline.lock:
            deadline = self.deadline = request_deadline.current.deadline
            deadline.connection, deadline.socket = self, self.sock


class _HTTP(_Watched, HTTPConnection):
    pass


class _HTTPS(_Watched, HTTPSConnection):
    pass


class _GuardedHTTP(_HTTP):
    guard = staticmethod(_public)


class _GuardedHTTPS(_HTTPS):
    guard = staticmethod(_public)


class _ListedHTTP(_HTTP):
    guard = staticmethod(_public_or_listed)


class _ListedHTTPS(_HTTPS):
    guard = staticmethod(_public_or_listed)


def _pools(http: type[HTTPConnection], https: type[HTTPSConnection]) -> dict[str, Any]:
    return {
        "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("_Pool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }


# Kinds of connections. Each has pools of its own, so that none reuses a connection that another one's guard
# would have refused.
OPEN, GUARDED, LISTED = "open", "guarded", "listed"
POOLS = {
    OPEN: _pools(_HTTP, _HTTPS),
    GUARDED: _pools(_GuardedHTTP, _GuardedHTTPS),
    LISTED: _pools(_ListedHTTP, _ListedHTTPS),
}


def read_next(body: Any) -> bytes:
    """What arrived next of urllib3's response, decompressed; b"" at its end. Raises OutboundError."""
    if request_deadline.has_passed():  # what was decompressed is read without the connection
        raise OutboundTimeout("The other side did not answer in time.", sent=True)
    try:
        chunk: bytes = body.read1(_CHUNK_BYTES, decode_content=True)
        return chunk
    except ReadTimeoutError:
        raise OutboundTimeout("The other side did not answer in time.", sent=True) from None
    except (HTTPError, OSError, ValueError) as error:
        raise broken(error) from None


def broken(error: BaseException) -> OutboundError:
    """The error for a response that ended in this one of urllib3's, or in one that holds it."""
    pending, unreadable = [error], False
    while pending:
        found = pending.pop()
        # http.client's own are about lines that are none of HTTP, but for those of a connection that ended
        is_framing = isinstance(found, HTTPException) and not isinstance(found, _ENDED)
        unreadable = unreadable or is_framing or isinstance(found, _UNREADABLE)
        pending.extend(each for each in found.args if isinstance(each, BaseException))
    if unreadable:
        return ResponseUnreadable()
    return OutboundError("The other side broke off.", sent=True)
