"""Where a service is reached: the real one, an operator's override, or the sandbox.

The connector is the same code in every case; only these addresses differ. A service whose ways in
are forms needs no client of ours: without a sandbox it is the real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH, Ask


@dataclass(frozen=True)
class Endpoints:
    """The addresses and our client credentials at one service. `sandbox` when it is the imitation.

    `ways` are the keys of the ways in that are open here, the first one first; `asks` where their requests
    go, by the real address.
    """

    base_url: str
    authorize_url: str
    token_url: str
    revoke_url: str | None
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    sandbox: bool
    ways: tuple[str, ...] = (OAUTH,)
    asks: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str | None:
        """Scheme and host of the consent page, for Content-Security-Policy; None where nobody is sent to
        one.
        """
        parts = urlsplit(self.authorize_url)
        return f"{parts.scheme}://{parts.netloc}" if OAUTH in self.ways else None


def resolve(connector: Connector, settings: Settings) -> Endpoints | None:
    """The service's endpoints, or None when none of its ways in is open: not configured, and no sandbox.

    With `<SLUG>_CLIENT_ID` and `<SLUG>_CLIENT_SECRET` set it is the real service, else the sandbox. One that
    is entered by forms needs no client: saying where it is (`<SLUG>_BASE_URL`) is enough.
    """
    client_id, secret = (
        settings.service(connector.slug, "CLIENT_ID"),
        settings.service(connector.slug, "CLIENT_SECRET"),
    )
    configured = bool(client_id and secret)
    named = bool(connector.forms) and settings.service(connector.slug, "BASE_URL") is not None
    # With one half of the pair (its other half does not open any more) it must not quietly become the
    # sandbox.
    sandbox = not (client_id or secret or named) and settings.sandbox_url is not None
    auth = connector.auth

    def at(setting: str, url: str) -> str:
        override = settings.service(connector.slug, setting)
        if override:
            return override.rstrip("/") if setting == "BASE_URL" else override
        return in_sandbox(settings.sandbox_url or "", connector.slug, url) if sandbox else url

    def ask_at(ask: Ask) -> str:
        """A request to the API's own server goes along with it: what is filled in must reach no other than
        the operator named.
        """
        base = settings.service(connector.slug, "BASE_URL")
        if (
            base
            and not settings.service(connector.slug, ask.setting or "")
            and ask.url.startswith(f"{connector.base_url}/")
        ):
            return base.rstrip("/") + ask.url.removeprefix(connector.base_url)
        return at(ask.setting or "", ask.url)

    def is_open(ask: Ask) -> bool:
        return (
            sandbox or not ask.must_be_set or settings.service(connector.slug, ask.setting or "") is not None
        )

    forms = [form for form in connector.forms if all(map(is_open, (*form.asks, *form.renews)))]
    ways = (*(form.key for form in forms), *((OAUTH,) if auth and (configured or sandbox) else ()))
    if not ways:
        return None
    return Endpoints(
        base_url=at("BASE_URL", connector.base_url),
        authorize_url=at("AUTHORIZE_URL", auth.authorize_url),
        token_url=at("TOKEN_URL", auth.token_url),
        revoke_url=at("REVOKE_URL", auth.revoke_url) if auth.revoke_url else None,
        client_id="sandbox" if sandbox else client_id or "",
        client_secret="sandbox" if sandbox else secret or "",
        redirect_uri=f"{settings.public_url}/integrations/{connector.slug}/callback",
        sandbox=sandbox,
        ways=ways,
        asks={ask.url: ask_at(ask) for form in forms for ask in (*form.asks, *form.renews)},
    )


def in_sandbox(sandbox_url: str, slug: str, url: str) -> str:
    """The sandbox's address of a real URL: the host becomes `<sandbox>/<slug>`, the path stays."""
    parts = urlsplit(url)
    return f"{sandbox_url}/{slug}{parts.path}" + (f"?{parts.query}" if parts.query else "")
