"""The background jobs on the health page: when each last ran, how it went, and when it runs again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from app import clock, database
from app.admin.health_checks import Check
from app.config import Settings
from app.errors import Unavailable
from app.jobs import leases
from app.jobs.models import JobState

_NOT_RUNNING = (
    "The web processes run them: start gunicorn with the product's gunicorn.conf.py, or look in its log for "
    "“background jobs wait”."
)


@dataclass(frozen=True)
class JobStatus:
    """One job. `state`: one of running, failing, overdue, ok, waiting."""

    name: str
    every: str
    state: str
    started_at: datetime | None
    succeeded_at: datetime | None
    next_in: str
    took: str
    error: str


def load() -> list[JobStatus]:
    """Every job, those with trouble first. Empty while the database is unavailable or not migrated."""
    try:
        with database.reading() as db:
            states = leases.list_states(db)
            running = {row.name for row in states if leases.is_running(db, row)}
    except (Unavailable, DBAPIError):
        return []
    return [_row(state, is_running=state.name in running) for state in states]


def check(_settings: Settings) -> Check:
    """Whether every job runs as often as it must."""
    jobs = load()
    if not jobs:
        return Check("Background jobs", "bad", "Not running", advice=_NOT_RUNNING)
    overdue = [job.name for job in jobs if job.state == "overdue"]
    failing = [job for job in jobs if job.state == "failing"]
    if overdue:
        return Check("Background jobs", "bad", "Overdue", f"{', '.join(overdue)}.", _NOT_RUNNING)
    if failing:
        facts = " ".join(f"{job.name}: {job.error}" for job in failing)
        advice = "They are tried again by themselves. The log names each failure once."
        return Check("Background jobs", "warning", "Failing", facts, advice)
    return Check("Background jobs", "good", "Running", f"{len(jobs)} jobs, listed below")


def _row(state: JobState, *, is_running: bool) -> JobStatus:
    if is_running:
        words = "running"
    elif leases.is_overdue(state):
        words = "overdue"
    elif state.failures:
        words = "failing"
    else:
        words = "ok" if state.succeeded_at else "waiting"
    return JobStatus(
        state.name,
        _span(timedelta(seconds=state.period_seconds)),
        words,
        state.started_at,
        state.succeeded_at,
        _until(state.next_at),
        "" if state.seconds is None else f"{state.seconds:,.1f} s",
        state.error,
    )


def _span(every: timedelta) -> str:
    seconds = int(every.total_seconds())
    if seconds < 60:
        return f"{seconds} seconds"
    minutes = seconds // 60
    if minutes < 60:
        return "minute" if minutes == 1 else f"{minutes} minutes"
    return "hour" if minutes == 60 else f"{minutes // 60} hours"


def _until(at: datetime) -> str:
    seconds = int((at - clock.now()).total_seconds())
    if seconds < 60:
        return "within a minute"
    return f"in {seconds // 60} min" if seconds < 3_600 else f"in {seconds // 3_600} h"
