"""Builds the application. The only module that imports every package."""

import importlib
import logging
from datetime import timedelta

from flask import Flask, g, request
from sqlalchemy.orm import configure_mappers
from werkzeug.middleware.proxy_fix import ProxyFix

from app import (
    audit,
    config,
    database,
    database_clock,
    environment,
    logs,
    outbound,
    tracing,
)
from app.admin import live_settings
from app.config import ROOT, VERSION, Settings
from app.connectors import configuration
from app.connectors.services import services_of
from app.mail import Mailer
from app.outbound import guarded_http
from app.usage import ledger
from app.web import (
    command_errors,
    compression,
    csrf,
    fragments,
    headers,
    health,
    limits,
    look,
    problems,
    times,
)
from app.web.form_cookie import FormCookie

log = logging.getLogger(__name__)

# Every module with tables, for migrations and tests.
MODELS = (
    "app.audit",
    "app.jobs.models",
    "app.accounts.models",
    "app.workspaces.models",
    "app.vault.models",
    "app.oauth_server.models",
    "app.memory.models",
    "app.hub.models",
    "app.federation.models",
    "app.usage.models",
    "app.mcp_server.models",
    "app.mcp_server.protocol.models",
    "app.team.models",
    "app.account_settings.models",
    "app.activity.models",
    "app.approvals.models",
    "app.notifications.models",
    "app.webhooks.models",
    "app.identity_exchange.models",
    "app.onboarding.models",
    "app.admin.models",
)
# Packages with pages or endpoints, and packages with commands.
ROUTES = (
    "app.accounts.routes",
    "app.workspaces.routes",
    "app.oauth_server.routes",
    "app.memory.routes",
    "app.hub.routes",
    "app.federation.routes",
    "app.mcp_server.routes",
    "app.team.routes",
    "app.account_settings.routes",
    "app.usage.routes",
    "app.activity.routes",
    "app.approvals.routes",
    "app.notifications.routes",
    "app.webhooks.routes",
    "app.identity_exchange.routes",
    "app.onboarding.routes",
    "app.clients.routes",
    "app.connection_pages.routes",
    "app.admin.routes",
    "app.pages.routes",
)
COMMANDS = (
    "app.accounts.commands",
    "app.connectors.commands",
    "app.vault.commands",
    "app.identity_exchange.commands",
    "app.usage.commands",
    "app.activity.commands",
    "app.notifications.commands",
    "app.backup.commands",
    "app.webhooks.commands",
    "app.demo.commands",
)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the whole application. Raises ConfigError if a setting is missing or invalid."""
    settings = settings or config.load(environment.read())
    configuration.check(settings)
    settings = live_settings.over(settings)
    logs.configure(settings.log_format, settings.log_level)
    app = Flask(
        "app",
        root_path=str(ROOT / "app"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.extensions["patchbay"] = settings
    app.extensions["mailer"] = Mailer(
        settings.mail_url,
        settings.mail_from,
        None if settings.production else settings.instance_dir / "mailbox.jsonl",
    )
    _configure(app, settings)
    import_models()
    tracing.configure(settings.tracing, outbound.post)
    guarded_http.allow_private(settings.mcp_servers_private_hosts)
    database.bind(settings.database_url, pool_size=_pool_size(settings))
    database_clock.measure()
    audit.bind(settings)
    ledger.bind(settings)
    fragments.htmx.init_app(app)
    for part in (compression, headers, csrf, limits, look, times):
        part.install(app, settings)
    problems.install(app)
    app.register_blueprint(health.bp)
    for name in (*ROUTES, *COMMANDS):
        importlib.import_module(name).install(app, settings)
    command_errors.install(app, settings)  # last: it holds for every command registered above
    if settings.proxy_count:
        n = settings.proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    log.debug("started, version %s", VERSION)
    if settings.production and settings.mail_url is None:
        log.warning(
            "MAIL_URL is not set: no mail is sent, so nobody can create an account or sign in by a mailed "
            "code. Set it."
        )
    return app


def _pool_size(settings: Settings) -> int:
    """A SQLite file has no limit of its own: a connection for each thread."""
    is_sqlite = settings.database_url.startswith("sqlite")
    return settings.web_threads if is_sqlite else settings.database_connections.of_process


def import_models() -> None:
    """Import every table, for complete metadata, and configure the mappers before threads use them."""
    for name in MODELS:
        importlib.import_module(name)
    configure_mappers()


def import_all() -> None:
    """Import the whole application, for processes that are forked from this one: they share it in memory, and
    need not do it again each.
    """
    import_models()
    for name in (*ROUTES, *COMMANDS, "app.background"):
        importlib.import_module(name)


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        SESSION_COOKIE_NAME="__Host-form" if settings.secure else "form",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=1),
        TESTING=settings.environment == "test",
        PROPAGATE_EXCEPTIONS=False,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.session_interface = FormCookie()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        brand=settings.brand_name, settings=settings, version=VERSION, catalogue=services_of(None).catalogue
    )

    @app.before_request
    def _start() -> None:
        g.correlation_id = logs.begin_request(request.headers.get("X-Request-Id", ""))

    @app.after_request
    def _name(response):  # type: ignore[no-untyped-def]
        response.headers["X-Request-Id"] = g.get("correlation_id", "-")
        return response
