"""Limits how often others can make us fetch something from a host they name: metadata documents and keys.

Counted per source (R9), so that one sender cannot use up what everybody's first sign-in needs. The last third
of what this process fetches is kept for sources that have fetched nothing within the minute.
"""

import ipaddress
import threading
import time
from collections import deque

from flask import has_request_context, request

_SECONDS = 60
_PER_SOURCE = 20
_PER_SOURCE_AND_HOST = 6
_PER_HOST = 60
_IN_ALL = 300
_FOR_NEWCOMERS = 3  # one in so many

_fetches: dict[tuple[str, str], deque[float]] = {}
_lock = threading.Lock()


def may_fetch(host: str) -> bool:
    """True when the sender of the current request may make us fetch from `host` now; it then counts."""
    source, moment = _source(), time.monotonic()
    limits = {
        (source, host): _PER_SOURCE_AND_HOST,
        (source, ""): _PER_SOURCE,
        ("", host): _PER_HOST,
        ("", ""): _IN_ALL,
    }
    with _lock:
        _forget_before(moment - _SECONDS)
        used = {key: len(_fetches.get(key, ())) for key in limits}
        for key, most in limits.items():
            is_shared = not key[0]
            room = most if not is_shared or not used[source, ""] else most - most // _FOR_NEWCOMERS
            if used[key] >= room:
                return False
        for key in limits:
            _fetches.setdefault(key, deque()).append(moment)
    return True


def forget() -> None:
    """Start counting anew, for tests."""
    with _lock:
        _fetches.clear()


def _forget_before(moment: float) -> None:
    for key, times in list(_fetches.items()):
        while times and times[0] < moment:
            times.popleft()
        if not times:
            del _fetches[key]


def _source() -> str:
    """The sender's address; of IPv6 its network, because a sender has all addresses in it."""
    address = (request.remote_addr or "") if has_request_context() else ""
    try:
        version6 = ipaddress.IPv6Address(address)
    except ValueError:
        return address or "-"
    return str(version6.ipv4_mapped or ipaddress.ip_network((int(version6), 64), strict=False))
