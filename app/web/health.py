"""Health endpoints: liveness, readiness and metrics."""

import hmac
import logging

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from app import database, exposure, logs, migration_state
from app.errors import Forbidden, Unavailable
from app.metrics import exposition
from app.web import current

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@bp.get("/health")
def health() -> ResponseReturnValue:
    """Liveness: the process responds."""
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    """Readiness: the database responds, keys are set, migrations are applied. 503 with the checks if not."""
    checks = {
        "database": _database(),
        "migrations": _migrated(),
        "keys": _keys_open(),
    }
    if all(checks.values()):
        return jsonify(status="ready", checks=checks)
    return jsonify(status="not ready", checks=checks), 503, {"Retry-After": "5"}


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus text: with METRICS_TOKEN for its holder from anywhere, without it for this machine only."""
    settings = current.settings()
    if settings.metrics_token:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(token.encode(), settings.metrics_token.encode()):
            raise Forbidden("Metrics need the bearer token set in METRICS_TOKEN.")
    elif not exposure.comes_from_this_machine(request.environ):
        raise Forbidden(
            "Without METRICS_TOKEN, metrics are answered to this machine only, not through a proxy. Set "
            "METRICS_TOKEN and send it as a bearer token."
        )
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        with database.reading() as db:
            db.connection().exec_driver_sql("SELECT 1")
    except Unavailable:
        return False
    return True


def _keys_open() -> bool:
    """Whether VAULT_KEYS opens what this database holds (`app.vault.key_proofs`), if it can be read."""
    try:
        return not current_app.extensions["vault_problem"]()
    except (Unavailable, SQLAlchemyError):  # away, or not migrated yet: the other checks say so
        return True


def revisions() -> tuple[str | None, str]:
    """Return the migration of the database (None if it cannot be read), and the one this release needs."""
    needed = migration_state.newest_revision()
    try:
        with database.current().engine.connect() as connection:
            return migration_state.revision_of(connection), needed
    except SQLAlchemyError as error:
        logs.unavailable(log, "the migration state could not be read", error)
        return None, needed


def _migrated() -> bool:
    present, needed = revisions()
    return present == needed
