"""The whole sandbox in one object: the store, the lock, and per service its levers, log and clock."""

import threading
from collections.abc import Mapping

from app.sandbox.grants import Grants
from app.sandbox.levers import Levers
from app.sandbox.log import Log
from app.sandbox.service import Service
from app.sandbox.store import Store

SIGN_INS = "sign-ins"  # the book with grants and token digests; company books have other names


class State:
    """Shared by all requests. Hold `lock` while touching the store."""

    def __init__(self, services: Mapping[str, Service], store: Store) -> None:
        self.services = services
        self.store = store
        self.lock = threading.RLock()
        self._logs = {slug: Log() for slug in services}
        self._levers = {slug: Levers() for slug in services}

    def log(self, slug: str) -> Log:
        """What one service saw and did."""
        return self._logs[slug]

    def levers(self, slug: str) -> Levers:
        """The faults waiting to happen at one service."""
        return self._levers[slug]

    def grants(self, slug: str) -> Grants:
        """The sign-ins of one service. Only for a service with OAuth rules."""
        rules = self.services[slug].oauth
        if rules is None:
            raise LookupError(f"{slug} has no OAuth rules")
        book = self.store.book(slug, SIGN_INS)
        return Grants(book, rules, self.clock_shift(slug))

    def project_grants(self, slug: str) -> list[Grants]:
        """The sign-ins of one service and of those that share its consents."""
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
        record = self.store.book(slug, SIGN_INS).find("clock", "shift")
        return float(record["seconds"]) if record else 0.0

    def advance(self, slug: str, seconds: float) -> None:
        """Move the service's clock."""
        self.store.book(slug, SIGN_INS).put("clock", "shift", {"seconds": self.clock_shift(slug) + seconds})

    def reset(self, slug: str) -> None:
        """Put one service back to its first day: no sign-ins, demo data, no faults, empty log."""
        self.store.forget(slug)
        self._logs[slug].clear()
        self._levers[slug].clear()
