"""The checks before every call: token, scope, membership, rate limit."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.rules import Access
from app.sandbox.services.flowpos import demo
from app.sandbox.services.flowpos.people import DemoBusiness, reached
from app.sandbox.services.flowpos.wire import refusal, too_many
from app.sandbox.store import Book, Record
from app.sandbox.traffic import count_call

BUSINESS = "/v1/businesses/<business>"
_PER_MINUTE = 120  # per token

View = Callable[..., Response]


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that passed the checks."""

    at: Here
    business: DemoBusiness
    book: Book

    def local_day(self, moment: str) -> date:
        """The day of a moment in the business's time zone."""
        return datetime.fromisoformat(moment).astimezone(ZoneInfo(self.business.timezone)).date()

    def find(self, kind: str, id_: Any) -> Record | None:
        """The record of that id in this business."""
        return self.book.find(kind, id_)


def opens(scope: str) -> Callable[[View], View]:
    """Require a token with the scope, of a member of the business; the view receives the `AuthorizedCall`."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(business: str, **parts: Any) -> Response:
            at, access = here(), signed_in()
            _, wait = count_call(at, digest(request.headers["Authorization"]), _PER_MINUTE)
            if wait:
                return too_many(None)
            if scope not in access.scopes:
                raise refusal(403, f"Missing scope {scope}")
            found = next((b for b in reached(at, access) if b.id == business), None)
            if found is None:
                raise refusal(403, "No active membership in this business")
            call = AuthorizedCall(at, found, at.book(found.id))
            demo.sell(call.book, at.now())
            return view(call, **parts)

        return guarded

    return wrap


def signed_in() -> Access:
    """The caller's access. Raises RequestRefused."""
    access = here().access()
    if access is None:
        raise refusal(401, "Invalid or expired token")
    return access
