"""Look for what is due and send it: now by a command, or every few seconds in the web processes."""

from datetime import timedelta

from app.config import Settings
from app.jobs import runner
from app.jobs.leases import PeriodicJob
from app.mail import Mailer
from app.notifications import due, mail_health, notices, sending

NOTIFICATIONS = "notifications"
_EVERY, _REMINDERS_EVERY = timedelta(seconds=12), timedelta(minutes=10)


def send_all(settings: Settings, mailer: Mailer, *, at_once: bool = False) -> int:
    """Send everything that is due now. Returns how many emails left. Safe beside other processes.

    `at_once`: try also while the mail server is left alone after a failure.
    """
    reminders = send_reminders(settings, mailer, at_once=at_once)
    return reminders + send_urgent(settings, mailer, at_once=at_once)


def send_reminders(settings: Settings, mailer: Mailer, *, at_once: bool = False) -> int:
    """Note what will end soon, and send the digests about expired approvals. Returns how many emails left."""
    notices.open_reminders()
    notices.prune()
    return _send(settings, mailer, due.people_with_expired_approvals(), at_once=at_once)


def send_urgent(settings: Settings, mailer: Mailer, *, at_once: bool = False) -> int:
    """Send what broke and what works again, and the reminders already noted. Returns how many emails left."""
    notices.settle_working()
    notices.open_broken()
    return _send(settings, mailer, due.people_with_notices(), at_once=at_once)


def _send(settings: Settings, mailer: Mailer, people: list[str], *, at_once: bool) -> int:
    if not people or not (at_once or mail_health.may_try()):
        return 0
    return sending.send_due(settings, mailer, people)


def jobs(settings: Settings, mailer: Mailer) -> tuple[PeriodicJob, PeriodicJob]:
    """What the web processes do by themselves: reminders and digests now and then, the rest at once."""
    return (
        PeriodicJob("reminders", _REMINDERS_EVERY, lambda: send_reminders(settings, mailer)),
        PeriodicJob(NOTIFICATIONS, _EVERY, lambda: send_urgent(settings, mailer)),
    )


def tick(settings: Settings, mailer: Mailer) -> int:
    """Run both jobs in this thread if they are due. Returns how many emails left."""
    return sum(runner.run_if_due(job) for job in jobs(settings, mailer))
