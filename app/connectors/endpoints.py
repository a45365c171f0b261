"""Where a service is reached: the real one, an operator's override, or the sandbox.

The connector's code is the same in every case; only these addresses differ. A service whose auth methods are
forms needs no client of ours: without a sandbox it is the real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.config import Settings
from app.connectors import discovered_hosts
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH, TokenRequest


@dataclass(frozen=True)
class Endpoints:
    """The addresses and our client credentials at one service. `sandbox` when it is the imitation.

    `auth_methods` are the keys of those available here, in order. `request_urls` maps the real address of a
    form's request to the one used here.
    """

    base_url: str
    authorize_url: str
    token_url: str
    revoke_url: str | None
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    sandbox: bool
    auth_methods: tuple[str, ...] = (OAUTH,)
    request_urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str | None:
        """Scheme and host of the consent page, for Content-Security-Policy; None without one."""
        parts = urlsplit(self.authorize_url)
        return f"{parts.scheme}://{parts.netloc}" if OAUTH in self.auth_methods else None


def resolve(connector: Connector, settings: Settings) -> Endpoints | None:
    """The service's endpoints, or None without an available auth method: not configured, and no sandbox.

    With `<SLUG>_CLIENT_ID` and `<SLUG>_CLIENT_SECRET` set it is the real service, else the sandbox. One that
    is entered by forms needs no client: saying where it is (`<SLUG>_BASE_URL`) is enough. A service of one
    workspace is always at the addresses it declares.
    """
    if connector.workspace_id is not None:
        return _as_declared(connector, settings)
    client_id, secret = (
        settings.service(connector.slug, "CLIENT_ID"),
        settings.service(connector.slug, "CLIENT_SECRET"),
    )
    configured = bool(client_id and secret)
    named = bool(connector.forms) and settings.service(connector.slug, "BASE_URL") is not None
    # Half of the pair (the other half can no longer be unsealed) must not quietly become the sandbox.
    sandbox = not (client_id or secret or named) and settings.sandbox_url is not None
    auth = connector.auth

    def at(setting: str, url: str) -> str:
        override = settings.service(connector.slug, setting)
        if override:
            return override.rstrip("/") if setting == "BASE_URL" else override
        return in_sandbox(settings.sandbox_url or "", connector.slug, url) if sandbox else url

    def url_of(request: TokenRequest) -> str:
        """Requests to the API's server follow its override: values must reach only the operator's server."""
        base = settings.service(connector.slug, "BASE_URL")
        if (
            base
            and not settings.service(connector.slug, request.setting or "")
            and request.url.startswith(f"{connector.base_url}/")
        ):
            return base.rstrip("/") + request.url.removeprefix(connector.base_url)
        return at(request.setting or "", request.url)

    def is_open(request: TokenRequest) -> bool:
        return (
            sandbox
            or not request.setting_required
            or settings.service(connector.slug, request.setting or "") is not None
        )

    forms = [form for form in connector.forms if all(map(is_open, (*form.requests, *form.renewals)))]
    auth_methods = (*(form.key for form in forms), *((OAUTH,) if auth and (configured or sandbox) else ()))
    if not auth_methods:
        return None
    return Endpoints(
        base_url=at("BASE_URL", connector.base_url),
        authorize_url=at("AUTHORIZE_URL", auth.authorize_url),
        token_url=at("TOKEN_URL", auth.token_url),
        revoke_url=at("REVOKE_URL", auth.revoke_url) if auth.revoke_url else None,
        client_id="sandbox" if sandbox else client_id or "",
        client_secret="sandbox" if sandbox else secret or "",
        redirect_uri=_redirect_uri(connector, settings),
        sandbox=sandbox,
        auth_methods=auth_methods,
        request_urls={
            request.url: url_of(request) for form in forms for request in (*form.requests, *form.renewals)
        },
    )


def allowed_hosts(settings: Settings, connector: Connector) -> frozenset[str]:
    """The hosts an operator allows to receive the service's credential, `<SLUG>_ALLOWED_HOSTS`."""
    if not connector.own_domains:
        return frozenset()
    return discovered_hosts.read_hosts(settings.service(connector.slug, "ALLOWED_HOSTS") or "") or frozenset()


def _as_declared(connector: Connector, settings: Settings) -> Endpoints | None:
    """The endpoints of a service of one workspace.

    Never the sandbox, and never the operator's settings: people of the workspace chose slug and addresses, so
    a setting of that name would send the operator's secret to them.
    """
    auth = connector.auth
    own_client = connector.own_client if auth else None  # without a client yet, connecting obtains one
    client_id, secret = own_client(settings) if own_client else ("", "")
    auth_methods = (*(form.key for form in connector.forms), *((OAUTH,) if own_client else ()))
    if not auth_methods:
        return None
    return Endpoints(
        base_url=connector.base_url,
        authorize_url=auth.authorize_url,
        token_url=auth.token_url,
        revoke_url=auth.revoke_url,
        client_id=client_id,
        client_secret=secret,
        redirect_uri=_redirect_uri(connector, settings),
        sandbox=False,
        auth_methods=auth_methods,
        request_urls={
            request.url: request.url
            for form in connector.forms
            for request in (*form.requests, *form.renewals)
        },
    )


def _redirect_uri(connector: Connector, settings: Settings) -> str:
    return settings.public_url + (connector.auth.redirect_path or f"/integrations/{connector.slug}/callback")


def in_sandbox(sandbox_url: str, slug: str, url: str) -> str:
    """The sandbox's address of a real URL: the host becomes `<sandbox>/<slug>`, the path stays."""
    parts = urlsplit(url)
    return f"{sandbox_url}/{slug}{parts.path}" + (f"?{parts.query}" if parts.query else "")
