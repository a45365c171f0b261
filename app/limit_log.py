"""A limit was reached: counted each time, logged once per window, so that a flood of calls floods no log."""

import logging
import threading

from app import logs, metrics, rate_windows

_MOST_REMEMBERED = 1_000
log = logging.getLogger(__name__)
_last: dict[tuple[str, ...], int] = {}  # the start of the window in which each was logged last
_lock = threading.Lock()


def note(kind: str, seconds: int, **fields: str) -> None:
    """Count a refusal of that kind, and log it if it is the first of its window of `seconds`.

    `kind` is one of the names in docs/monitoring.md. `fields` say whose limit it is.
    """
    metrics.LIMITS_HIT.labels(kind).inc()
    window = rate_windows.current(seconds)
    key = (kind, *fields.values())
    with _lock:
        if _last.get(key) == window.start:
            return
        if len(_last) >= _MOST_REMEMBERED:
            _last.clear()
        _last[key] = window.start
    sentence = "Limit reached: further requests are refused"
    logs.event(log, logging.INFO, sentence, kind=kind, seconds=window.seconds_left, **fields)
