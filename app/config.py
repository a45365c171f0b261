"""Settings, read from the environment once at startup.

A missing or invalid value stops the startup with one sentence that names the setting. `.env.example`
documents every variable.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address, HeaderRegistry
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from email_validator import validate_email

from app import (
    client_settings,
    database_settings,
    exposure,
    firebase_settings,
    key_strength,
    page_settings,
    server_settings,
    tracing_settings,
    url_settings,
)
from app.crypto import KeyRing
from app.errors import ConfigError
from app.page_settings import PageSettings

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
PRODUCT_NAME = "Patchbay"  # the brand, unless the operator gives another
# A web process runs this many times WEB_THREADS. The additional threads do no work of their own: they hold
# calls that wait for their turn.
THREADS_IN_ALL = 3
_GOOGLE_CLIENT = ("GOOGLE_SIGN_IN_CLIENT_ID", "GOOGLE_SIGN_IN_CLIENT_SECRET")


@dataclass(frozen=True)
class Settings:
    """Everything an operator can set. Durations are in seconds."""

    environment: str
    port: int
    instance_dir: Path
    public_url: str
    database_url: str = field(repr=False)
    database_connections: database_settings.Connections
    redis_url: str | None = field(repr=False)
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    vault_keys: KeyRing = field(repr=False)
    mail_url: str | None = field(repr=False)
    mail_from: str
    sandbox_url: str | None
    oauth_token_ttl: int
    oauth_refresh_ttl: int
    mcp_token_ttl: int
    firebase_project_id: str | None
    firebase_certs_url: str
    google_sign_in_client_id: str | None
    google_sign_in_client_secret: str | None = field(repr=False)
    require_connector: str | None
    proxy_count: int
    metrics_token: str | None = field(repr=False)
    debug_tools: bool
    debug_oauth: bool
    log_format: str
    log_level: str
    web_threads: int
    workspace_concurrency: int
    usage_retention_days: int
    brand_name: str
    brand_logo_url: str | None
    brand_accent: str | None
    services: Mapping[str, str] = field(default_factory=dict, repr=False)
    mcp_allowed_origins: frozenset[str] = frozenset()
    # the pinned metadata documents of AI clients, by client id
    client_documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    tracing: tracing_settings.TracingSettings | None = None
    pages: PageSettings = field(default_factory=PageSettings)
    # MCP servers that may be added, by host; None: every public one
    mcp_servers_allowed_hosts: frozenset[str] | None = None
    # hosts of MCP servers that may be on a private network, as host or host:port
    mcp_servers_private_hosts: frozenset[str] = frozenset()

    @property
    def production(self) -> bool:
        """True if ENV=production: no sandbox, no development mailbox, https only."""
        return self.environment == "production"

    @property
    def is_local(self) -> bool:
        """True if PUBLIC_URL leads to this machine or a private network, where people develop."""
        return exposure.is_local_url(self.public_url)

    @property
    def secure(self) -> bool:
        """True if people reach us over https, so cookies can require it."""
        return self.public_url.startswith("https://")

    @property
    def mcp_url(self) -> str:
        """The one address AI clients use; also the audience of every token (RFC 8707)."""
        return self.public_url + "/mcp"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The Host header values we answer to, in lower case."""
        host = urlsplit(self.public_url).netloc.lower()
        if self.production:
            return frozenset({host})
        return frozenset({host, f"localhost:{self.port}", f"127.0.0.1:{self.port}", f"[::1]:{self.port}"})

    def service(self, slug: str, name: str) -> str | None:
        """Return an operator's setting for one service, such as `service("xero", "CLIENT_ID")`, or None."""
        return self.services.get(f"{slug.upper()}_{name}") or None


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings. Raises ConfigError with one sentence naming the variable."""
    environment = environ.get("ENV") or "development"
    if environment not in {"development", "production", "test"}:
        raise ConfigError(f"ENV must be development, test or production, not {environment!r}.")
    production = environment == "production"
    port = _number(environ, "PORT", 8000, 1, 65535)
    sandbox_on = _flag(environ, "SANDBOX", default=not production)
    if production:
        for name in ("SECRET_KEY", "VAULT_KEYS", "PUBLIC_URL"):
            if not environ.get(name):
                raise ConfigError(f"{name} must be set when ENV=production.")
        if sandbox_on:
            raise ConfigError(
                "SANDBOX=1 is refused when ENV=production: the imitated services are for development only."
            )
    brand_name = environ.get("BRAND_NAME") or PRODUCT_NAME
    instance = Path(environ.get("INSTANCE_DIR") or ROOT / "instance").absolute()
    for name in url_settings.SETTINGS:
        if environ.get(name):
            url_settings.parse(name, environ[name], production=production)
    google = {name: environ.get(name) or None for name in _GOOGLE_CLIENT}
    for name, value in google.items():
        if value is None and any(google.values()):
            raise ConfigError(f"{name} must be set too: a client id and its secret belong together.")
    public_url = _public_url(environ.get("PUBLIC_URL") or f"http://localhost:{port}")
    is_local = exposure.is_local_url(public_url)
    if not is_local and not environ.get("ENV"):
        raise ConfigError(
            "ENV must be set when PUBLIC_URL is not on this machine or a private network: ENV=production for "
            "an installation that people use, ENV=development for one that hands out demo data."
        )
    # Whoever reaches it may guess; on a developer's machine a fixed key of a test program will do.
    strict = production or (not is_local and environment != "test")
    web_threads = _number(environ, "WEB_THREADS", 32, 1, 256)
    sandbox_url = (
        (environ.get("SANDBOX_URL") or f"http://localhost:{port + 1}").rstrip("/") if sandbox_on else None
    )
    firebase_project, firebase_certs_url = firebase_settings.read(environ, sandbox_url)
    return Settings(
        environment=environment,
        port=port,
        instance_dir=instance,
        public_url=public_url,
        database_url=database_url(environ.get("DATABASE_URL") or f"sqlite:///{instance / 'patchbay.db'}"),
        database_connections=database_settings.connections(
            environ, _number(environ, "WEB_CONCURRENCY", 2, 1, 64)
        ),
        redis_url=environ.get("REDIS_URL") or None,
        secret_key=_secret_key("SECRET_KEY", environ.get("SECRET_KEY", ""), strict=strict),
        secret_key_fallbacks=tuple(
            _secret_key("SECRET_KEY_FALLBACKS", k, strict=strict)
            for k in environ.get("SECRET_KEY_FALLBACKS", "").split(",")
            if k
        ),
        vault_keys=KeyRing.parse(environ.get("VAULT_KEYS", ""), strict=strict),
        mail_url=environ.get("MAIL_URL") or None,
        mail_from=_mail_from(environ.get("MAIL_FROM", ""), brand_name, public_url),
        sandbox_url=sandbox_url,
        oauth_token_ttl=_number(environ, "OAUTH_TOKEN_TTL", 86_400, 3_600, 31_536_000),
        oauth_refresh_ttl=_number(environ, "OAUTH_REFRESH_TTL", 90 * 86_400, 3_600, 10 * 31_536_000),
        mcp_token_ttl=_number(environ, "MCP_TOKEN_TTL_SECONDS", 86_400, 60, 31_536_000),
        firebase_project_id=firebase_project,
        firebase_certs_url=firebase_certs_url,
        google_sign_in_client_id=google["GOOGLE_SIGN_IN_CLIENT_ID"],
        google_sign_in_client_secret=google["GOOGLE_SIGN_IN_CLIENT_SECRET"],
        require_connector=environ.get("REQUIRE_CONNECTOR") or None,
        proxy_count=_number(environ, "TRUSTED_PROXIES", 0, 0, 5),
        metrics_token=environ.get("METRICS_TOKEN") or None,
        debug_tools=_flag(environ, "DEBUG_TOOLS", default=is_local and not production),
        debug_oauth=_flag(environ, "DEBUG_OAUTH", default=is_local and not production),
        log_format=_choice(environ, "LOG_FORMAT", "text", {"text", "json"}),
        log_level=_choice(environ, "LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"}),
        web_threads=web_threads,
        workspace_concurrency=_number(environ, "WORKSPACE_CONCURRENCY", max(1, web_threads // 2), 1, 256),
        usage_retention_days=_number(environ, "USAGE_RETENTION_DAYS", 90, 1, 3_650),
        brand_name=brand_name,
        brand_logo_url=environ.get("BRAND_LOGO_URL") or None,
        brand_accent=_accent(environ.get("BRAND_ACCENT", "")),
        mcp_allowed_origins=client_settings.allowed_origins(environ.get("MCP_ALLOWED_ORIGINS", "")),
        tracing=tracing_settings.parse(environ),
        client_documents=client_settings.client_documents(environ.get("OAUTH_CLIENT_DOCUMENTS", "")),
        pages=page_settings.read(environ, production=production),
        mcp_servers_allowed_hosts=server_settings.allowed_hosts(environ),
        mcp_servers_private_hosts=server_settings.private_hosts(environ, sandbox_url),
        services={
            k: v
            for k, v in environ.items()
            if re.fullmatch(r"[A-Z]+_[A-Z_]*(CLIENT_ID|CLIENT_SECRET|URL|ALLOWED_HOSTS)", k)
        },
    )


def _number(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").lower()
    if text in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        return default if text == "" else text in {"1", "true", "yes", "on"}
    raise ConfigError(f"{name} must be 1 or 0, not {text!r}.")


def _choice(environ: Mapping[str, str], name: str, default: str, allowed: set[str]) -> str:
    text = environ.get(name) or default
    if text not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(sorted(allowed))}, not {text!r}.")
    return text


def _public_url(text: str) -> str:
    url = url_settings.parse("PUBLIC_URL", text)
    return f"{url.scheme}://{url.netloc}"


def database_url(text: str) -> str:
    """Return the URL with the driver this release uses, for any spelling of PostgreSQL's scheme."""
    scheme, separator, rest = text.partition("://")
    driver = "postgresql+psycopg" if scheme.startswith("postgres") else scheme
    return driver + separator + rest


