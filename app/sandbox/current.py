"""What a view of an imitated service may ask for: records, the clock, who is calling, the mail log."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import current_app, request

from app.sandbox.grants import Grants
from app.sandbox.log import Log
from app.sandbox.rules import Access
from app.sandbox.service import Service
from app.sandbox.state import State
from app.sandbox.store import Book


class Here:
    """One service during one request."""

    def __init__(self, state: State, service: Service) -> None:
        self._state = state
        self.service = service

    @property
    def grants(self) -> Grants:
        """The sign-ins of this service."""
        return self._state.grants(self.service.slug)

    @property
    def project_grants(self) -> list[Grants]:
        """The sign-ins of this service and of the others of its project."""
        return self._state.project_grants(self.service.slug)

    def now(self) -> datetime:
        """The service's present moment (the lever `advance` moves it)."""
        return datetime.now(UTC) + timedelta(seconds=self._state.clock_shift(self.service.slug))

    def today(self) -> date:
        """The machine's calendar day, moved by `advance`: demo data and defaults hang on it."""
        return (datetime.now() + timedelta(seconds=self._state.clock_shift(self.service.slug))).date()

    def book(self, name: str) -> Book:
        """A company's records, written anew by `seed` when a new month has begun since."""
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
    def log(self) -> Log:
        """What the log lever shows."""
        return self._state.log(self.service.slug)

    def mailed(self, **what: Any) -> None:
        """Record that the real service would have sent a mail now (shown by the log lever)."""
        self.log.mails.append({"at": self.now().isoformat(), **what})


def here() -> Here:
    """The service this request is for."""
    state: State = current_app.extensions["sandbox"]
    slug = request.blueprints[-1]
    return Here(state, state.services[slug])
