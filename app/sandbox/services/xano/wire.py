"""What all answers of Xano have in common: lists in two shapes, refusals in one."""

from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import here

ANSWERS = {"lists": ("array", "pages"), "bulk": ("ids", "counts", "empty"), "deletes": ("null", "empty")}
_MOST_PER_PAGE = 10_000


class Refused(Exception):
    """A request Xano refuses. `answer` is its response."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__()
        self.answer = _refusal(status, code, message, **more)


def _refusal(status: int, code: str, message: str, **more: Any) -> Response:
    answer = jsonify(code=code, message=message, **more)
    answer.status_code = status
    return answer


def bad_input(message: str, param: str) -> Refused:
    """A value that cannot be used."""
    return Refused(400, "ERROR_CODE_INPUT_ERROR", message, param=param)


def not_found(message: str = "Not Found") -> Refused:
    """Nothing of that id."""
    return Refused(404, "ERROR_CODE_NOT_FOUND", message)


def too_many(retry_after: int | None) -> Response:
    """429; how long to wait is not said unless a lever asks for it."""
    answer = _refusal(
        429,
        "ERROR_CODE_TOO_MANY_REQUESTS",
        "Whoa there! Your plan only supports 10 requests per 20 seconds. Please upgrade for more.",
    )
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def how(what: str, usual: str) -> str:
    """In which of its shapes Xano answers now: the lever's word, else what this instance usually does."""
    record = here().grants.book.find("answers", what)
    return str(record["how"]) if record else usual


def one_page(found: list[Any], *, totals: bool = False) -> Response:
    """The page the caller asked for, in the envelope."""
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
    """A list that is documented as a bare array, and seen in the envelope."""
    return jsonify(found) if how("lists", "array") == "array" else one_page(found)


def gone() -> Response:
    """What Xano says after deleting: null, or nothing."""
    return jsonify(None) if how("deletes", "null") == "null" else make_response("", 200)


def body() -> dict[str, Any]:
    """The JSON object that was sent."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise bad_input("Invalid JSON body.", "body")
    return given


def needed(given: dict[str, Any], name: str) -> Any:
    """A member that must be there."""
    if given.get(name) in (None, ""):
        raise bad_input(f"Missing param: {name}", name)
    return given[name]


def _count(name: str, usual: int) -> int:
    text = request.args.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_input(f"Value is not valid: {name}", name)
    return int(text)
