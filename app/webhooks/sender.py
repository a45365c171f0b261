"""The thread of a web process that sends what is due: several deliveries at once, each in its own thread."""

import logging
import random
import threading
from collections import Counter

from app.config import Settings
from app.errors import Unavailable
from app.mail import Mailer
from app.webhooks import outbox, queue, sending
from app.webhooks.queue import DueEndpoint, Work

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries of one process
_PER_WORKSPACE = 2  # of those: slow receivers of one workspace leave the others to the rest
_PAUSE_SECONDS = (1.5, 2.5)


class Sender:
    """Sends what is due, until the process ends."""

    def __init__(self, settings: Settings, mailer: Mailer) -> None:
        self._settings, self._mailer = settings, mailer
        self._lock = threading.Lock()
        self._busy: dict[str, str] = {}  # endpoints that this process sends to, and their workspaces

    def run(self) -> None:
        """Look every two seconds, and at once after an event of this process or a finished delivery."""
        while True:
            outbox.due_now.wait(random.uniform(*_PAUSE_SECONDS))
            outbox.due_now.clear()
            try:
                self.start_due()
            except Unavailable:
                log.warning("webhooks wait: the database is away")
            except Exception:
                log.exception("webhooks could not be sent; they are tried again in a few seconds")

    def start_due(self) -> int:
        """Start a thread for each due endpoint there is room for. Returns how many."""
        with self._lock:
            busy = dict(self._busy)
        if len(busy) >= AT_ONCE:
            return 0
        started, per_workspace = 0, Counter(busy.values())
        for found in queue.due_endpoints(50, but=busy):
            if len(busy) + started >= AT_ONCE:
                break
            if per_workspace[found.workspace_id] < _PER_WORKSPACE and self._start(found):
                per_workspace[found.workspace_id] += 1
                started += 1
        return started

    def _start(self, found: DueEndpoint) -> bool:
        work = queue.claim(self._settings, found.id)
        if work is None:
            return False
        with self._lock:
            self._busy[work.endpoint_id] = work.workspace_id
        threading.Thread(target=self._deliver, args=(work,), name="webhook", daemon=True).start()
        return True

    def _deliver(self, work: Work) -> None:
        try:
            sending.deliver(self._settings, self._mailer, work)
        except Unavailable:
            log.warning("a webhook was sent, but the database is away: it is repeated later")
        except Exception:
            log.exception("a webhook could not be sent; it is repeated later")
        finally:
            with self._lock:
                self._busy.pop(work.endpoint_id, None)
            outbox.due_now.set()


def start(settings: Settings, mailer: Mailer) -> threading.Thread:
    """Send in a thread of its own. Call it once per web process, after the fork."""
    thread = threading.Thread(target=Sender(settings, mailer).run, name="webhooks", daemon=True)
    thread.start()
    return thread
