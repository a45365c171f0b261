"""What all Xano responses share: lists in two shapes, errors in one."""

from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.refusals import RequestRefused, json_object, json_refusal, with_retry_after

ANSWERS = {
    "lists": ("array", "pages"),
    "bulk": ("ids", "counts", "empty", "no ids", "blank", "error"),  # nothing is done at the last three
    "deletes": ("null", "empty", "error"),
    "logins": ("403", "400", "404", "500"),  # of a wrong password: the builder of a backend chooses
    "profiles": ("with key", "without key"),
}
_MOST_PER_PAGE = 10_000


def refusal(status: int, code: str, message: str, **more: Any) -> RequestRefused:
    """A refusal with Xano's error code."""
    return json_refusal(status, {"code": code, "message": message, **more})


def bad_input(message: str, param: str) -> RequestRefused:
    """The error for an invalid value."""
    return refusal(400, "ERROR_CODE_INPUT_ERROR", message, param=param)


def not_found(message: str = "Not Found") -> RequestRefused:
    """404 for an unknown id."""
    return refusal(404, "ERROR_CODE_NOT_FOUND", message)


def too_many(retry_after: int | None) -> Response:
    """429, without the time to wait unless the lever sets it."""
    message = "Whoa there! Your plan only supports 10 requests per 20 seconds. Please upgrade for more."
    return with_retry_after(refusal(429, "ERROR_CODE_TOO_MANY_REQUESTS", message).answer, retry_after)


def how(what: str, usual: str) -> str:
    """The present shape of a response: that of the lever, else the usual one."""
    record = here().grants.book.find("answers", what)
    return str(record["how"]) if record else usual


def one_page(found: list[Any], *, totals: bool = False) -> Response:
    """The requested page in the envelope."""
    page, size = _count("page", 1), min(_count("per_page", 50), _MOST_PER_PAGE)
    start = (page - 1) * size
    items, pages = found[start : start + size], -(-len(found) // size)
    body: dict[str, Any] = {
        "itemsReceived": len(items),
        "curPage": page,
        "nextPage": page + 1 if page < pages else None,
        "prevPage": page - 1 if page > 1 else None,
        "offset": start,
        "perPage": size,
    }
    if totals:
        body |= {"itemsTotal": len(found), "pageTotal": pages}
    return jsonify({**body, "items": items})


def short_list(found: list[Any]) -> Response:
    """A list that the documentation shows as a bare array, and some instances in the envelope."""
    return jsonify(found) if how("lists", "array") == "array" else one_page(found)


def check_deletable() -> None:
    """Raises RequestRefused where the lever has an error sent with status 200."""
    if how("deletes", "null") == "error":
        raise refusal(200, "ERROR_FATAL", "The table is locked.")


def gone() -> Response:
    """The response after deleting: null, or an empty body."""
    return jsonify(None) if how("deletes", "null") == "null" else make_response("", 200)


def body() -> dict[str, Any]:
    """The JSON object in the body."""
    return json_object(bad_input("Invalid JSON body.", "body"))


def needed(given: dict[str, Any], name: str) -> Any:
    """A required member."""
    if given.get(name) in (None, ""):
        raise bad_input(f"Missing param: {name}", name)
    return given[name]


def _count(name: str, usual: int) -> int:
    text = request.args.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_input(f"Value is not valid: {name}", name)
    return int(text)
