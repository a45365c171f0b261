"""The thread of a web process that links entries soon after they are written."""

import logging
import threading
import time

from app import audit
from app.activity import sealing
from app.errors import Unavailable

_SETTLE_SECONDS = 1.0  # entries written together are linked together, after their transactions have ended
_LOOK_SECONDS = 60.0  # for entries that another process left unlinked

log = logging.getLogger(__name__)


def start() -> None:
    """Start it in each worker after its fork (gunicorn.conf.py). Pages and commands link for themselves."""
    threading.Thread(target=_run, name="sealer", daemon=True).start()


def _run() -> None:
    while True:
        if audit.written.wait(_LOOK_SECONDS):
            time.sleep(_SETTLE_SECONDS)
        audit.written.clear()
        try:
            sealing.seal()
        except Unavailable:
            log.warning("the audit trail is linked later: the database is away")
        except Exception:
            log.exception("the audit trail could not be linked; the next round tries again")
