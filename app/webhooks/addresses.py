"""Which URLs may receive events. The same rules hold when a URL is saved and when it is used."""

import ipaddress
import re
from urllib.parse import urlsplit

from app import outbound
from app.config import Settings
from app.errors import InvalidInput
from app.webhooks.models import LONGEST_URL

_PORTS = {None, 443, 8443}
_LOOKUP_SECONDS = 3.0
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Names that never lead to a public server (RFC 6761, RFC 6762, RFC 8375, and what networks use inside).
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet")

NOT_PUBLIC = "This URL doesn't lead to a public server. Enter the public https URL of your receiver."


def check(settings: Settings, text: str) -> str:
    """Return the URL, ready to be saved. Raises InvalidInput with what to change.

    Looks the host up, so call it outside a transaction.
    """
    url = text.strip()
    check_form(settings, url)
    if not is_local(settings, url):
        parts = urlsplit(url)
        try:
            outbound.check_public(parts.hostname or "", parts.port or 443, _LOOKUP_SECONDS)
        except outbound.AddressRefused:
            raise InvalidInput(NOT_PUBLIC) from None
        except outbound.OutboundError:
            # A machine of a developer may be offline. Elsewhere this must read like a private address: the
            # difference would say which names exist inside.
            if settings.production or not settings.is_local:
                raise InvalidInput(NOT_PUBLIC) from None
    return url


def check_form(settings: Settings, url: str) -> None:
    """Check all that needs no look-up. Raises InvalidInput with what to change."""
    if not url:
        raise InvalidInput("Enter the URL that receives the events.")
    if len(url) > LONGEST_URL:
        raise InvalidInput(f"A URL has at most {LONGEST_URL:,} characters.")
    if not url.isascii() or not url.isprintable() or re.search(r'[\s\\"<>^`{|}]', url):
        raise InvalidInput(
            "The URL contains a character that is not allowed there. Write it percent-encoded."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInput("This is not a valid URL. It looks like https://example.com/webhooks.") from None
    if is_local(settings, url):
        return
    if parts.scheme != "https":
        raise InvalidInput("The URL must start with https://.")
    if "@" in parts.netloc:
        raise InvalidInput("The URL must not contain a user name or password. Verify the signature instead.")
    if parts.fragment or url.endswith("#"):
        raise InvalidInput("The URL must not have a part after #.")
    if not host or parts.netloc.endswith(":"):
        raise InvalidInput("This is not a valid URL. It looks like https://example.com/webhooks.")
    if port not in _PORTS:
        raise InvalidInput("The URL must use port 443 or 8443.")
    if not _may_be_public(host):
        raise InvalidInput(NOT_PUBLIC)


def is_local(settings: Settings, url: str) -> bool:
    """Whether it is an address of this machine on a developer's own installation, where any will do.

    One that strangers reach, whatever its ENV, must not send them to this machine's services.
    """
    if settings.production or not settings.is_local:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.fragment:
            return False
        return parts.port != 0 and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Host and port, which name an endpoint. The rest of a URL may hold a secret."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _may_be_public(host: str) -> bool:
    """A public IP address, or a name with a dot. No shortened or hexadecimal form of an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        labels = name.split(".")
        return (
            len(labels) > 1
            and len(name) <= 253
            and all(map(_LABEL.fullmatch, labels))
            and not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1])
            and not name.endswith(_PRIVATE_ENDINGS)
        )
    return outbound.is_public(host)
