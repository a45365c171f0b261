"""Store what must not be lost: retried while the database is away, for as long as this process lives."""

import logging
import threading
import time
from collections.abc import Callable

from app.errors import Unavailable

_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
_LONG_TRY_SECONDS = 0.5
_BACKGROUND_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


def retry_until_stored(save: Callable[[], None]) -> None:
    """Run `save` until it succeeds while the database is unavailable.

    After about three seconds the caller gets Unavailable, and a thread goes on retrying; at once after a try
    that has waited for a lock itself.
    """
    for pause in _PAUSES_SECONDS:
        started = time.monotonic()
        try:
            save()
            return
        except Unavailable:
            if time.monotonic() - started > _LONG_TRY_SECONDS:
                break
            time.sleep(pause)
    threading.Thread(target=_retry_in_background, args=(save,), name="persist", daemon=True).start()
    raise Unavailable()


def _retry_in_background(save: Callable[[], None]) -> None:
    started = time.monotonic()
    while True:
        try:
            save()
        except Unavailable:
            time.sleep(_BACKGROUND_PAUSE_SECONDS)
            continue
        log.warning(
            "what had to be kept was stored after %.0f s without a database", time.monotonic() - started
        )
        return
