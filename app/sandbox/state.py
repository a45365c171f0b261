"""The whole sandbox in one object: the store, the lock, and per service its levers, log and clock."""

import threading
from collections import deque
from collections.abc import Mapping

from app.sandbox.grants import Grants
from app.sandbox.levers import Levers
from app.sandbox.log import Log
from app.sandbox.service import ImitatedService
from app.sandbox.store import Store

GRANTS_BOOK = "sign-ins"  # the book with grants and token digests; company books have other names


class State:
    """Shared by all requests. Hold `lock` while touching the store."""

    def __init__(self, services: Mapping[str, ImitatedService], store: Store) -> None:
        self.services = services
        self.store = store
        self.lock = threading.RLock()
        self._logs = {slug: Log() for slug in services}
        self._levers = {slug: Levers() for slug in services}
        self._calls: dict[str, dict[str, deque[float]]] = {slug: {} for slug in services}

    def log(self, slug: str) -> Log:
        """The log of one service."""
        return self._logs[slug]

    def calls(self, slug: str) -> dict[str, deque[float]]:
        """The recent calls of one service by key, for its rate limits."""
        return self._calls[slug]

    def levers(self, slug: str) -> Levers:
        """The waiting faults of one service."""
        return self._levers[slug]

    def grants(self, slug: str) -> Grants:
        """The grants of one service. Raises LookupError for a service without OAuth rules."""
        rules = self.services[slug].oauth
        if rules is None:
            raise LookupError(f"{slug} has no OAuth rules")
        book = self.store.book(slug, GRANTS_BOOK)
        return Grants(book, rules, self.clock_shift(slug))

    def project_grants(self, slug: str) -> list[Grants]:
        """The grants of one service and of those that share its consents."""
        rules = self.services[slug].oauth
        project = rules.project if rules else ""
        others = (
            s
            for s, service in self.services.items()
            if s != slug and service.oauth and service.oauth.project == project
        )
        return [self.grants(slug), *(self.grants(other) for other in others if project)]

    def clock_shift(self, slug: str) -> float:
        """Seconds the service's clock is ahead of the machine's."""
        record = self.store.book(slug, GRANTS_BOOK).find("clock", "shift")
        return float(record["seconds"]) if record else 0.0

    def advance(self, slug: str, seconds: float) -> None:
        """Move the service's clock."""
        self.store.book(slug, GRANTS_BOOK).put(
            "clock", "shift", {"seconds": self.clock_shift(slug) + seconds}
        )

    def reset(self, slug: str) -> None:
        """Reset one service to its first day: demo data, no grants, no faults, empty log."""
        self.store.forget(slug)
        self._logs[slug].clear()
        self._levers[slug].clear()
        self._calls[slug].clear()
