"""Checks the settings of services at startup: a half-configured one must not quietly become the sandbox."""

from app import url_settings
from app.config import Settings
from app.connectors import discovered_hosts
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
        hosts = settings.service(slug, "ALLOWED_HOSTS")
        if hosts and discovered_hosts.read_hosts(hosts) is None:
            raise ConfigError(
                f"{slug.upper()}_ALLOWED_HOSTS must be host names, comma-separated, such as data.example.com."
            )
        for name in addresses_of(services.find(slug)):
            if address := settings.service(slug, name):
                url_settings.parse(f"{slug.upper()}_{name}", address, production=settings.production)


def addresses_of(connector: Connector | None) -> tuple[str, ...]:
    """The settings that hold URLs of a service, without its slug: those of its forms' requests too."""
    forms = connector.forms if connector else ()
    requests = (request for form in forms for request in (*form.requests, *form.renewals))
    return tuple(dict.fromkeys([*_ADDRESSES, *(request.setting for request in requests if request.setting)]))
