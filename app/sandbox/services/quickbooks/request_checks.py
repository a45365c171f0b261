"""The checks before every call of the Accounting API: token, company, rate limit, repeated writes."""

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from app.sandbox.current import Here, here
from app.sandbox.idempotency import answer_once
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.quickbooks import companies
from app.sandbox.services.quickbooks.wire import gateway_fault, refusal, too_many
from app.sandbox.store import Book
from app.sandbox.traffic import count_call, limit_of

_SCOPE = "com.intuit.quickbooks.accounting"
_LONGEST_REQUEST_ID = 50

View = Callable[..., Response]


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that passed the checks: the company and its records."""

    at: Here
    company: companies.CompanySettings
    book: Book


def company_only(view: View) -> View:
    """Require a token for the company in the URL; the view receives the `AuthorizedCall`."""

    @functools.wraps(view)
    def guarded(realm: str, **parts: Any) -> Response:
        at = here()
        access = at.access()
        if access is None:
            raise RequestRefused(
                gateway_fault(
                    401,
                    "3200",
                    "AuthenticationFailed",
                    "Token expired: AB01" + secrets.token_hex(8),
                    "AUTHENTICATION",
                )
            )
        company = companies.COMPANIES[access.company]
        if company.realm != realm or _SCOPE not in access.scopes:
            raise RequestRefused(
                gateway_fault(403, "3100", "ApplicationAuthorizationFailed", None, "SERVICE")
            )
        if count_call(at, company.key, limit_of(at))[1]:
            raise RequestRefused(too_many(None))
        call = AuthorizedCall(at, company, at.book(company.key))
        answer = functools.partial(view, call, **parts)
        return answer() if request.method == "GET" else _once(call, answer)

    return guarded


def _once(call: AuthorizedCall, write: Callable[[], Response]) -> Response:
    """Run a write, once per `requestid` if it succeeds."""
    key = request.args.get("requestid", "")
    if len(key) > _LONGEST_REQUEST_ID:
        detail = "requestid is longer than 50 characters"
        raise refusal("2010", "Request has invalid or unsupported property", detail, element="requestid")
    return answer_once(call.book, key, write) if key else write()


def add_trace(response: Response) -> Response:
    """Add the id that Intuit's support needs to every response."""
    response.headers["intuit_tid"] = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
    return response
