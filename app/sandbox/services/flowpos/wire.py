"""What all answers of FlowPOS have in common: lists with cursors, refusals as NestJS writes them."""

import base64
from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.store import Record


class Refused(Exception):
    """A request FlowPOS refuses. `answer` is its response."""

    def __init__(self, status: int, message: str | list[str], error: str = "") -> None:
        super().__init__()
        self.answer = jsonify(statusCode=status, message=message, error=error or HTTPStatus(status).phrase)
        self.answer.status_code = status


def bad_request(*messages: str) -> Refused:
    """400 with a sentence for each problem."""
    return Refused(400, list(messages))


def not_found(what: str) -> Refused:
    """Nothing of that id in this business."""
    return Refused(404, f"{what} not found")


def too_many(retry_after: int | None) -> Response:
    """429, which says how long to wait."""
    answer = Refused(429, "Too Many Requests", "ThrottlerException").answer
    answer.headers |= {
        "X-RateLimit-Limit": "120",
        "X-RateLimit-Remaining": "0",
        "Retry-After": str(retry_after or 1),
    }
    return answer


def body() -> dict[str, Any]:
    """The JSON object that was sent."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise bad_request("body must be a JSON object")
    return given


def page(records: list[Record]) -> Response:
    """One page, `limit` records after `cursor`."""
    limit, start = whole("limit", 50, 1, 100), _start()
    following = start + limit
    cursor = (
        base64.urlsafe_b64encode(f"after:{following}".encode()).decode() if following < len(records) else None
    )
    return jsonify(data=records[start:following], nextCursor=cursor)


def whole(name: str, usual: int, least: int, most: int) -> int:
    """A whole number of the query."""
    text = request.args.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise bad_request(f"{name} must be an integer between {least} and {most}")
    return int(text)


def day(name: str, *, needed: bool = False) -> date | None:
    """A day of the query."""
    text = request.args.get(name)
    if text is None and not needed:
        return None
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise bad_request(f"{name} must be a valid ISO 8601 date string") from None


def period(*, needed: bool) -> tuple[date | None, date | None]:
    """`from` and `to`, both included."""
    first, last = day("from", needed=needed), day("to", needed=needed)
    if first and last and last < first:
        raise bad_request("to must not be before from")
    return first, last


def _start() -> int:
    cursor = request.args.get("cursor")
    if cursor is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word != "after":
            raise ValueError(word)
        return int(number)
    except ValueError:
        raise bad_request("cursor is not valid") from None
