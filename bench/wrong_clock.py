"""The product on a host whose clock is wrong by HOST_CLOCK_OFF seconds: `gunicorn bench.wrong_clock:app`."""

import os
from datetime import UTC, datetime, timedelta

from app import clock

_OFF = timedelta(seconds=float(os.environ["HOST_CLOCK_OFF"]))
clock.host_now = lambda: datetime.now(UTC) + _OFF

from wsgi import app  # noqa: E402 - after the clock is wrong

__all__ = ["app"]
