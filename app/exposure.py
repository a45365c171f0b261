"""Who can reach the installation: whether an address leads to this machine, to a private network or to the
internet, and whether a request came from this machine itself.

What helps a developer (the development mailbox, debug tools) hands out codes and tokens' states, so it exists
only where both are local.
"""

import functools
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# Names no public DNS server answers for: RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".intranet", ".corp")
# What proxies, tunnels and load balancers add. Every header of the two families counts, known or not.
_PROXY_HEADERS = frozenset(
    """forwarded via x-real-ip x-client-ip x-cluster-client-ip x-proxyuser-ip x-remote-ip x-remote-addr
    x-remote-host true-client-ip client-ip cdn-loop fastly-client-ip fly-client-ip x-appengine-user-ip
    x-cloud-trace-context x-coming-from x-ms-proxy x-rewrite-url x-url-scheme front-end-https
    x-nf-client-connection-ip x-request-start x-scheme x-host proxy proxy-connection tailscale-user-login
    ngrok-auth-user-email""".split()  # noqa: SIM905
)
_PROXY_FAMILIES = (
    *("x-forwarded", "x-original-", "x-real-", "x-envoy-", "x-amzn-", "x-arr-", "x-azure-", "x-vercel-"),
    *("cf-", "wl-proxy-", "x-tunnel-"),
)
# The forwarding headers that say where a request came from: behind them, one address stands for everybody.
_FORWARDING = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


@functools.lru_cache(maxsize=256)  # the same few hosts in every request, as in the functions below
def is_local_host(host: str) -> bool:
    """True for a host on this machine or in a private network: a loopback, private or link-local address, a
    name without a dot, or one under a suffix that public DNS never answers for.
    """
    name = host.lower().rstrip(".")
    if (ip := _address(name)) is not None:
        return not ip.is_global
    return bool(name) and ("." not in name or name.endswith(_PRIVATE_SUFFIXES))


def is_local_url(url: str) -> bool:
    """Whether a URL leads to a host on this machine or in a private network."""
    return is_local_host(urlsplit(url).hostname or "")


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself, brackets and zone or not."""
    name = host.lower().rstrip(".")
    if (ip := _address(name)) is not None:
        return ip.is_loopback
    return name == "localhost" or name.endswith(".localhost")


def peer_of(environ: Mapping[str, Any]) -> str:
    """The address at the other end of a request's socket, whatever forwarding headers say."""
    original = environ.get("werkzeug.proxy_fix.orig") or environ
    return str(original.get("REMOTE_ADDR") or "")


def came_through_proxy(environ: Mapping[str, Any]) -> bool:
    """Whether a request shows a sign of a proxy or tunnel: one of its headers, or HTTP/1.0, which nginx
    speaks by default to what is behind it and no browser does.
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return True
    return any(map(_is_of_proxy, environ))


@functools.lru_cache(maxsize=256)
def _is_of_proxy(key: str) -> bool:
    name = _header_name(key)
    return name in _PROXY_HEADERS or name.startswith(_PROXY_FAMILIES)


def comes_from_this_machine(environ: Mapping[str, Any]) -> bool:
    """Whether a request was sent by a program on this machine, to this machine by name, without a proxy."""
    return (
        is_loopback(peer_of(environ)) and not came_through_proxy(environ) and is_local_host(_host_of(environ))
    )


def shows_untrusted_proxy(environ: Mapping[str, Any]) -> bool:
    """Whether a peer on this machine or in a private network forwards for others."""
    if not any(name in environ for name in _FORWARDING):
        return False
    peer = _address(peer_of(environ))
    return peer is not None and not peer.is_global


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address, without brackets and zone; the IPv4 one that an IPv6 one carries. None for a name."""
    try:
        ip = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _host_of(environ: Mapping[str, Any]) -> str:
    original = environ.get("werkzeug.proxy_fix.orig") or environ
    authority = str(original.get("HTTP_HOST") or "")
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _header_name(key: str) -> str:
    """The name of the header under this key of a WSGI environment, or "" for another kind of key."""
    return key[5:].lower().replace("_", "-") if key.startswith("HTTP_") else ""
