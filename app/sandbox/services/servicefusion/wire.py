"""What all Service Fusion responses share: errors, pages, and the parts that only `expand` includes."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.refusals import RequestRefused, json_object, json_refusal
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


def refused(status: int) -> RequestRefused:
    """`{code, name, message}`."""
    name, message = _MESSAGES[status]
    return json_refusal(status, {"code": status, "name": name, "message": message})


def invalid(**problems: str) -> RequestRefused:
    """422: a bare list of fields and messages."""
    return json_refusal(422, [{"field": name, "message": message} for name, message in problems.items()])


def too_many(retry_after: int | None) -> Response:
    """429 with the time to wait in a header of its own."""
    answer = refused(429).answer
    answer.headers["X-Rate-Limit-Remaining"] = "0"
    answer.headers["X-Rate-Limit-Reset"] = str(20 if retry_after is None else retry_after)
    return answer


def body() -> dict[str, Any]:
    """The JSON object in the body."""
    if not request.is_json:
        raise refused(415)
    return json_object(refused(400))


Matcher = Callable[[Record, str], bool]


def part_of(field: str) -> Matcher:
    """A filter for a part of the text, case-insensitive."""
    return lambda record, wanted: wanted.lower() in str(record.get(field) or "").lower()


def equal(field: str) -> Matcher:
    """A filter for the whole text, case-insensitive."""
    return lambda record, wanted: str(record.get(field) or "").lower() == wanted.lower()


def page(
    records: list[Record], filters: Mapping[str, Matcher | str], expandable: tuple[str, ...]
) -> Response:
    """A filtered and sorted page. A filter that is text is a range on that field.

    A page past the end is the last one. `per_page` with an underscore is ignored.
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
    visible = [expanded(record, expandable) for record in records[(number - 1) * size : number * size]]
    meta = {"totalCount": len(records), "pageCount": pages, "currentPage": number, "perPage": size}
    answer = jsonify(items=visible, _expandable=list(expandable), _meta=meta)
    for header, count in zip(
        ("Total-Count", "Page-Count", "Current-Page", "Per-Page"), meta.values(), strict=True
    ):
        answer.headers[f"X-Pagination-{header}"] = str(count)
    return answer


def expanded(record: Record, expandable: tuple[str, ...]) -> Record:
    """The record with the expanded parts; `_expandable` names the others."""
    wanted = set(filter(None, request.args.get("expand", "").split(",")))
    visible = {name: value for name, value in record.items() if name not in expandable or name in wanted}
    if "contacts" in visible:
        gone = {part for name, part in _NESTED.items() if name not in wanted}
        visible["contacts"] = [
            {k: v for k, v in contact.items() if k not in gone} for contact in visible["contacts"]
        ]
    return {**visible, "_expandable": [name for name in expandable if name not in wanted]}


def _passes(record: Record, test: Matcher | str, end: str | None, wanted: str) -> bool:
    if not isinstance(test, str):
        return test(record, wanted)
    value = str(record.get(test) or "")[: len(wanted)]
    return bool(value) and (value >= wanted if end == "gte" else value <= wanted)


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdigit() else default
