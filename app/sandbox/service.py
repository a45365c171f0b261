"""How an imitated service is declared.

A service is a Flask blueprint with the real service's paths (`/<slug>` is put before them), the demo
companies its consent page offers, its OAuth rules (`rules.Rules`) and a function that writes a company's
first records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.rules import Rules
from app.sandbox.store import Book


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
    """An imitated service. `seed(book, today)` fills the empty book of that name with demo records around
    today.

    `too_many(retry_after)` answers the lever `rate_limit` in the service's own shape. `levers` are the
    service's own, by name; each takes the `Here` of the service and the JSON that was sent.
    """

    slug: str
    name: str
    blueprint: Blueprint
    companies: tuple[Company, ...]
    seed: Callable[[Book, date], None]
    oauth: Rules | None = None
    too_many: Callable[[int | None], Response] = _too_many
    levers: Mapping[str, Callable[[Any, dict[str, Any]], None]] = field(default_factory=dict)

    def company(self, key: str) -> Company:
        """The company of that key. Raises KeyError."""
        return next(company for company in self.companies if company.key == key)

    def find_company(self, key: str) -> Company | None:
        """The company of that key, or None."""
        return next((company for company in self.companies if company.key == key), None)
