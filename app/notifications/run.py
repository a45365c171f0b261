"""Look for what is due and send it: now by a command, or every few seconds in the web processes."""

import logging
import random
import threading
from datetime import timedelta

from app.config import Settings
from app.errors import Unavailable
from app.mail import Mailer
from app.notifications import notices, sending, turns

log = logging.getLogger(__name__)

_EVERY, _REMINDERS_EVERY = timedelta(seconds=12), timedelta(minutes=10)
_PAUSE_SECONDS = (13.0, 18.0)  # of one process; several look at different moments


def send_all(settings: Settings, mailer: Mailer) -> int:
    """Send everything that is due now. Returns how many emails left. Safe beside other processes."""
    notices.open_reminders()
    notices.prune()
    late = sending.people_with_expired_approvals()
    return send_urgent(settings, mailer) + sum(sending.send_to(settings, mailer, each) for each in late)


def send_urgent(settings: Settings, mailer: Mailer) -> int:
    """Send what broke and what works again, and the reminders already noted. Returns how many emails left."""
    notices.settle_working()
    notices.open_broken()
    return sum(sending.send_to(settings, mailer, each) for each in sending.people_with_notices())


def tick(settings: Settings, mailer: Mailer) -> int:
    """What one process does every few seconds: nothing, if another one did it in this period."""
    if not turns.take_job("notifications", _EVERY):
        return 0
    if turns.take_job("reminders", _REMINDERS_EVERY):
        return send_all(settings, mailer)
    return send_urgent(settings, mailer)


def start(settings: Settings, mailer: Mailer) -> threading.Thread:
    """Tick until the process ends, in a thread of its own. Call it once per web process, after the fork."""
    thread = threading.Thread(target=_run, args=(settings, mailer), name="notifications", daemon=True)
    thread.start()
    return thread


def _run(settings: Settings, mailer: Mailer) -> None:
    pause = threading.Event()
    while True:
        pause.wait(random.uniform(*_PAUSE_SECONDS))
        try:
            tick(settings, mailer)
        except Unavailable:
            log.warning("notifications wait: the database is away")
        except Exception:
            log.exception("notifications could not be sent; they are tried again in a few seconds")