def _mail_from(text: str, brand_name: str, public_url: str) -> str:
    """The sender: MAIL_FROM, or no-reply at our own host. Raises ConfigError for anything but one address."""
    if not text:
        host = url_settings.parse("PUBLIC_URL", public_url).host
        try:
            host = f"[{'IPv6:' if ipaddress.ip_address(host).version == 6 else ''}{host}]"
        except ValueError:
            pass  # a name
        return str(Address(" ".join(brand_name.split()), "no-reply", host))
    try:
        if not text.isprintable():
            raise ValueError
        header: Any = HeaderRegistry()("From", text)
        [sender] = header.addresses
        checked = validate_email(
            sender.addr_spec,
            check_deliverability=False,
            allow_smtputf8=False,
            allow_domain_literal=True,
            globally_deliverable=False,
        )
    except (ValueError, IndexError, AttributeError):
        raise ConfigError(
            "MAIL_FROM must be one email address, alone or as in Patchbay <hub@example.com>; a name with a "
            "comma needs quotes."
        ) from None
    return str(Address(sender.display_name, addr_spec=checked.ascii_email))


def _secret_key(name: str, text: str, *, strict: bool) -> str:
    # 32 random hexadecimal digits have fewer than 8 distinct ones less than once in 10^7.
    if len(text) < 32 or len(set(text)) < 8 or key_strength.is_guessable_text(text, strict=strict):
        raise ConfigError(
            f"{name} must be at least 32 random characters, not words, sequences or an example; make one "
            "with: openssl rand -base64 48."
        )
    return text


def _accent(text: str) -> str | None:
    if text and not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ConfigError("BRAND_ACCENT must be a colour such as #0f766e.")
    return text or None
