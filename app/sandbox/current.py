"""What a view of an imitated service needs: records, the clock, the caller, the mail log."""

from collections import deque
from datetime import date, datetime
from typing import Any

from flask import current_app, request

from app.sandbox import clock
from app.sandbox.grants import Grants
from app.sandbox.log import Log
from app.sandbox.rules import Access
from app.sandbox.service import ImitatedService
from app.sandbox.state import State
from app.sandbox.store import Book


class Here:
    """One service during one request."""

    def __init__(self, state: State, service: ImitatedService) -> None:
        self._state = state
        self.service = service

    @property
    def grants(self) -> Grants:
        """The grants of this service."""
        return self._state.grants(self.service.slug)

    @property
    def project_grants(self) -> list[Grants]:
        """The grants of this service and of the others of its project."""
        return self._state.project_grants(self.service.slug)

    def now(self) -> datetime:
        """The service's present moment (the lever `advance` moves it)."""
        return clock.now(self._state.clock_shift(self.service.slug))

    def today(self) -> date:
        """The machine's calendar day, moved by `advance`: demo data and defaults depend on it."""
        return clock.today(self._state.clock_shift(self.service.slug))

    def book(self, name: str) -> Book:
        """A company's records. `seed` writes them again when a new month has begun."""
        book = self._state.store.book(self.service.slug, name)
        month = self.today().isoformat()[:7]
        seeded = book.find("seeded", "month")
        if seeded is None or seeded["value"] != month:
            book.clear()
            self.service.seed(book, self.today())
            book.put("seeded", "month", {"value": month})
        return book

    def access(self) -> Access | None:
        """Who calls with this bearer token, or None when it is missing, unknown, expired or revoked."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.grants.find_access(token.strip()) if scheme.lower() == "bearer" else None

    @property
    def calls(self) -> dict[str, deque[float]]:
        """When each key called lately (`traffic.py`)."""
        return self._state.calls(self.service.slug)

    @property
    def log(self) -> Log:
        """What the lever `log` returns."""
        return self._state.log(self.service.slug)

    def mailed(self, **what: Any) -> None:
        """Record that the real service would have sent a mail now (the lever `log` returns it)."""
        self.log.mails.append({"at": self.now().isoformat(), **what})


def here() -> Here:
    """The service this request is for."""
    state: State = current_app.extensions["sandbox"]
    slug = request.blueprints[-1]
    return Here(state, state.services[slug])
