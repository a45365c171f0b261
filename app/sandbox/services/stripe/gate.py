"""What stands before every call: the key, its permissions, and writes that were sent before."""

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.services.stripe.companies import ACCOUNTS, Account
from app.sandbox.services.stripe.wire import Refused, check_names, form
from app.sandbox.store import Book

_REMEMBERED_SECONDS = 24 * 3600
_PAGING = {"limit", "starting_after", "ending_before", "expand"}


@dataclass(frozen=True)
class Call:
    """A call that was let in, with its parameters."""

    at: Here
    account: Account
    book: Book
    given: dict[str, Any]

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.at.now().timestamp())


View = Callable[..., Response]


def opens(permission: str, *takes: str) -> Callable[[View], View]:
    """Let a view in when the key has the permission; it receives the `Call`. `takes` are the parameters it
    knows.
    """

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(**parts: Any) -> Response:
            at = here()
            access = at.access()
            if access is None:
                raise _unknown_key()
            account = ACCOUNTS[access.company]
            if permission not in access.scopes:
                raise Refused(
                    403,
                    "The provided key 'rk_test_****' does not have the required permissions for this "
                    "endpoint on account "
                    f"'{account.id}'. Having the 'rak_{permission}' permission would allow this request to "
                    "continue.",
                    code="more_permissions_required",
                )
            given = form()
            check_names(given, {*takes, *(_PAGING if request.method == "GET" else {"expand"})})
            call = Call(at, account, at.book(access.company), given)
            return view(call, **parts) if request.method == "GET" else _once(call, view, parts)

        return guarded

    return wrap


def _unknown_key() -> Refused:
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if here().grants.is_rolled(token):
        return Refused(401, "Expired API Key provided: rk_test_****", code="api_key_expired")
    return Refused(401, "Invalid API Key provided: rk_test_****")


def _once(call: Call, view: View, parts: dict[str, Any]) -> Response:
    """A POST with an Idempotency-Key: its first answer again for a day, errors of the service included."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method != "POST":
        return view(call, **parts)
    if len(key) > 255:
        raise Refused(400, "The Idempotency-Key is longer than 255 characters.", kind="idempotency_error")
    asked = hashlib.sha256(json.dumps([request.path, call.given], sort_keys=True).encode()).hexdigest()
    before = call.book.find("write", key)
    if before is not None and call.now - before["at"] < _REMEMBERED_SECONDS:
        if before["asked"] != asked:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first "
                "used with.",
                kind="idempotency_error",
            )
        return make_response(jsonify(before["body"]), before["status"], {"Idempotent-Replayed": "true"})
    try:
        answer = view(call, **parts)
    except Refused as refused:
        answer = refused.answer
    record = {"at": call.now, "asked": asked, "body": answer.get_json(), "status": answer.status_code}
    call.book.put("write", key, record)
    return answer
