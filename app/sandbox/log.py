"""The log of a service: requests, counts, mails. Never a token, a code or a body."""

from collections import Counter, deque
from typing import Any


class Log:
    """The last requests and running counts of one service, until `clear`."""

    def __init__(self) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self.mails: deque[dict[str, Any]] = deque(maxlen=1000)
        self.counts: Counter[str] = Counter()

    def clear(self) -> None:
        """Empty the log."""
        self.requests.clear()
        self.mails.clear()
        self.counts.clear()

    def as_json(self) -> dict[str, Any]:
        """The log as the lever `log` returns it."""
        names = (
            *("exchanges", "refreshes", "mints", "refresh_refusals", "revocations"),
            *("approvals", "denials", "registrations"),
        )
        counts = {name: self.counts[name] for name in names}
        return {**counts, "mails": list(self.mails), "requests": list(self.requests)}
