"""The envelopes and errors of the two API families, and the checks before every call."""

from collections.abc import Iterable
from typing import Any, NoReturn

from flask import Response, abort, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.refusals import with_retry_after
from app.sandbox.services.freshbooks.people import PEOPLE, DemoBusiness
from app.sandbox.store import Book

_UNAUTHENTICATED = {
    "error": "unauthenticated",
    "error_description": "This action requires authentication to continue.",
}


def problem(
    errno: int, field: str, message: str, *, object_: str = "", value: object = "", status: int = 200
) -> Response:
    """An error of the accounting family, which often comes with HTTP 200."""
    error = {"errno": errno, "field": field, "message": message, "object": object_, "value": str(value)}
    return make_response(jsonify(response={"errors": [error]}), status)


def result(**members: Any) -> Response:
    """A success of the accounting family."""
    return jsonify(response={"result": members})


def no_such(field: str, object_: str, value: object) -> Response:
    """404 of the accounting family for an unknown id."""
    return problem(1012, field, f"{object_.title()} not found.", object_=object_, value=value, status=404)


def not_here() -> Response:
    """404 of the business family for an unknown address or id."""
    return make_response(jsonify(error="Requested resource could not be found."), 404)


def too_many(retry_after: int | None) -> Response:
    """429, in the shape that client tests show."""
    answer = problem(429, "", "Rate limit exceeded.", status=429)
    return with_retry_after(answer, retry_after)


def enter_account(account_id: str, scope: str) -> Book:
    """The book of an accounting path. Aborts with FreshBooks' own error otherwise."""
    found = [b for b in _businesses(scope) if b.account_id == account_id]
    if not found:
        # The wrong kind of id (a businessId) is as unknown as another person's account.
        abort(no_such("accountid", "account", account_id))
    if found[0].role == "client" and request.method != "GET":
        abort(problem(1003, "userid", "Access denied.", object_="user", status=403))
    return here().book(account_id)


def enter_business(business_id: str, scope: str) -> Book:
    """The book of a business path. Aborts with FreshBooks' own error otherwise."""
    found = [b for b in _businesses(scope) if str(b.id) == business_id]
    if not found:
        abort(not_here())
    if found[0].role == "client":
        abort(
            make_response(
                jsonify(
                    message="The server could not verify that you are authorized to access the URL requested."
                ),
                401,
            )
        )
    return here().book(found[0].account_id)


def person_email(scope: str) -> str:
    """The person of the token. Aborts if it is missing or lacks the scope."""
    access = here().access()
    if access is None:
        abort(make_response(jsonify(_UNAUTHENTICATED), 401))
    if scope not in access.scopes:
        _lacks(scope, access.scopes)
    return access.person


def _lacks(scope: str, given: Iterable[str]) -> NoReturn:
    """403 whose message names the scopes of the token and the one it needs.

    https://www.freshbooks.com/api/how-to-find-the-right-scopes-for-your-app; the wording is ours.
    """
    text = f"The token was provided the scopes {' '.join(sorted(given))}. This call needs {scope}."
    abort(make_response(jsonify(message=text), 403))


def _businesses(scope: str) -> tuple[DemoBusiness, ...]:
    return PEOPLE[person_email(scope)].businesses


def sent(name: str) -> dict[str, Any]:
    """The object of that name in the JSON body, empty if there is none."""
    body = request.get_json(silent=True)
    inner = body.get(name) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


# --- paging ---


def accounting_page(kind: str, rows: list[dict[str, Any]]) -> Response:
    """A list of the accounting family: 15 per page by default, never more than 100."""
    page, per_page = request.args.get("page", "1"), request.args.get("per_page", "15")
    if not per_page.isdigit() or per_page == "0":
        return problem(
            1013, "per_page", "per_page must be a positive number.", object_=kind, value=per_page, status=422
        )
    number, size = max(1, int(page) if page.isdigit() else 1), min(100, int(per_page))
    visible = rows[(number - 1) * size : number * size]
    pages = -(-len(rows) // size)
    return result(**{kind: visible, "page": number, "pages": pages, "per_page": size, "total": len(rows)})


def business_page(kind: str, rows: list[dict[str, Any]], **totals: Any) -> Response:
    """A list of the business family: 30 per page by default, with `meta`."""
    page, per_page = request.args.get("page", "1"), request.args.get("per_page", "30")
    number = max(1, int(page) if page.isdigit() else 1)
    size = min(100, int(per_page)) if per_page.isdigit() and per_page != "0" else 30
    meta = {"pages": -(-len(rows) // size), **totals, "per_page": size, "total": len(rows), "page": number}
    return jsonify({kind: rows[(number - 1) * size : number * size], "meta": meta})
