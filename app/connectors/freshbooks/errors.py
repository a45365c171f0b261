"""What FreshBooks' refusals mean, in our words. Its two API families and its newer services differ in shape.

FreshBooks' own text never becomes part of a sentence; numbers and field names do.
https://www.freshbooks.com/api/errors
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors.api_errors import slow_down
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ToolError,
)
from app.outbound import Response

_WAIT_SECONDS = 60  # its limits are not published, and Retry-After is often missing
_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,39}")
# FreshBooks' field names, and our tools' argument names for them.
_ARGUMENTS = {
    "customerid": "client_id",
    "clientid": "client_id",
    "userid": "client_id",
    "invoiceid": "invoice_id",
    "email_recipients": "recipients",
    "lines": "line_items",
    "create_date": "date",
    "started_at": "date",
    "duration": "hours",
    "fname": "first_name",
    "lname": "last_name",
}
_LACKS_RIGHT = (
    "The FreshBooks connection was not given the right for this. Reconnect FreshBooks in the "
    "hub and allow it."
)
_ROLE = (
    "The connected person's role in this FreshBooks business does not allow this. Ask its owner, or "
    "connect another login."
)
_INACTIVE = "This FreshBooks account is not active. Check its subscription there."
_SENTENCES = {
    1001: "it needs a value for {field}",
    1004: "it cannot use the value of {field}",
    1013: "it cannot use the value of {field}",
    1038: "{field} cannot be written; give due_offset_days instead of a due date",
    2001: "it cannot use the value of {field}",
}


@dataclass(frozen=True)
class FreshBooksError:
    """One reason of a refusal: FreshBooks' number (0 when it has none) and the field it is about."""

    errno: int
    field: str


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status < 300:
        # The accounting family reports errors with HTTP 200 as well.
        if b'"errors"' not in answer.content:
            return None
        problems = list(_accounting(answer.json()))
        return _meaning(problems) if problems else None
    if answer.status == 429:
        return slow_down("FreshBooks", answer, default=_WAIT_SECONDS)
    body = answer.json()
    if answer.status == 403 and isinstance(body, Mapping) and body.get("error") == "insufficient_scope":
        return PermissionDenied(_LACKS_RIGHT)
    if answer.status == 401 or answer.status >= 500:
        return None
    problems = [*_accounting(body), *_business(body), *_newer(body)]
    return _meaning(problems) if problems else None


def _meaning(problems: list[FreshBooksError]) -> ToolError:
    """One error for all reasons; the most serious decides."""
    numbers = {problem.errno for problem in problems}
    details: dict[str, Any] = {
        "errno": sorted(numbers - {0}),
        "fields": sorted({p.field for p in problems if p.field}),
    }
    if 429 in numbers:
        return slow_down("FreshBooks", default=_WAIT_SECONDS)
    if 1042 in numbers:
        return PermissionDenied(_INACTIVE, details=details)
    if numbers & {1003, 12001}:
        return PermissionDenied(_ROLE, details=details)
    if numbers & {1011, 1012}:
        field = next(p.field for p in problems if p.errno in {1011, 1012})
        if field == "accountid":
            return PermissionDenied(
                "FreshBooks does not open this business to the connection any more. Reconnect it in the hub."
            )
        what = f"The record named by {field}" if field else "That record"
        return ObjectNotFound(
            f"{what} is not in this FreshBooks business, or was deleted. List the records and use an id "
            "from there."
        )
    reasons = [
        _SENTENCES[p.errno].format(field=p.field or "a field") for p in problems if p.errno in _SENTENCES
    ]
    if reasons:
        return InvalidArguments(
            f"FreshBooks refused the request: {'; '.join(dict.fromkeys(reasons))}.", details=details
        )
    if details["fields"]:
        return InvalidArguments(
            f"FreshBooks refused the request. Check {', '.join(details['fields'])}.", details=details
        )
    return ProviderError("FreshBooks refused the request without a reason we know.", details=details)


def _accounting(body: Any) -> Iterator[FreshBooksError]:
    """`{"response":{"errors":[{errno,field,message,object,value}]}}`."""
    response = body.get("response") if isinstance(body, Mapping) else None
    errors = response.get("errors") if isinstance(response, Mapping) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, Mapping):
            yield FreshBooksError(_number(error.get("errno")), _field(error.get("field")))


def _business(body: Any) -> Iterator[FreshBooksError]:
    """`{"errno":2001,"error":{"title":"field required"}}` and `{"errno":422,"details":[…]}`."""
    if not isinstance(body, Mapping) or "errno" not in body:
        return
    errno = _number(body["errno"])
    errors = body.get("error")
    if isinstance(errors, Mapping) and errors:
        yield from (FreshBooksError(errno, _field(name)) for name in errors)
    else:
        yield FreshBooksError(errno, "")


def _newer(body: Any) -> Iterator[FreshBooksError]:
    """`{"code":5,"details":[{"reason":"1012","metadata":{"field":…}}]}` (google.rpc.ErrorInfo)."""
    details = body.get("details") if isinstance(body, Mapping) and "code" in body else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping):
            metadata = detail.get("metadata")
            yield FreshBooksError(
                _number(detail.get("reason")),
                _field(metadata.get("field") if isinstance(metadata, Mapping) else None),
            )


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _field(value: Any) -> str:
    """Our argument for a FreshBooks field, else the field itself; "" for what is no plain name."""
    if not isinstance(value, str) or not _FIELD.fullmatch(value):
        return ""
    return _ARGUMENTS.get(value, value)
