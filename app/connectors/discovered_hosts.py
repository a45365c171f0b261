"""Hosts a service itself lists, such as the instances of an account: which may receive its credential.

A customer of the service may have named such a host, so where a credential opens more than that host, it goes
only to the service's own domain and to the hosts an operator allows.

Nothing a person or an AI client types becomes an address here. A listed host may, if it is an ordinary https
address; `outbound` then checks that it is on the public internet. In the sandbox, and where an operator
replaced the service by another server, such hosts are on that server.
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def is_foreign(url: str, base_url: str) -> bool:
    """Whether the address is on another server than the service's base URL."""
    return _origin(url) is None or _origin(url) != _origin(base_url)


def is_acceptable(url: str) -> bool:
    """Whether it may receive a credential: https, port 443, a name with a dot, no user, query or fragment."""
    origin = _origin(url)
    if origin is None:
        return False
    scheme, host, port = origin
    parts = urlsplit(url)
    return (
        scheme == "https"
        and port == 443
        and _NAME.fullmatch(host) is not None
        and not _is_number(host)
        and "@" not in parts.netloc
        and not (parts.query or parts.fragment)
    )


def may_receive_credential(
    url: str, base_url: str, domains: Collection[str] = (), allowed: Collection[str] = ()
) -> bool:
    """Whether a listed address may receive the credential of the service at `base_url`.

    `domains` are those under which all hosts are the service's own; without any, every public host is.
    `allowed` are further hosts, by their exact names.
    """
    if not is_foreign(url, base_url):
        return True
    origin = _origin(url)
    if origin is None or not is_acceptable(url):
        return False
    host = origin[1]
    return not domains or host in allowed or any(host.endswith(f".{domain}") for domain in domains)


def read_hosts(text: str) -> frozenset[str] | None:
    """The host names in an operator's comma-separated list; None if one is no host name with a dot."""
    names = [part.strip().lower().rstrip(".") for part in text.split(",") if part.strip()]
    return frozenset(names) if all(_NAME.fullmatch(n) and not _is_number(n) for n in names) else None


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or re.search(r"[\s\\]", url)
        or not url.isprintable()
    ):
        return None
    return parts.scheme, parts.hostname.rstrip("."), port or (443 if parts.scheme == "https" else 80)


def _is_number(host: str) -> bool:
    """Whether it is an IP address in any notation; no public name ends in a number."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x")
    return True
