"""The words an imitated service is declared with, and what its views may ask for.

A service is a Flask blueprint with the real service's paths (`/<slug>` is put before them), the demo
companies its consent page offers, its rules of signing in (`oauth.Rules`) and a function that writes a
company's first records. `here()` gives a view the rest: records, the clock, who is calling, the mail log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from app.sandbox.store import Book

if TYPE_CHECKING:
    from app.sandbox.grants import Access, Grants
    from app.sandbox.log import Log
    from app.sandbox.oauth import Rules
    from app.sandbox.state import State


@dataclass(frozen=True)
class Company:
    """What a person can choose on the consent page. `person` is the login it belongs to.

    `books` names the record books it opens; left out, it is one book named like the company's key.
    """

    key: str
    name: str
    person: str
    about: str = ""
    books: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def _too_many(retry_after: int | None) -> Response:
    answer = jsonify(error="rate_limited")
    answer.status_code = 429
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


@dataclass(frozen=True)
class Service:
    """An imitated service. `seed(book, today)` fills the empty book of that name with demo records around today.

    `too_many(retry_after)` answers the lever `rate_limit` in the service's own shape. `levers` are the service's own,
    by name; they get the JSON that was sent.
    """

    slug: str
    name: str
    blueprint: Blueprint
    companies: tuple[Company, ...]
    seed: Callable[[Book, date], None]
    oauth: "Rules | None" = None
    too_many: Callable[[int | None], Response] = _too_many
    levers: Mapping[str, Callable[["Here", dict[str, Any]], None]] = field(default_factory=dict)

    def company(self, key: str) -> Company:
        """The company of that key. Raises KeyError."""
        return next(company for company in self.companies if company.key == key)

    def find_company(self, key: str) -> Company | None:
        """The company of that key, or None."""
        return next((company for company in self.companies if company.key == key), None)


class Here:
    """One service during one request."""

    def __init__(self, state: "State", service: Service) -> None:
        self._state = state
        self.service = service

    @property
    def grants(self) -> "Grants":
        """The sign-ins of this service."""
        return self._state.grants(self.service.slug)

    @property
    def project_grants(self) -> "list[Grants]":
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

    def access(self) -> "Access | None":
        """Who calls with this bearer token, or None when it is missing, unknown, expired or revoked."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.grants.find_access(token.strip()) if scheme.lower() == "bearer" else None

    @property
    def log(self) -> "Log":
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
