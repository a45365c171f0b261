"""Checks the settings of services at startup: a half-configured one must not quietly become the sandbox."""

import ipaddress

from app.config import Settings, split_address
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import ConfigError

_ADDRESSES = ("BASE_URL", "AUTHORIZE_URL", "TOKEN_URL", "REVOKE_URL")


def check(settings: Settings) -> None:
    """Raises ConfigError with one sentence that names the missing or wrong setting."""
    services = services_of(None)
    slugs = [entry.slug for entry in services.catalogue]
    if settings.require_connector not in {None, "any", *slugs}:
        raise ConfigError(f"REQUIRE_CONNECTOR must be any or one of {', '.join(slugs)}.")
    for slug in slugs:
        given = {name: settings.service(slug, name) for name in ("CLIENT_ID", "CLIENT_SECRET")}
        for name, value in given.items():
            if value is None and any(given.values()):
                raise ConfigError(
                    f"{slug.upper()}_{name} must be set too: a client id and its secret belong together."
                )
        for name in (*_ADDRESSES, *_request_settings(services.find(slug))):
            address = settings.service(slug, name)
            if address and not _is_usable(address, settings):
                raise ConfigError(
                    f"{slug.upper()}_{name} must be an address such as https://api.example.com, with https "
                    "in production."
                )


def _request_settings(connector: Connector | None) -> set[str]:
    """The settings for the addresses a service's forms are sent to."""
    forms = connector.forms if connector else ()
    return {
        request.setting for form in forms for request in (*form.requests, *form.renewals) if request.setting
    } - set(_ADDRESSES)


def _is_usable(address: str, settings: Settings) -> bool:
    parts = split_address(address)
    return (
        parts is not None
        and not parts.fragment
        and (parts.scheme == "https" or not settings.production or _is_here(parts.hostname or ""))
    )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
