"""The product on a host whose clock is wrong by HOST_CLOCK_OFF seconds: `gunicorn bench.wrong_clock:app`."""

import os
from datetime import timedelta

from app import clock

_OFF = timedelta(seconds=float(os.environ["HOST_CLOCK_OFF"]))
_right_now = clock.host_now
clock.host_now = lambda: _right_now() + _OFF

from wsgi import app  # noqa: E402 - after the clock is wrong

__all__ = ["app"]
