"""The operator's settings about services, checked at start: a half-set service must not quietly become the
sandbox.
"""

import ipaddress
from urllib.parse import urlsplit

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.registry import CATALOGUE, CONNECTORS
from app.errors import ConfigError

_ADDRESSES = ("BASE_URL", "AUTHORIZE_URL", "TOKEN_URL", "REVOKE_URL")


def check(settings: Settings) -> None:
    """Raises ConfigError with one sentence that names what is missing or wrong."""
    slugs = [entry.slug for entry in CATALOGUE]
    if settings.require_connector not in {None, "any", *slugs}:
        raise ConfigError(f"REQUIRE_CONNECTOR must be any or one of {', '.join(slugs)}.")
    for slug in slugs:
        given = {name: settings.service(slug, name) for name in ("CLIENT_ID", "CLIENT_SECRET")}
        for name, value in given.items():
            if value is None and any(given.values()):
                raise ConfigError(
                    f"{slug.upper()}_{name} must be set too: a client id and its secret belong together."
                )
        for name in (*_ADDRESSES, *_asked_at(CONNECTORS.get(slug))):
            address = settings.service(slug, name)
            if address and not _is_usable(address, settings):
                raise ConfigError(
                    f"{slug.upper()}_{name} must be an address such as https://api.example.com, with https "
                    "in production."
                )


def _asked_at(connector: Connector | None) -> set[str]:
    """The settings that say where a service's forms are sent."""
    forms = connector.forms if connector else ()
    return {ask.setting for form in forms for ask in (*form.asks, *form.renews) if ask.setting} - set(
        _ADDRESSES
    )


def _is_usable(address: str, settings: Settings) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and (not settings.production or _is_here(parts.hostname))
    )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
