"""The checks before every call of the Accounting API: token, organisation, limits, scope, repeated writes."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, g, request

from app.sandbox.current import Here, here
from app.sandbox.idempotency import answer_once
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.xero import companies, people
from app.sandbox.services.xero.wire import bad_request, problem, too_many
from app.sandbox.store import Book
from app.sandbox.traffic import count_call, limit_of

_PER_MINUTE, _PER_DAY, _PER_APP_MINUTE = 60, 5000, 10_000
_STORED_SECONDS = 6 * 60


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that passed the checks: the organisation and its records."""

    at: Here
    organisation: companies.DemoOrganisation
    book: Book
    person: str


View = Callable[..., Response]


def open_to(*scopes: str) -> Callable[[View], View]:
    """Require a token with one of the scopes; the view receives the `AuthorizedCall`."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(**parts: Any) -> Response:
            at = here()
            caller = people.caller(at)
            organisation = companies.by_tenant(request.headers.get("xero-tenant-id", ""))
            opened = {connection.organisation.key for connection in people.connections(at, caller.person)}
            if organisation is None or organisation.key not in opened:
                raise problem(403, "Forbidden", "AuthenticationUnsuccessful")
            _count(at, organisation)
            if not caller.scopes & set(scopes):
                refused = problem(401, "Unauthorized", "AuthorizationUnsuccessful")
                refused.answer.headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
                raise refused
            call = AuthorizedCall(at, organisation, at.book(organisation.key), caller.person)
            answer = functools.partial(view, call, **parts)
            return answer() if request.method == "GET" else _once(call, answer)

        return guarded

    return wrap


def _once(call: AuthorizedCall, write: Callable[[], Response]) -> Response:
    """Run a write, once per Idempotency-Key and six minutes, errors included."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return write()
    kind = "PostDataInvalidException"
    if len(key) > 128:
        raise bad_request(14, kind, "The Idempotency-Key is longer than 128 characters.")
    return answer_once(
        call.book,
        f"{call.person} {key}",
        write,
        request=[request.method, request.full_path, request.get_data(as_text=True)],
        mismatch=bad_request(14, kind, "The Idempotency-Key was already used with a different request."),
        now=call.at.now().timestamp(),
        seconds=_STORED_SECONDS,
        stores_refusals=True,
    )


def _count(at: Here, organisation: companies.DemoOrganisation) -> None:
    """Count a call. Raises RequestRefused over the limit per minute that the lever `limit` set."""
    limit, key = limit_of(at), organisation.key
    calls, wait = count_call(at, key, limit)
    if wait:
        raise RequestRefused(too_many(wait))
    today, _ = count_call(at, f"{key} today", None, seconds=86_400)
    g.xero_left = (max(0, (limit or _PER_MINUTE) - calls), max(0, _PER_DAY - today))


def add_limit_headers(response: Response) -> Response:
    """Add the three counters to every response for an organisation."""
    if "xero_left" in g:
        minute, day = g.xero_left
        response.headers["X-MinLimit-Remaining"] = str(minute)
        response.headers["X-DayLimit-Remaining"] = str(day)
        response.headers["X-AppMinLimit-Remaining"] = str(_PER_APP_MINUTE - 1)
    return response
