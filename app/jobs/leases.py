"""Who runs a job now, agreed on through the database: a lease per job.

A lease is timed by the database's clock, so two hosts whose clocks differ never run one job at once. When a
job is due goes by `app.clock`: a wrong clock makes it run too often or a little late.
"""

import contextlib
import logging
import random
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, select, update
from sqlmodel import Session, col

from app import clock, database
from app.errors import Unavailable
from app.jobs.models import LONGEST_ERROR, JobState

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
_RENEW_SECONDS = LEASE.total_seconds() / 4
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=5)
_JITTER = 0.05  # of a period: several installations must not call a service in the same second
_SPREAD = timedelta(seconds=30)  # within which the jobs of a new installation first run
_FORGOTTEN_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class PeriodicJob:
    """A periodic job. `run` returns how many things it did, and must be safe to repeat after a kill."""

    name: str
    every: timedelta
    run: Callable[[], int]


@dataclass(frozen=True)
class JobClaim:
    """The right to run a job, until `LEASE` after the last renewal. `failures`: of earlier runs, in a row."""

    job: PeriodicJob
    token: str
    started_at: datetime
    failures: int
    error: str


def register(jobs: Iterable[PeriodicJob]) -> None:
    """Store the jobs of this release, and forget those that none has run for days. Raises Unavailable."""
    jobs, now = list(jobs), clock.now()
    with database.transaction() as db:
        rows = [
            {
                "name": job.name,
                "next_at": now + min(job.every, _SPREAD) * random.random(),
                "period_seconds": _seconds(job),
                "failures": 0,
                "error": "",
            }
            for job in jobs
        ]
        storing = database.upsert_into(JobState)
        db.connection().execute(
            storing.on_conflict_do_update(
                index_elements=["name"], set_={"period_seconds": storing.excluded.period_seconds}
            ),
            rows,
        )
        unknown = col(JobState.name).not_in([job.name for job in jobs])
        db.execute(delete(JobState).where(unknown, col(JobState.next_at) < now - _FORGOTTEN_AFTER))


def due(jobs: Iterable[PeriodicJob]) -> list[PeriodicJob]:
    """The jobs that nobody runs and whose time has come, by one look without a lock. Raises Unavailable."""
    with database.reading() as db:
        now = database.current().now(db)
        rows = {row.name: row for row in db.scalars(select(JobState))}
    return [
        job
        for job in jobs
        if (row := rows.get(job.name)) is None or (_is_due(row, job) and _is_unclaimed(row, now))
    ]


def claim(job: PeriodicJob, *, at_once: bool = False) -> JobClaim | None:
    """Claim the job. Returns None if another process runs it, or, unless `at_once`, if it is not due."""
    with database.transaction() as db:
        now = database.current().now(db)
        new = {
            "name": job.name,
            "next_at": clock.now(),
            "period_seconds": _seconds(job),
            "failures": 0,
            "error": "",
        }
        db.execute(database.upsert_into(JobState).values(new).on_conflict_do_nothing())
        row: JobState = db.execute(
            select(JobState).where(col(JobState.name) == job.name).with_for_update()
        ).scalar_one()
        if not _is_unclaimed(row, now) or not (at_once or _is_due(row, job)):
            return None
        row.claim, row.claimed_until, row.started_at = secrets.token_hex(16), now + LEASE, clock.now()
        return JobClaim(job, row.claim, row.started_at, row.failures, row.error)


@contextlib.contextmanager
def renewing(claim: JobClaim) -> Iterator[None]:
    """Prolong the claim for as long as the block runs."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_RENEW_SECONDS):
            try:
                with database.transaction() as db:
                    until = database.current().now(db) + LEASE
                    if not _set(db, claim, {"claimed_until": until}):
                        return  # it has passed to another process
            except Unavailable:
                log.debug("the lease of the job %s could not be renewed", claim.job.name)

    thread = threading.Thread(target=renew, name="job-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def succeed(claim: JobClaim, seconds: float) -> None:
    """Record a run that ended well, and free the job. Nothing if the lease has passed to another process."""
    every = claim.job.every
    next_at = claim.started_at + every * (1 - _JITTER * random.random())
    with database.transaction() as db:
        values = {"succeeded_at": clock.now(), "failures": 0, "error": "", "next_at": next_at}
        _set(db, claim, {**values, "seconds": seconds, "claim": None, "claimed_until": None})


def fail(claim: JobClaim, seconds: float, sentence: str) -> None:
    """Record a run that failed, and free the job for another try after a pause that grows each time."""
    pause = min(_FIRST_PAUSE, claim.job.every) * 2 ** min(claim.failures, 20)
    pause = min(pause, _longest_wait(claim.job)) * random.uniform(0.8, 1.0)
    with database.transaction() as db:
        next_at = clock.now() + pause
        values = {"failures": claim.failures + 1, "error": sentence[:LONGEST_ERROR], "next_at": next_at}
        _set(db, claim, {**values, "seconds": seconds, "claim": None, "claimed_until": None})


def list_states(db: Session) -> list[JobState]:
    """Every job of this release, those with trouble first."""
    known = select(JobState).where(col(JobState.period_seconds) > 0)
    trouble = case((col(JobState.failures) > 0, 0), else_=1)
    return list(db.scalars(known.order_by(trouble, col(JobState.name))))


def is_running(db: Session, row: JobState) -> bool:
    """Whether a process runs the job now."""
    return not _is_unclaimed(row, database.current().now(db))


def is_overdue(row: JobState) -> bool:
    """Whether a job should have begun long ago."""
    return row.next_at + max(timedelta(seconds=row.period_seconds), _LONGEST_PAUSE) < clock.now()


def _is_due(row: JobState, job: PeriodicJob) -> bool:
    # A moment further ahead than any pause was written by a clock that was wrong.
    now = clock.now()
    return row.next_at <= now or row.next_at > now + 2 * _longest_wait(job)


def _is_unclaimed(row: JobState, now: datetime) -> bool:
    return row.claimed_until is None or not now < row.claimed_until <= now + 2 * LEASE


def _longest_wait(job: PeriodicJob) -> timedelta:
    return max(job.every, _LONGEST_PAUSE)


def _seconds(job: PeriodicJob) -> int:
    return max(1, int(job.every.total_seconds()))


def _set(db: Session, claim: JobClaim, values: dict[str, Any]) -> bool:
    mine = col(JobState.name) == claim.job.name, col(JobState.claim) == claim.token
    return bool(db.execute(update(JobState).where(*mine).values(values)).rowcount)  # type: ignore[attr-defined]
