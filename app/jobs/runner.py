"""Run jobs when they are due: in a web process for as long as it lives, or once for a command."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.errors import PatchbayError, Unavailable
from app.jobs import leases
from app.jobs.leases import JobClaim, PeriodicJob

log = logging.getLogger(__name__)

_LOOK_SECONDS = (4.0, 6.0)  # of one process; several look at different moments
_WAIT_SECONDS, _POLL_SECONDS = 10.0, 0.2


class JobRunner:
    """The runner of one web process: a thread that looks for what is due, and one thread per running job."""

    def __init__(self, jobs: Sequence[PeriodicJob]) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._is_registered = False
        self._trouble = ""  # why the last look failed, so that it is logged once

    def start(self) -> None:
        """Look until the process ends. Call it once per web process, after the fork."""
        threading.Thread(target=self._run, name="jobs", daemon=True).start()

    def look(self) -> list[threading.Thread]:
        """Start what is due, each in a thread of its own. Returns the threads. Raises Unavailable."""
        if not self._is_registered:
            leases.register(self._jobs)
            self._is_registered = True
        with self._lock:
            idle = [job for job in self._jobs if job.name not in self._running]
        threads = []
        for job in leases.due(idle):
            with self._lock:
                self._running.add(job.name)
            thread = threading.Thread(target=self._run_one, args=(job,), name=f"job {job.name}", daemon=True)
            thread.start()
            threads.append(thread)
        return threads

    def _run_one(self, job: PeriodicJob) -> None:
        try:
            run_if_due(job)
        except Unavailable:
            log.debug("the job %s waits: the database is away", job.name)
        finally:
            with self._lock:
                self._running.discard(job.name)

    def _run(self) -> None:
        while True:
            time.sleep(random.uniform(*_LOOK_SECONDS))
            try:
                self.look()
            except Exception as error:
                trouble = "the database is away" if isinstance(error, Unavailable) else repr(error)
                if trouble != self._trouble:
                    log.warning("background jobs wait: %s", trouble)
                self._trouble = trouble
            else:
                if self._trouble:
                    log.info("background jobs run again")
                self._trouble = ""


def run_if_due(job: PeriodicJob) -> int:
    """Run the job in this thread if it is due and nobody runs it. Returns how many things it did.

    A failure is recorded and logged, not raised. Raises Unavailable if it could not be claimed.
    """
    claim = leases.claim(job)
    if claim is None:
        return 0
    try:
        return _run_claimed(claim)
    except Exception:
        return 0  # recorded and logged


def run_now(job: PeriodicJob, run: Callable[[], int] | None = None) -> int | None:
    """Run a job for a command, due or not, and record it. Returns what it did; raises what it raises.

    `run` replaces the job's function, for a command that reports its progress. None if another process has
    been running the job for ten seconds.
    """
    until = time.monotonic() + _WAIT_SECONDS
    while (claim := leases.claim(job, at_once=True)) is None:
        if time.monotonic() > until:
            return None
        time.sleep(_POLL_SECONDS)
    return _run_claimed(claim if run is None else replace(claim, job=replace(job, run=run)))


def _run_claimed(claim: JobClaim) -> int:
    started = time.monotonic()
    try:
        with leases.renewing(claim):
            count = claim.job.run()
    except BaseException as error:
        _record_failure(claim, time.monotonic() - started, error)
        raise
    leases.succeed(claim, time.monotonic() - started)
    if claim.failures:
        log.info("the job %s works again after %s failures", claim.job.name, claim.failures)
    return count


def _record_failure(claim: JobClaim, seconds: float, error: BaseException) -> None:
    sentence = explain(error)
    if sentence != claim.error:  # once, not at each try
        expected = isinstance(error, PatchbayError) or not isinstance(error, Exception)
        log.error(
            "the job %s failed and is tried again: %s",
            claim.job.name,
            sentence,
            exc_info=None if expected else error,
        )
    try:
        leases.fail(claim, seconds, sentence)
    except Unavailable:
        log.debug("the failure of the job %s could not be stored; its lease runs out", claim.job.name)


def explain(error: BaseException) -> str:
    """Why a job failed, as a sentence that quotes no data."""
    if isinstance(error, PatchbayError):
        return error.message
    if not isinstance(error, Exception):
        return "It was interrupted."
    return f"An unexpected {type(error).__name__} stopped it. The log of the process has the details."
