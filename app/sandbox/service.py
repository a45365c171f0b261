"""How an imitated service is declared.

A service is a Flask blueprint with the real service's paths (after `/<slug>`), the demo
companies its consent page offers, its OAuth rules (`rules.Rules`) and a function that writes a company's
first records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.sandbox.mcp_endpoint import McpEndpoint
from app.sandbox.refusals import with_retry_after
from app.sandbox.rules import Rules
from app.sandbox.store import Book


@dataclass(frozen=True)
class DemoCompany:
    """A choice on the consent page. `person` is its login.

    `books` names the books of records it opens; by default one, named like the company's key.
    """

    key: str
    name: str
    person: str
    about: str = ""
    books: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def _too_many(retry_after: int | None) -> Response:
    return with_retry_after(make_response(jsonify(error="rate_limited"), 429), retry_after)


@dataclass(frozen=True)
class ImitatedService:
    """An imitated service. `seed(book, today)` fills an empty book with demo records around today.

    `too_many(retry_after)` is the response of the lever `rate_limit`. `levers` are its own, by name;
    each takes the `Here` of the service and the JSON that was sent. `mcp` are its MCP servers.
    """

    slug: str
    name: str
    blueprint: Blueprint
    companies: tuple[DemoCompany, ...]
    seed: Callable[[Book, date], None]
    oauth: Rules | None = None
    too_many: Callable[[int | None], Response] = _too_many
    levers: Mapping[str, Callable[[Any, dict[str, Any]], None]] = field(default_factory=dict)
    mcp: tuple[McpEndpoint, ...] = ()

    def company(self, key: str) -> DemoCompany:
        """The company of that key. Raises KeyError."""
        return next(company for company in self.companies if company.key == key)

    def find_company(self, key: str) -> DemoCompany | None:
        """The company of that key, or None."""
        return next((company for company in self.companies if company.key == key), None)
