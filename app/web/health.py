"""Is it alive, is it ready, what does it count."""

import functools
import hmac
import ipaddress
import logging
import os

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from sqlalchemy.exc import SQLAlchemyError

from app import database
from app.config import ROOT, Settings
from app.errors import Forbidden, Unavailable

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@bp.get("/health")
def health() -> ResponseReturnValue:
    """Liveness: the process answers."""
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    """Readiness: the database answers, keys are there, migrations are done. 503 with the reason otherwise."""
    checks = {"database": _database(), "migrations": _migrated(), "keys": bool(_settings().vault_keys.ids)}
    return jsonify(status="ready" if all(checks.values()) else "not ready", checks=checks), 200 if all(
        checks.values()
    ) else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus text, for the holder of METRICS_TOKEN or, when there is none, from a private network."""
    settings = _settings()
    if settings.metrics_token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
            raise Forbidden("Metrics need the bearer token set in METRICS_TOKEN.")
    elif not _is_private(request.remote_addr or "") or request.headers.get("X-Forwarded-For"):
        raise Forbidden("Metrics are answered to private addresses only, or set METRICS_TOKEN.")
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = REGISTRY
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings


def _database() -> bool:
    try:
        with database.reading() as db:
            db.connection().exec_driver_sql("SELECT 1")
    except Unavailable:
        return False
    return True


@functools.cache
def _newest_revision() -> str | None:
    """The revision this release needs, read from its files once."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()


def revisions() -> tuple[str | None, str | None]:
    """The migration the database is at (None when that cannot be told), and the one this release needs."""
    try:
        with database.current().engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), _newest_revision()
    except SQLAlchemyError:
        log.warning("the migration state could not be read", exc_info=True)
        return None, _newest_revision()


def _migrated() -> bool:
    present, needed = revisions()
    return present == needed


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
