"""What stands before every call of the Accounting API: token, company, limits, repeated writes."""

import functools
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.services.quickbooks import companies
from app.sandbox.services.quickbooks.wire import Refused, fault, gateway_fault, too_many
from app.sandbox.store import Book

_SCOPE = "com.intuit.quickbooks.accounting"
_LONGEST_REQUEST_ID = 50

View = Callable[..., Response]


@dataclass(frozen=True)
class Call:
    """A call that was let in: the company and its records."""

    at: Here
    company: companies.Settings
    book: Book


def company_only(view: View) -> View:
    """Let a view in when the token opens the company in the address; it receives the `Call`."""

    @functools.wraps(view)
    def guarded(realm: str, **parts: Any) -> Response:
        at = here()
        access = at.access()
        if access is None:
            raise Refused(
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
            raise Refused(gateway_fault(403, "3100", "ApplicationAuthorizationFailed", None, "SERVICE"))
        _count(at, company)
        call = Call(at, company, at.book(company.key))
        return view(call, **parts) if request.method == "GET" else _once(call, view, parts)

    return guarded


def _once(call: Call, view: View, parts: dict[str, Any]) -> Response:
    """A write with a `requestid`: its first answer again, if it succeeded."""
    key = request.args.get("requestid", "")
    if len(key) > _LONGEST_REQUEST_ID:
        return fault(
            "2010",
            "Request has invalid or unsupported property",
            "requestid is longer than 50 characters",
            element="requestid",
        )
    before = call.book.find("write", key) if key else None
    if before is not None:
        return make_response(before["body"], before["status"], {"Content-Type": before["type"]})
    answer = view(call, **parts)
    if key:
        record = {
            "body": answer.get_data(as_text=True),
            "status": answer.status_code,
            "type": answer.content_type,
        }
        call.book.put("write", key, record)
    return answer


# --- limits ---


def set_limit(at: Here, per_minute: int | None) -> None:
    """Refuse what goes over so many calls a minute to one company; None: count only."""
    at.grants.book.put("limit", "minute", {"calls": per_minute})
    _traffic().clear()


def _traffic() -> dict[str, deque[float]]:
    found: dict[str, deque[float]] = current_app.extensions.setdefault("quickbooks traffic", {})
    return found


def _count(at: Here, company: companies.Settings) -> None:
    """Count a call. The limit is enforced only once a lever has set it: demo data is shared by all tests."""
    now = at.now().timestamp()
    calls = _traffic().setdefault(company.key, deque(maxlen=500))
    while calls and now - calls[0] >= 60:
        calls.popleft()
    limit = (at.grants.book.find("limit", "minute") or {}).get("calls")
    if limit is not None and len(calls) >= limit:
        raise Refused(too_many(None))
    calls.append(now)


def add_trace(response: Response) -> Response:
    """The id that Intuit's support asks for, on every answer."""
    response.headers["intuit_tid"] = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
    return response
