"""What all FlowPOS answers share: lists with cursors, errors in the shape of NestJS."""

import base64
from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.refusals import RequestRefused, json_object, json_refusal
from app.sandbox.store import Record


def refusal(status: int, message: str | list[str], error: str = "") -> RequestRefused:
    """A refusal in the shape of NestJS."""
    reason = error or HTTPStatus(status).phrase
    return json_refusal(status, {"statusCode": status, "message": message, "error": reason})


def bad_request(*messages: str) -> RequestRefused:
    """400 with one sentence per problem."""
    return refusal(400, list(messages))


def not_found(what: str) -> RequestRefused:
    """404 for an id that the business does not have."""
    return refusal(404, f"{what} not found")


def too_many(retry_after: int | None) -> Response:
    """429 with the time to wait."""
    answer = refusal(429, "Too Many Requests", "ThrottlerException").answer
    answer.headers |= {
        "X-RateLimit-Limit": "120",
        "X-RateLimit-Remaining": "0",
        "Retry-After": str(retry_after or 1),
    }
    return answer


def body() -> dict[str, Any]:
    """The JSON object that was sent."""
    return json_object(bad_request("body must be a JSON object"))


def page(records: list[Record]) -> Response:
    """One page, `limit` records after `cursor`."""
    limit, start = whole("limit", 50, 1, 100), _start()
    following = start + limit
    cursor = (
        base64.urlsafe_b64encode(f"after:{following}".encode()).decode() if following < len(records) else None
    )
    return jsonify(data=records[start:following], nextCursor=cursor)


def whole(name: str, usual: int, least: int, most: int) -> int:
    """A whole number in the query."""
    text = request.args.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise bad_request(f"{name} must be an integer between {least} and {most}")
    return int(text)


def day(name: str, *, needed: bool = False) -> date | None:
    """A day in the query."""
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
