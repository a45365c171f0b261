"""One clock for all hosts: each measures how far its own is from PostgreSQL's, and corrects it by that.

SQLite serves one host, which has one clock.
"""

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app import clock, database
from app.errors import Unavailable

_PERIOD_SECONDS = 30.0
_TRIES = 3
_LONGEST_LATENCY = timedelta(seconds=1)
# A difference this small is no wrong clock, and following it would let the time jump to and fro.
_TOLERANCE = timedelta(milliseconds=100)
_WORTH_A_WARNING = timedelta(seconds=10)

log = logging.getLogger(__name__)


class _Now(FunctionElement[datetime]):
    """PostgreSQL's clock, as a column; NULL on SQLite."""

    type = DateTime(timezone=True)
    inherit_cache = True


NOW = _Now()


@compiles(_Now)
def _of_postgresql(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "clock_timestamp()"


@compiles(_Now, "sqlite")
def _of_sqlite(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "NULL"


def measure() -> None:
    """Correct this host's clock now. It stays as it is while the database does not answer in time."""
    if database.current().is_sqlite:
        clock.correct(timedelta())
        return
    try:
        measured = min((_sample() for _ in range(_TRIES)), key=lambda sample: sample[1])
    except Unavailable:
        return
    apart, latency = measured
    if latency > _LONGEST_LATENCY:
        return
    if abs(apart) <= _TOLERANCE:
        apart = timedelta()
    if abs(apart - clock.correction()) <= max(_TOLERANCE, latency):
        return
    if abs(apart - clock.correction()) > _WORTH_A_WARNING:
        log.warning(
            "this host's clock is %.0f s %s the database's, which counts; set it by NTP",
            abs(apart.total_seconds()),
            "behind" if apart > timedelta() else "ahead of",
        )
    clock.correct(apart)


def start() -> None:
    """Measure again now and then, in a thread of its own. Call it once per web process."""
    threading.Thread(target=_run, name="database-clock", daemon=True).start()


def _run() -> None:
    while True:
        time.sleep(_PERIOD_SECONDS)
        try:
            measure()
        except Exception:
            log.exception("this host's clock could not be compared with the database's")


def _sample() -> tuple[timedelta, timedelta]:
    """Return how far the database's clock is ahead of this host's, and how long the query took."""
    with database.reading() as db:
        db.execute(text("SELECT 1"))  # opens the connection, so that the next query alone is timed
        sent, began = clock.host_now(), time.monotonic()
        at: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
        latency = timedelta(seconds=time.monotonic() - began)
    return at - (sent + latency / 2), latency
