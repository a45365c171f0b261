"""What all Service Fusion responses share: errors, pages, and the parts that only `expand` includes."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Response, g, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.refusals import RequestRefused, json_object, json_refusal
from app.sandbox.store import Book, Record

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
# filtered by, and in no answer
_HIDDEN = {"requested_date"}
_NESTED = {"contacts.phones": "phones", "contacts.emails": "emails"}


def refused(status: int, message: str = "") -> RequestRefused:
    """`{code, name, message}`."""
    name, usual = _MESSAGES[status]
    return json_refusal(status, {"code": status, "name": name, "message": message or usual})


def invalid(**problems: str) -> RequestRefused:
    """422: a bare list of fields and messages, or an object of fields with the lever `object_errors`."""
    if here().grants.book.find("errors", "object") is not None:
        return json_refusal(422, {name: [message] for name, message in problems.items()})
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


def book() -> Book:
    """The records of the company whose token the request has."""
    found: Book = g.book
    return found


def one(kind: str, id_: str) -> Record:
    """The record of that id. Raises RequestRefused."""
    record = book().find(kind, id_)
    if record is None:
        raise refused(404)
    return record


def created(record: Record) -> Response:
    """201 with the new record."""
    return make_response(jsonify(record), 201)


# Whether a record passes a filter: `end` is gte or lte for a range, None for a value.
Matcher = Callable[[Record, str, str | None], bool]


def part_of(field: str) -> Matcher:
    """A filter for a part of the text, case-insensitive."""
    return lambda record, wanted, end: wanted.lower() in str(record.get(field) or "").lower()


def equal(field: str) -> Matcher:
    """A filter for the whole text, case-insensitive."""
    return lambda record, wanted, end: same(record.get(field), wanted)


def one_of(field: str) -> Matcher:
    """A filter for whole texts, separated by commas."""
    return lambda record, wanted, end: any(same(record.get(field), each) for each in wanted.split(","))


def same(value: Any, wanted: Any) -> bool:
    """Whether two texts are the same, as its database compares them."""
    return str(value or "").strip().lower() == str(wanted or "").strip().lower()


def day_range(field: str) -> Matcher:
    """A range of days; the format is `Y-m-d`. Another one is a 400."""

    def passes(record: Record, wanted: str, end: str | None) -> bool:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", wanted):
            raise refused(400, f"Filter {field} must have the format Y-m-d.")
        value = str(record.get(field) or "")[:10]
        return bool(value) and (value >= wanted if end == "gte" else value <= wanted)

    return passes


def moment_range(field: str) -> Matcher:
    """A range of moments; the format is RFC 3339, `Y-m-d\\TH:i:sP`, without fractions. Another is a 400."""

    def passes(record: Record, wanted: str, end: str | None) -> bool:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", wanted):
            raise refused(400, f"Filter {field} must have the format Y-m-d\\TH:i:sP.")
        text = str(record.get(field) or "")
        if not text or text.startswith(("-", "1970")):
            return False
        value, limit = datetime.fromisoformat(text), datetime.fromisoformat(wanted)
        return value >= limit if end == "gte" else value <= limit

    return passes


def check_lines(given: Mapping[str, Any]) -> None:
    """Raises RequestRefused for a quantity that is no integer (typ.JobProductBody, typ.JobServiceBody)."""
    for name in ("products", "services"):
        for line in given.get(name) or ():
            multiplier = line.get("multiplier", 1)
            if isinstance(multiplier, bool) or not isinstance(multiplier, int):
                raise invalid(**{name: "Multiplier must be an integer."})


def page(records: list[Record], filters: Mapping[str, Matcher], expandable: tuple[str, ...]) -> Response:
    """A filtered and sorted page.

    A page past the end is the last one. `per_page` with an underscore is ignored.
    """
    for name, value in request.args.items():
        if found := _FILTER.fullmatch(name):
            test = filters.get(found[1])
            if test is None:
                continue
            records = [record for record in records if test(record, value, found[2])]
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
    visible = {
        name: value
        for name, value in record.items()
        if name not in _HIDDEN and (name not in expandable or name in wanted)
    }
    if "contacts" in visible:
        gone = {part for name, part in _NESTED.items() if name not in wanted}
        visible["contacts"] = [
            {k: v for k, v in contact.items() if k not in gone} for contact in visible["contacts"]
        ]
    return {**visible, "_expandable": [name for name in expandable if name not in wanted]}


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdigit() else default
