"""Hosts a service tells us of, such as the instances of one account: which of them may get its credential.

What a person or an AI client types never becomes an address here; what the service itself lists may,
if it is an ordinary https address (and then `outbound` checks that it is on the open internet). In the
sandbox, and where an operator put another server in place of the service, such hosts live on that server.
"""

import ipaddress
from urllib.parse import urlsplit


def is_foreign(url: str, base_url: str) -> bool:
    """Whether the address is on another server than the service's own base."""
    return _origin(url) is None or _origin(url) != _origin(base_url)


def is_acceptable(url: str) -> bool:
    """Whether a credential may go there: https on its usual port, a name with a dot, no user, no query, no
    fragment.
    """
    origin = _origin(url)
    if origin is None:
        return False
    scheme, host, port = origin
    parts = urlsplit(url)
    return (
        scheme == "https"
        and port == 443
        and "." in host
        and not _is_number(host)
        and "@" not in parts.netloc
        and not (parts.query or parts.fragment)
    )


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "\\" in url or not url.isprintable():
        return None
    return parts.scheme, parts.hostname.rstrip("."), port or (443 if parts.scheme == "https" else 80)


def _is_number(host: str) -> bool:
    """True for an IP address in any of its spellings; no public name ends in a number."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x")
    return True
