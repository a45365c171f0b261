"""The background threads of a web process, and the jobs that must happen."""

from datetime import timedelta

from flask import Flask

from app import database_clock, metrics
from app.accounts import cleanup
from app.activity import sealer
from app.admin import hosts
from app.approvals import expiry
from app.config import Settings
from app.database import transaction
from app.federation import refreshing, removal
from app.hub import handshake
from app.jobs.leases import PeriodicJob
from app.jobs.runner import JobRunner
from app.mail import Mailer
from app.mcp_server import stored_answers
from app.notifications import run
from app.oauth_server import housekeeping
from app.onboarding import registering
from app.usage import scheduler
from app.vault import keepalive, links, revocation
from app.webhooks import log as delivery_log
from app.webhooks import sender


def start(app: Flask) -> None:
    """Link the audit trail's entries, run the jobs and send webhooks. Call it once per web process, after
    the fork.
    """
    database_clock.start()
    hosts.start()
    sealer.start()
    metrics.start_sampling()
    JobRunner(jobs(app.extensions["patchbay"], app.extensions["mailer"])).start()
    sender.start(app.extensions["patchbay"], app.extensions["mailer"])


def jobs(settings: Settings, mailer: Mailer) -> tuple[PeriodicJob, ...]:
    """Every job of this release."""
    return (
        *run.jobs(settings, mailer),
        keepalive.job(settings),
        refreshing.job(settings),
        revocation.job(settings),
        removal.job(settings),
        *scheduler.jobs(settings.usage_retention_days),
        PeriodicJob("webhook log", timedelta(hours=1), delivery_log.prune),
        PeriodicJob("expired approvals", timedelta(minutes=1), _end_approvals),
        PeriodicJob("expired sessions and codes", timedelta(minutes=15), _forget_expired),
    )


def _end_approvals() -> int:
    with transaction() as db:
        return expiry.sweep(db)


def _forget_expired() -> int:
    """Delete rows of sign-ins and authorizations that are past their retention. Short transactions."""
    gone = at_once = 2_000
    total = 0
    while gone >= at_once:
        with transaction() as db:
            gone = cleanup.sweep(db, at_once)
        total += gone
    with transaction() as db:
        housekeeping.run(db)
    with transaction() as db:
        handshake.forget_old(db)
        registering.forget_old(db)
    links.sweep()
    stored_answers.forget_expired()
    return total
