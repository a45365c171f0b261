"""The checks before every call: the key, its permissions, repeated writes."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from app.sandbox.current import Here, here
from app.sandbox.idempotency import answer_once
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.stripe.companies import ACCOUNTS, DemoAccount
from app.sandbox.services.stripe.wire import check_names, form, refusal
from app.sandbox.store import Book

_STORED_SECONDS = 24 * 3600
ALLOWLIST = "allowlist"  # the record of the lever
_PAGING = {"limit", "starting_after", "ending_before", "expand"}


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that passed the checks, with its parameters."""

    at: Here
    account: DemoAccount
    book: Book
    given: dict[str, Any]

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.at.now().timestamp())


View = Callable[..., Response]


def opens(permission: str, *takes: str) -> Callable[[View], View]:
    """Require the permission; the view receives the `AuthorizedCall`. `takes` are its parameters."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(**parts: Any) -> Response:
            at = here()
            access = at.access()
            if access is not None and at.grants.book.find(ALLOWLIST, ALLOWLIST) is not None:
                raise refusal(401, "The API key provided does not allow requests from your IP address.")
            if access is None:
                raise _unknown_key()
            account = ACCOUNTS[access.company]
            if permission not in access.scopes:
                raise refusal(
                    403,
                    "The provided key 'rk_test_****' does not have the required permissions for this "
                    "endpoint on account "
                    f"'{account.id}'. Having the 'rak_{permission}' permission would allow this request to "
                    "continue.",
                    code="more_permissions_required",
                )
            given = form()
            check_names(given, {*takes, *(_PAGING if request.method == "GET" else {"expand"})})
            call = AuthorizedCall(at, account, at.book(access.company), given)
            answer = functools.partial(view, call, **parts)
            return answer() if request.method == "GET" else _once(call, answer)

        return guarded

    return wrap


def _unknown_key() -> RequestRefused:
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if here().grants.is_rolled(token):
        return refusal(401, "Expired API Key provided: rk_test_****", code="api_key_expired")
    return refusal(401, "Invalid API Key provided: rk_test_****")


def _once(call: AuthorizedCall, write: Callable[[], Response]) -> Response:
    """Run a write; a POST once per Idempotency-Key and day, errors of the service included."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method != "POST":
        return write()
    if len(key) > 255:
        raise refusal(400, "The Idempotency-Key is longer than 255 characters.", kind="idempotency_error")
    reused = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with."
    )
    return answer_once(
        call.book,
        key,
        write,
        request=[request.path, call.given],
        mismatch=refusal(400, reused, kind="idempotency_error"),
        now=call.now,
        seconds=_STORED_SECONDS,
        stores_refusals=True,
        replayed={"Idempotent-Replayed": "true"},
    )
