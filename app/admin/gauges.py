"""The gauges at /metrics that are read from the database: each group costs one query in a few seconds."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select, text
from sqlmodel import col

from app import clock, metrics
from app.approvals import models
from app.approvals.models import Approval
from app.connectors.services import services_of
from app.database import reading
from app.errors import Unavailable
from app.jobs import leases
from app.notifications import mail_health
from app.vault import connection_log
from app.vault.models import Connection

_STATES = ("connected", "suspended", "reconnect_needed")


def install() -> None:
    """Register the collectors, and begin the series of each service at zero."""
    metrics.start_at_zero((each.slug for each in services_of(None)), connection_log.OUTCOMES)
    metrics.add_collector("database", _database)
    metrics.add_collector("connections", _connections)
    metrics.add_collector("approvals", _approvals)
    metrics.add_collector("notices", _notices)
    metrics.add_collector("jobs", _jobs)


def _database() -> Iterator[Metric]:
    try:
        with reading() as db:
            db.execute(text("SELECT 1"))
        is_up = 1
    except Unavailable:
        is_up = 0
    yield GaugeMetricFamily("patchbay_database_up", "1 if the database answers, else 0.", value=is_up)


def _connections() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "patchbay_connections",
        "Connections by service and state: connected, suspended or reconnect_needed.",
        labels=["service", "state"],
    )
    suspended = col(Connection.try_again_at).is_not(None)
    columns = (col(Connection.slug), col(Connection.state), suspended)
    with reading() as db:
        found = db.execute(select(*columns, func.count()).group_by(*columns)).all()
    installed = services_of(None)
    counts = Counter({(each.slug, state): 0 for each in installed for state in _STATES})
    for slug, state, may_recover, count in found:
        name = slug if installed.find(slug) else "custom"
        counts[name, "suspended" if may_recover and state != "connected" else state] += count
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    yield family


def _approvals() -> Iterator[Metric]:
    now = clock.now()
    waiting = select(func.count(), func.min(col(Approval.created_at))).where(
        col(Approval.state) == models.WAITING, col(Approval.until) > now
    )
    with reading() as db:
        count, oldest = db.execute(waiting).one()
    yield GaugeMetricFamily("patchbay_approvals_waiting", "Writes that wait for an approval.", value=count)
    yield GaugeMetricFamily(
        "patchbay_approvals_oldest_seconds",
        "How long the oldest of them has waited.",
        value=(now - oldest).total_seconds() if oldest else 0,
    )


def _notices() -> Iterator[Metric]:
    state = mail_health.present()
    yield GaugeMetricFamily(
        "patchbay_notices_pending", "Notices that wait to be emailed.", value=state.waiting
    )
    yield GaugeMetricFamily(
        "patchbay_mail_failing",
        "1 while the mail server takes no notices, else 0.",
        value=int(state.failing_since is not None),
    )


def _jobs() -> Iterator[Metric]:
    # Not "job": that is Prometheus' own label of what it scrapes.
    overdue = GaugeMetricFamily(
        "patchbay_job_overdue", "1 if a background job should have run long ago, else 0.", labels=["task"]
    )
    ages = GaugeMetricFamily(
        "patchbay_job_success_age_seconds", "How long ago a background job last succeeded.", labels=["task"]
    )
    now = clock.now()
    with reading() as db:
        rows = leases.list_states(db)
    for row in rows:
        overdue.add_metric([row.name], int(leases.is_overdue(row)))
        if row.succeeded_at is not None:
            ages.add_metric([row.name], (now - row.succeeded_at).total_seconds())
    yield overdue
    yield ages
