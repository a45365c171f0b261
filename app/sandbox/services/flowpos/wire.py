"""What all FlowPOS answers share: lists with cursors, errors in the shape of NestJS.

An HTTP request is refused with that error as its body (`refusal`). A tool's error is the same JSON as the
text of a result with `isError` (`ToolRefused`); FlowPOS documents no form of it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Response

from app.sandbox.refusals import RequestRefused, json_object
from app.sandbox.store import Record

Given = Mapping[str, Any]


class ToolRefused(Exception):
    """A tool call that FlowPOS refuses. `body` is the error."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(str(message))
        self.body = _error(status, message)


def refusal(status: int, message: str | list[str], error: str = "") -> RequestRefused:
    """A refused HTTP request."""
    body = json.dumps(_error(status, message, error))
    return RequestRefused(Response(body, status, mimetype="application/json"))


def bad_request(*messages: str) -> ToolRefused:
    """400 with one sentence per problem."""
    return ToolRefused(400, list(messages))


def not_found(what: str) -> ToolRefused:
    """404 for an id that the business does not have."""
    return ToolRefused(404, f"{what} not found")


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
    return json_object(refusal(400, ["body must be a JSON object"]))


def page(records: list[Record], given: Given) -> dict[str, Any]:
    """One page, `limit` records after `cursor`."""
    limit, start = whole(given, "limit", 50, 1, 100), _start(given)
    following = start + limit
    cursor = (
        base64.urlsafe_b64encode(f"after:{following}".encode()).decode() if following < len(records) else None
    )
    return {"data": records[start:following], "nextCursor": cursor}


def whole(given: Given, name: str, usual: int, least: int, most: int) -> int:
    """A whole number among the arguments."""
    value = given.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise bad_request(f"{name} must be an integer between {least} and {most}")
    return value


def text(given: Given, name: str) -> str:
    """A text among the arguments; empty without one."""
    value = given.get(name, "")
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string")
    return value


def day(given: Given, name: str, *, needed: bool = False) -> date | None:
    """A day among the arguments."""
    value = text(given, name)
    if not value and not needed:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise bad_request(f"{name} must be a valid ISO 8601 date string") from None


def period(given: Given, *, needed: bool) -> tuple[date | None, date | None]:
    """`from` and `to`, both included."""
    first, last = day(given, "from", needed=needed), day(given, "to", needed=needed)
    if first and last and last < first:
        raise bad_request("to must not be before from")
    return first, last


def _error(status: int, message: str | list[str], error: str = "") -> dict[str, Any]:
    return {"statusCode": status, "message": message, "error": error or HTTPStatus(status).phrase}


def _start(given: Given) -> int:
    cursor = text(given, "cursor")
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word != "after":
            raise ValueError(word)
        return int(number)
    except ValueError:
        raise bad_request("cursor is not valid") from None
