"""Look for what is due and send it: now by a command, or every few seconds in the web processes."""

import logging
import random
import threading
from datetime import timedelta

from app.config import Settings
from app.errors import Unavailable
from app.mail import Mailer
from app.notifications import due, mail_health, notices, sending, turns

log = logging.getLogger(__name__)

_EVERY, _REMINDERS_EVERY = timedelta(seconds=12), timedelta(minutes=10)
_PAUSE_SECONDS = (13.0, 18.0)  # of one process; several look at different moments


def send_all(settings: Settings, mailer: Mailer, *, at_once: bool = False) -> int:
    """Send everything that is due now. Returns how many emails left. Safe beside other processes.

    `at_once`: try also while the mail server is left alone after a failure.
    """
    notices.open_reminders()
    notices.prune()
    late = due.people_with_expired_approvals()
    emails = send_urgent(settings, mailer, at_once=at_once)
    return emails + _send(settings, mailer, late, at_once=at_once)


def send_urgent(settings: Settings, mailer: Mailer, *, at_once: bool = False) -> int:
    """Send what broke and what works again, and the reminders already noted. Returns how many emails left."""
    notices.settle_working()
    notices.open_broken()
    return _send(settings, mailer, due.people_with_notices(), at_once=at_once)


def _send(settings: Settings, mailer: Mailer, people: list[str], *, at_once: bool) -> int:
    if not people or not (at_once or mail_health.may_try()):
        return 0
    return sending.send_due(settings, mailer, people)


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
