"""Which addresses may be used: the one a person types, and those that a server's documents name.

https only; http for a host that the operator listed (`MCP_SERVERS_PRIVATE_HOSTS`). Every request is guarded
again when it is sent (`outbound`): a name may resolve to something else by then.
"""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from app import outbound
from app.config import Settings
from app.connectors.rows import plain
from app.errors import InvalidInput

_LONGEST = 2000
_LOOKUP_SECONDS = 5.0
# A user name is refused with a sentence of its own. Other characters mean something where an address is
# written down, such as the semicolon in a content security policy.
_NETLOC = re.compile(r"(?:[^@]*@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_USUAL_PORTS = {"https": 443, "http": 80}
_SECRET_NAME = re.compile(
    r"(^|[_.-])(api_?key|key|token|secret|auth|authorization|password|pwd|sig)($|[_.-])"
)
_TOKEN_LIKE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_.~+/=-]{24,}")


class AddressInvalid(InvalidInput):
    """What was typed is not an address that an MCP server can be added by."""

    code = "ADDRESS_INVALID"
    message = (
        "This is not a web address. Paste the server's address from its documentation, such as "
        "https://mcp.example.com/mcp."
    )


class HostNotAllowed(InvalidInput):
    """The operator's list does not contain the host."""

    code = "HOST_NOT_ALLOWED"


class DiscoveredAddressRefused(InvalidInput):
    """A document of the server names an address that must not be used."""

    code = "ADDRESS_REFUSED"


def read_typed(settings: Settings, text: str) -> str:
    """The address in its canonical form: scheme and host in lower case, no default port, no lone slash.

    Without a scheme it counts as https. Raises AddressInvalid or HostNotAllowed.
    """
    typed = text.strip()
    if typed and "://" not in typed and not re.match(r"[a-z][a-z0-9+-]*:(?!\d)", typed, re.IGNORECASE):
        typed = f"https://{typed}"
    if len(typed) > _LONGEST:
        raise AddressInvalid("This address is too long. Check what you pasted.")
    parts = _parts(typed)
    if parts is None or parts.scheme not in _USUAL_PORTS:
        raise AddressInvalid()
    if "@" in parts.netloc:
        raise AddressInvalid(
            "This address contains a user name or password. Remove everything before the @. If the server "
            "needs a key, enter it in the next step."
        )
    if parts.fragment or typed.endswith("#"):
        raise AddressInvalid(
            "Remove the part of the address that begins with #: it is never sent to the server."
        )
    if _has_secret(parts.query):
        raise AddressInvalid(
            "This address contains a key. Addresses are displayed and logged, so remove everything after the "
            "question mark and enter the key in the next step instead."
        )
    host, port = _host_of(parts.hostname or ""), parts.port
    if parts.scheme == "http" and not _is_listed(settings, host, port or 80):
        raise AddressInvalid(
            "This address begins with http://, so others could read what is sent there. Use the https:// "
            "address."
        )
    netloc = (f"[{host}]" if ":" in host else host) + (
        "" if port in {None, _USUAL_PORTS[parts.scheme]} else f":{port}"
    )
    check_allowed(settings, host, port or _USUAL_PORTS[parts.scheme])
    return urlunsplit((parts.scheme, netloc, "" if parts.path == "/" else parts.path, parts.query, ""))


def check_allowed(settings: Settings, host: str, port: int) -> None:
    """Raises HostNotAllowed unless the operator's list has the host, or there is no list."""
    allowed = settings.mcp_servers_allowed_hosts
    if allowed is None or host in allowed or f"{host}:{port}" in allowed:
        return
    if any(entry.startswith("*.") and host.endswith(entry[1:]) for entry in allowed):
        return
    if not allowed:
        raise HostNotAllowed("This installation doesn't allow adding MCP servers. Ask its operator.")
    raise HostNotAllowed(
        "This installation allows only certain MCP servers, and this one isn't among them. Ask its operator "
        "to add the host to MCP_SERVERS_ALLOWED_HOSTS."
    )


def check_discovered(settings: Settings, address: object, what: str) -> str:
    """An address that a document of the server names, once it may be used: https, public or listed, without
    user info or fragment.

    `what` names it in the sentence, such as "the sign-in page". Raises DiscoveredAddressRefused.
    """
    parts = _parts(address) if isinstance(address, str) and len(address) <= _LONGEST else None
    if parts is None or not isinstance(address, str):
        raise _refused(address, what, "is not a web address")
    host = _host_of(parts.hostname or "")
    port = parts.port or _USUAL_PORTS.get(parts.scheme, 0)
    listed = _is_listed(settings, host, port)
    if parts.scheme != "https" and not (parts.scheme == "http" and listed):
        raise _refused(address, what, "doesn't begin with https://")
    if "@" in parts.netloc or parts.fragment or address.endswith("#"):
        raise _refused(address, what, "contains a user name or a part after #")
    if not listed:
        _check_public(address, what, host, port)
    return address


def _check_public(address: str, what: str, host: str, port: int) -> None:
    try:
        outbound.check_public(host, port, _LOOKUP_SECONDS)
    except outbound.AddressRefused:
        raise _refused(address, what, "is on a private network") from None
    except outbound.OutboundError:
        raise _refused(address, what, "can't be found") from None


def _refused(address: object, what: str, why: str) -> DiscoveredAddressRefused:
    return DiscoveredAddressRefused(
        f"The address that the server gives for {what} {why}, so it can't be used. Contact whoever runs the "
        "server.",
        details={"address": str(plain(str(address)))[:300]},
    )


def _parts(address: str) -> SplitResult | None:
    """The parts of a plain address, or None if two readers could take it for different ones."""
    if not address.isascii() or not address.isprintable() or re.search(r"[\s\\<>\"]", address):
        return None
    try:
        parts = urlsplit(address)
        usable = bool(_NETLOC.fullmatch(parts.netloc)) and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _host_of(host: str) -> str:
    return host.lower().rstrip(".")


def _is_listed(settings: Settings, host: str, port: int) -> bool:
    hosts = settings.mcp_servers_private_hosts
    bracketed = f"[{host}]" if ":" in host else host
    return bool({host, bracketed, f"{bracketed}:{port}"} & hosts)


def _has_secret(query: str) -> bool:
    return any(
        _SECRET_NAME.search(name.lower()) or _TOKEN_LIKE.fullmatch(value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if value
    )
