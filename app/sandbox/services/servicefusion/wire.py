"""What every answer of Service Fusion has in common: errors, pages, what is left out unless it is asked
for.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.store import Record

_MESSAGES = {
    400: ("Bad Request.", "Your request is invalid."),
    401: ("Unauthorized.", "Your request was made with invalid credentials."),
    403: ("Forbidden.", "Login Required."),
    404: ("Not Found.", "Item not found."),
    405: ("Method not allowed.", "This URL can only handle the following request methods: GET, POST."),
    415: ("Unsupported Media Type.", "Send JSON."),
    429: ("Too Many Requests.", "Rate limit exceeded."),
    504: ("Gateway Timeout.", "A list of jobs without a sort takes minutes."),
}
_FILTER = re.compile(r"filters\[(\w+)\](?:\[(gte|lte)\])?")
_NESTED = {"contacts.phones": "phones", "contacts.emails": "emails"}


class Refused(Exception):
    """A request Service Fusion refuses. `answer` is its response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def refused(status: int) -> Refused:
    """`{code, name, message}`."""
    name, message = _MESSAGES[status]
    answer = jsonify(code=status, name=name, message=message)
    answer.status_code = status
    return Refused(answer)


def invalid(**problems: str) -> Refused:
    """422: a bare list of fields and messages."""
    answer = jsonify([{"field": field, "message": message} for field, message in problems.items()])
    answer.status_code = 422
    return Refused(answer)


def too_many(retry_after: int | None) -> Response:
    """429. When it ends stands in a header of its own."""
    answer = refused(429).answer
    answer.headers["X-Rate-Limit-Remaining"] = "0"
    answer.headers["X-Rate-Limit-Reset"] = str(20 if retry_after is None else retry_after)
    return answer


def body() -> dict[str, Any]:
    """What was posted. JSON only."""
    if not request.is_json:
        raise refused(415)
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise refused(400)
    return given


Test = Callable[[Record, str], bool]


def part_of(field: str) -> Test:
    """A filter that looks for a part of the text, whatever its case."""
    return lambda record, wanted: wanted.lower() in str(record.get(field) or "").lower()


def equal(field: str) -> Test:
    """A filter for the whole text."""
    return lambda record, wanted: str(record.get(field) or "").lower() == wanted.lower()


def page(records: list[Record], filters: Mapping[str, Test | str], expandable: tuple[str, ...]) -> Response:
    """A list: filtered, sorted, cut. A page past the end is the last one; `per_page` with an underscore means
    nothing.

    A filter that is text is a range on that field.
    """
    for name, value in request.args.items():
        if found := _FILTER.fullmatch(name):
            test = filters.get(found[1])
            if test is None:
                continue
            records = [record for record in records if _passes(record, test, found[2], value)]
    for field in reversed(request.args.get("sort", "id").split(",")):
        key = field.lstrip("-")
        records = sorted(
            records,
            key=lambda record: (record.get(key) is not None, record.get(key) or 0),
            reverse=field.startswith("-"),
        )
    size = min(50, max(1, _number("per-page", 10)))
    pages = -(-len(records) // size)
    number = min(max(1, _number("page", 1)), max(pages, 1))
    shown = [expanded(record, expandable) for record in records[(number - 1) * size : number * size]]
    meta = {"totalCount": len(records), "pageCount": pages, "currentPage": number, "perPage": size}
    answer = jsonify(items=shown, _expandable=list(expandable), _meta=meta)
    for header, count in zip(
        ("Total-Count", "Page-Count", "Current-Page", "Per-Page"), meta.values(), strict=True
    ):
        answer.headers[f"X-Pagination-{header}"] = str(count)
    return answer


def expanded(record: Record, expandable: tuple[str, ...]) -> Record:
    """The record without the parts that were not asked for, which it names."""
    wanted = set(filter(None, request.args.get("expand", "").split(",")))
    shown = {name: value for name, value in record.items() if name not in expandable or name in wanted}
    if "contacts" in shown:
        gone = {part for name, part in _NESTED.items() if name not in wanted}
        shown["contacts"] = [
            {k: v for k, v in contact.items() if k not in gone} for contact in shown["contacts"]
        ]
    return {**shown, "_expandable": [name for name in expandable if name not in wanted]}


def _passes(record: Record, test: Test | str, end: str | None, wanted: str) -> bool:
    if not isinstance(test, str):
        return test(record, wanted)
    value = str(record.get(test) or "")[: len(wanted)]
    return bool(value) and (value >= wanted if end == "gte" else value <= wanted)


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdigit() else default
