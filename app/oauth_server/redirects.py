"""Redirect URIs: which may be registered, when one matches, and how pages display them.

RFC 6749 section 3.1.2, RFC 8252 section 7, OAuth 2.1 sections 2.3.1 and 8.4.2.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

# The hosts of the clients we know by name (docs/ai-clients.md). Loopback is never among them: any program may
# listen there.
KNOWN_HOSTS = frozenset(
    {
        "claude.ai",
        "claude.com",
        "chatgpt.com",
        "www.cursor.com",
        "cursor://anysphere.cursor-mcp",
        "vscode.dev",
        "insiders.vscode.dev",
    }
)
_MAX_LENGTH = 2000
_LONGEST_SCHEME = 63
# A private scheme is a domain name of its owner in reverse (RFC 8252 section 7.1), so that no other program
# has it: com.example.app. Any without a dot may belong to the system (search-ms, shell, ldap, jnlp …), which
# runs what is behind it; a list of those would never be complete.
_REVERSE_DOMAIN = re.compile(r"[a-z]{2,24}(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_OF_THE_SYSTEM = (
    "microsoft.",
    "windows.",
    "apple.",
    "com.apple.",
    "com.microsoft.",
)  # microsoft.windows.camera
# The schemes without a dot of apps that are known to connect to MCP servers.
_APPS = frozenset(
    """antigravity cherrystudio claude cursor goose insomnia jan kiro lmstudio obsidian postman raycast trae
    vscode vscode-insiders vscodium warp windsurf windsurf-insiders windsurf-next zed""".split()  # noqa: SIM905
)


def is_acceptable(uri: object) -> bool:
    """True for a URI that a client may register: https, http on loopback, or an app's own scheme, which is a
    reverse domain name or a known app's.

    No fragment, user information, dot segments, backslashes, spaces or control characters.
    """
    parts = _parts(uri)
    if parts is None:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname) and _has_sane_host(parts)
    if parts.scheme == "http":
        return is_loopback(parts)
    return _is_of_an_app(parts.scheme) and bool(parts.netloc or parts.path.strip("/"))


def _is_of_an_app(scheme: str) -> bool:
    return scheme in _APPS or (
        len(scheme) <= _LONGEST_SCHEME
        and _REVERSE_DOMAIN.fullmatch(scheme) is not None
        and not scheme.startswith(_OF_THE_SYSTEM)
    )


def matches(registered: Iterable[str], requested: str) -> bool:
    """True when `requested` equals a registered URI exactly, except for the port of a loopback URI, and for
    the slash that stands for its empty path.
    """
    parts = _parts(requested)
    return (
        parts is not None
        and is_acceptable(requested)  # also of clients that registered under older rules
        and any(requested == uri or _same_loopback(uri, parts) for uri in registered)
    )


def is_same(one: str, other: str) -> bool:
    """True for equal URIs, and for two spellings of one loopback URI: with the slash of the empty path, or
    without.
    """
    if one == other:
        return True
    first, second = _parts(one), _parts(other)
    return (
        first is not None
        and second is not None
        and first.netloc == second.netloc
        and _same_loopback(one, second)
    )


def is_loopback(parts: SplitResult) -> bool:
    """True for `localhost` and the loopback addresses."""
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(uri: str) -> str:
    """What pages display and what a consent is stored for: the host, or an app's scheme with its host.

    Omits a loopback port, which changes with every start.
    """
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"}:
        return (parts.hostname or "") if is_loopback(parts) else parts.netloc.lower()
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def is_known(uri: str) -> bool:
    """True when the URI leads to a client we know by name."""
    parts = urlsplit(uri)
    return parts.scheme != "http" and host_of(uri) in KNOWN_HOSTS


def is_local(uri: str) -> bool:
    """True when the URI leads to a program on the person's own computer, which nobody can vouch for."""
    return urlsplit(uri).scheme != "https"


def form_target(uri: str) -> str:
    """The URI as a source for the page's `form-action`: an origin, or a scheme where CSP cannot say more."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:"
    return f"{parts.scheme}:" if ":" in (parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"


def _parts(uri: object) -> SplitResult | None:
    """The parts of a URI without parser tricks, or None."""
    if (
        not isinstance(uri, str)
        or not 0 < len(uri) <= _MAX_LENGTH
        or not uri.isascii()
        or any(c <= " " or c in '\\"<>`{}|^\x7f' for c in uri)
    ):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return None
    if not uri.startswith(f"{parts.scheme}:") or "#" in uri or "@" in parts.netloc:
        return None
    segments = re.sub("%2e", ".", parts.path, flags=re.IGNORECASE).split("/")
    return None if "." in segments or ".." in segments else parts


def _has_sane_host(parts: SplitResult) -> bool:
    """A host name or address as CSP and people can read it."""
    host = parts.hostname or ""
    return (
        parts.netloc == parts.netloc.lower() and re.fullmatch(r"[a-z0-9.\-]+|[0-9a-f:.]+", host) is not None
    )


def _same_loopback(registered: str, requested: SplitResult) -> bool:
    """RFC 8252 section 7.3: any port, but the same host string, path and query.

    An empty path is "/" (RFC 3986 section 6.2.3): Visual Studio Code registers one form and sends the other.
    """
    known = _parts(registered)
    return (
        known is not None
        and known.scheme == requested.scheme == "http"
        and is_loopback(known)
        and known.hostname == requested.hostname
        and (known.path or "/", known.query) == (requested.path or "/", requested.query)
    )
