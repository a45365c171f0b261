"""What stands before every call: the token, its scope, membership of the business, writes that were sent
before, the limit.
"""

import functools
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, jsonify, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.rules import Access
from app.sandbox.services.flowpos.people import Business, reached
from app.sandbox.services.flowpos.wire import Refused, body, too_many
from app.sandbox.store import Book, Record

BUSINESS = "/v1/businesses/<business>"
_A_MINUTE = 120

View = Callable[..., Response]


@dataclass(frozen=True)
class Call:
    """A call that was let in."""

    at: Here
    business: Business
    book: Book

    def local_day(self, moment: str) -> date:
        """The business's own day of a moment."""
        return datetime.fromisoformat(moment).astimezone(ZoneInfo(self.business.timezone)).date()

    def find(self, kind: str, id_: Any) -> Record | None:
        """The record of that id in this business."""
        return self.book.find(kind, id_)


def opens(scope: str) -> Callable[[View], View]:
    """Let a view in when the token has the scope and its person belongs to the business; it receives the
    `Call`.
    """

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(business: str, **parts: Any) -> Response:
            at, access = here(), signed_in()
            if _is_over(at):
                return too_many(None)
            if scope not in access.scopes:
                raise Refused(403, f"Missing scope {scope}")
            found = next((b for b in reached(at, access) if b.id == business), None)
            if found is None:
                raise Refused(403, "No active membership in this business")
            call = Call(at, found, at.book(found.id))
            return view(call, **parts) if request.method == "GET" else _once(call, view, parts)

        return guarded

    return wrap


def signed_in() -> Access:
    """Who calls. Raises Refused."""
    access = here().access()
    if access is None:
        raise Refused(401, "Invalid or expired token")
    return access


def _is_over(at: Here) -> bool:
    """Count a request; there are 120 a minute for each token."""
    traffic: dict[str, deque[float]] = current_app.extensions.setdefault(
        "flowpos traffic", defaultdict(deque)
    )
    calls, now = traffic[digest(request.headers["Authorization"])], at.now().timestamp()
    while calls and not 0 <= now - calls[0] < 60:
        calls.popleft()
    if len(calls) >= _A_MINUTE:
        return True
    calls.append(now)
    return False


def _once(call: Call, view: View, parts: dict[str, Any]) -> Response:
    """A write with an Idempotency-Key: its first answer again."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return view(call, **parts)
    asked = hashlib.sha256(json.dumps([request.path, body()], sort_keys=True).encode()).hexdigest()
    before = call.book.find("write", key)
    if before is not None and before["asked"] != asked:
        raise Refused(409, "Idempotency-Key was used with another request")
    if before is not None:
        return make_response(jsonify(before["body"]), before["status"])
    answer = view(call, **parts)
    call.book.put("write", key, {"asked": asked, "body": answer.get_json(), "status": answer.status_code})
    return answer
