"""What stands before every call of the Accounting API: token, organisation, scope, limits, repeated
writes.
"""

import functools
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, g, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.services.xero import companies, people
from app.sandbox.services.xero.wire import Refused, bad_request, problem, too_many
from app.sandbox.store import Book

_PER_MINUTE, _PER_DAY, _PER_APP_MINUTE = 60, 5000, 10_000
_REMEMBERED_SECONDS = 6 * 60


@dataclass(frozen=True)
class Call:
    """A call that was let in: the organisation and its records."""

    at: Here
    organisation: companies.Organisation
    book: Book
    person: str


@dataclass
class _Traffic:
    """When an organisation was called lately."""

    calls: deque[float] = field(default_factory=deque)
    today: int = 0


View = Callable[..., Response]


def open_to(*scopes: str) -> Callable[[View], View]:
    """Let a view in when the token has one of the scopes; it receives the `Call`."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(**parts: Any) -> Response:
            at = here()
            caller = people.caller(at)
            organisation = companies.by_tenant(request.headers.get("xero-tenant-id", ""))
            opened = {connection.organisation.key for connection in people.connections(at, caller.person)}
            if organisation is None or organisation.key not in opened:
                raise Refused(problem(403, "Forbidden", "AuthenticationUnsuccessful"))
            _count(at, organisation)
            if not caller.scopes & set(scopes):
                refused = problem(401, "Unauthorized", "AuthorizationUnsuccessful")
                refused.headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
                raise Refused(refused)
            call = Call(at, organisation, at.book(organisation.key), caller.person)
            return view(call, **parts) if request.method == "GET" else _once(call, view, parts)

        return guarded

    return wrap


def _once(call: Call, view: View, parts: dict[str, Any]) -> Response:
    """A write with an Idempotency-Key: its first answer again for six minutes, errors included."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return view(call, **parts)
    if len(key) > 128:
        return bad_request(
            14, "PostDataInvalidException", "The Idempotency-Key is longer than 128 characters."
        )
    asked = hashlib.sha256(
        b" ".join([request.method.encode(), request.full_path.encode(), request.get_data()])
    ).hexdigest()
    now = call.at.now().timestamp()
    for id_, record in call.book.items("write"):
        if now - record["at"] > _REMEMBERED_SECONDS:
            call.book.remove("write", id_)
    before = call.book.find("write", f"{call.person} {key}")
    if before is not None and before["asked"] != asked:
        return bad_request(
            14, "PostDataInvalidException", "The Idempotency-Key was already used with a different request."
        )
    if before is not None:
        return make_response(before["body"], before["status"], {"Content-Type": before["type"]})
    try:
        answer = view(call, **parts)
    except Refused as refused:
        answer = refused.answer
    record = {
        "at": now,
        "asked": asked,
        "body": answer.get_data(as_text=True),
        "status": answer.status_code,
        "type": answer.content_type,
    }
    call.book.put("write", f"{call.person} {key}", record)
    return answer


# --- limits ---


def set_limit(at: Here, per_minute: int | None) -> None:
    """Refuse what goes over so many calls a minute to one organisation; None: count only."""
    at.grants.book.put("limit", "minute", {"calls": per_minute})
    _traffic().clear()


def _traffic() -> dict[str, _Traffic]:
    found: dict[str, _Traffic] = current_app.extensions.setdefault("xero traffic", {})
    return found


def _count(at: Here, organisation: companies.Organisation) -> None:
    """Count a call. The limit by the minute is enforced only once a lever has set it: demo data is shared
    by all tests.
    """
    now = at.now().timestamp()
    traffic = _traffic().setdefault(organisation.key, _Traffic())
    while traffic.calls and now - traffic.calls[0] >= 60:
        traffic.calls.popleft()
    limit = (at.grants.book.find("limit", "minute") or {}).get("calls")
    if limit is not None and len(traffic.calls) >= limit:
        raise Refused(too_many(max(1, round(60 - (now - traffic.calls[0]))) if traffic.calls else 60))
    traffic.calls.append(now)
    traffic.today += 1
    g.xero_left = (max(0, (limit or _PER_MINUTE) - len(traffic.calls)), max(0, _PER_DAY - traffic.today))


def add_limit_headers(response: Response) -> Response:
    """The three counters, on every answer for an organisation."""
    if "xero_left" in g:
        minute, day = g.xero_left
        response.headers["X-MinLimit-Remaining"] = str(minute)
        response.headers["X-DayLimit-Remaining"] = str(day)
        response.headers["X-AppMinLimit-Remaining"] = str(_PER_APP_MINUTE - 1)
    return response
