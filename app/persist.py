"""Storing what must not be lost: tried again while the database is away, for as long as this process
lives.
"""

import logging
import threading
import time
from collections.abc import Callable

from app.errors import Unavailable

_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
_BACKGROUND_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


def until_done(save: Callable[[], None]) -> None:
    """Run `save`, again and again while the database is unavailable.

    After a few seconds the caller is let go with Unavailable and a thread goes on trying.
    """
    for pause in _PAUSES_SECONDS:
        try:
            save()
            return
        except Unavailable:
            time.sleep(pause)
    threading.Thread(target=_keep_trying, args=(save,), name="keeping", daemon=True).start()
    raise Unavailable()


def _keep_trying(save: Callable[[], None]) -> None:
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
