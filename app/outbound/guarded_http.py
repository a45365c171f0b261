"""Sockets for `connections`: name look-up and connecting, within the request's deadline.

The name look-up of urllib3 has no limit; here it belongs to the deadline. A guarded socket goes to addresses
that were checked, not to whatever the name resolves to a moment later.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from app import threads
from app.outbound.errors import (
    AddressRefused,
    HostUnknown,
    OutboundError,
    OutboundTimeout,
)
from app.outbound.public_addresses import is_public

_LOOKUP_THREADS = 16
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


def connected_socket(
    host: str, port: int, seconds: float, guard: Guard | None, options: Any
) -> socket.socket:
    """Return a connected socket, trying each address in turn, within `seconds` in total.

    Raises OutboundTimeout, HostUnknown, AddressRefused, or OutboundError if nobody accepts.
    """
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


# Kinds of connections, by what they allow. Each has connections of its own (`connections.Pools`).
OPEN, GUARDED, LISTED = "open", "guarded", "listed"
GUARDS: dict[str, Guard | None] = {OPEN: None, GUARDED: _public, LISTED: _public_or_listed}
