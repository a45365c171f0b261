"""What all Xero responses share: envelope, dates, errors, limit headers, JSON or XML."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from flask import Response, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.refusals import RequestRefused, json_refusal

_SPACE = uuid.UUID("5b1f2d3c-7a64-4a0e-9f65-0f6f2a7c1e11")
_instances = itertools.count(1)


def guid(*names: object) -> str:
    """The same id for the same names, so that the ids of demo records are stable."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, names))))


# --- dates and numbers ---


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def wire_date(day: str | None, *, offset: str = "+0000") -> str | None:
    """A calendar day as `/Date(ms+0000)/`: midnight UTC of that day."""
    return (
        f"/Date({milliseconds(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC))}{offset})/"
        if day
        else None
    )


def wire_moment(moment: str) -> str:
    """An instant as `/Date(ms+0000)/`."""
    return f"/Date({milliseconds(datetime.fromisoformat(moment))}+0000)/"


def day_string(day: str | None) -> str | None:
    """A calendar day as `2026-11-05T00:00:00`."""
    return f"{day}T00:00:00" if day else None


def number(amount: Decimal) -> float:
    """Money as a JSON number."""
    return float(amount)


# --- answers ---


def envelope(**members: Any) -> Response:
    """A successful response, in JSON if the caller accepts it, else in XML."""
    body = {
        "Id": guid("answer", next(_instances)),
        "Status": "OK",
        "ProviderName": "Patchbay sandbox",
        "DateTimeUTC": f"/Date({milliseconds(here().now())})/",
        **members,
    }
    if "json" in request.headers.get("Accept", ""):
        return jsonify(body)
    return make_response(
        f'<?xml version="1.0" encoding="utf-8"?>{_xml("Response", body)}',
        200,
        {"Content-Type": "text/xml; charset=utf-8"},
    )


def _xml(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = "".join(_xml(key, part) for key, part in value.items())
    elif isinstance(value, list):
        inner = "".join(_xml(name.removesuffix("s") or "Item", part) for part in value)
    else:
        inner = "" if value is None else escape(str(value))
    return f"<{name}>{inner}</{name}>"


def problem(status: int, title: str, detail: str) -> RequestRefused:
    """401 or 403 in the shape of Xero's gateway."""
    instance = guid("problem", next(_instances))
    head = {"Type": None, "Title": title, "Status": status, "Detail": detail}
    return json_refusal(status, {**head, "Instance": instance, "Extensions": {}})


def not_found() -> Response:
    """404: a sentence in plain text."""
    return make_response(
        "The resource you're looking for cannot be found", 404, {"Content-Type": "text/plain; charset=utf-8"}
    )


def invalid(element: Mapping[str, Any], *messages: str) -> RequestRefused:
    """400 ValidationException: the sent element with the reasons."""
    head = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
    reasons = [{"Message": message} for message in messages]
    return json_refusal(400, {**head, "Elements": [{**element, "ValidationErrors": reasons}]})


def bad_request(number_: int, kind: str, message: str) -> RequestRefused:
    """400 for an invalid request, before any record is read."""
    return json_refusal(400, {"ErrorNumber": number_, "Type": kind, "Message": message})


def too_many(retry_after: int | None) -> Response:
    """429 with an empty body. An hour or more is the daily limit, less the limit per minute."""
    limit = "day" if retry_after is not None and retry_after >= 3600 else "minute"
    answer = make_response("", 429)
    answer.headers["X-Rate-Limit-Problem"] = limit
    answer.headers["Retry-After"] = str(37 if retry_after is None else retry_after)
    answer.headers["X-DayLimit-Remaining" if limit == "day" else "X-MinLimit-Remaining"] = "0"
    return answer
