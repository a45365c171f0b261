"""The shapes in which FreshBooks' services report errors: every one that its official SDKs read.

Python: `api/accounting.py`, `accounting_business.py`, `projects.py`, `events.py` and `payments.py` of
freshbooks-sdk. JavaScript: `packages/api/src/models/Error.ts` of @freshbooks/api.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_MOST = 20
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
# google.rpc.Code's NOT_FOUND, PERMISSION_DENIED and RESOURCE_EXHAUSTED, by the number that means the same.
_BY_RPC_CODE = {5: 404, 7: 1003, 8: 429}


@dataclass(frozen=True)
class FreshBooksError:
    """One reason of a refusal: FreshBooks' number (0 for none), the field it is about, its words."""

    errno: int
    field: str
    message: str = ""


def problems_in(body: Any, *, succeeded: bool) -> list[FreshBooksError]:
    """The reasons in an answer; empty for none. `succeeded`: its status says that all went well."""
    if not isinstance(body, Mapping):
        return []
    response = body.get("response")
    found: list[FreshBooksError] = []
    if isinstance(response, Mapping) and "result" not in response:
        found = [*_each(response.get("errors")), *_each(response.get("error"))]
    if not found and (not succeeded or _is_refusal(body)):
        found = list(_top_level(body))
    return found[:_MOST]


def _is_refusal(body: Mapping[str, Any]) -> bool:
    """Whether an answer with status 200 is a refusal by its own members."""
    # google.rpc.Status: its details may be empty, and its code is 0 for OK
    is_newer = bool(_number(body.get("code"))) and bool(body.get("message")) and "details" in body
    return is_newer or any(body.get(name) for name in ("error", "errno", "errors", "error_type"))


def _top_level(body: Mapping[str, Any]) -> Iterator[FreshBooksError]:
    errno, error = _number(body.get("errno")), body.get("error")
    nested = [*_each(body.get("errors")), *_details(body.get("details"), errno)]
    if isinstance(error, Mapping) and "errno" not in error and "message" not in error:
        # `{"errno":2001,"error":{"title":"field required"}}`
        nested += [FreshBooksError(errno, _field(name), _words(text)) for name, text in error.items()]
    elif error:
        nested += _each(error)
    if not nested:
        message = _words(body.get("error_description")) or _words(body.get("message"))
        errno = errno or _BY_RPC_CODE.get(_number(body.get("code")), 0)
        if errno or message:
            nested = [FreshBooksError(errno, "", message)]
    yield from nested


def _each(errors: Any) -> Iterator[FreshBooksError]:
    """`{errno, field, message}`, a list of these, `{message, details}`, texts by field, or a text."""
    if isinstance(errors, str) and errors:
        yield FreshBooksError(0, "", errors)
    elif (
        isinstance(errors, Mapping)
        and errors
        and not errors.keys() & {"errno", "field", "message", "details"}
    ):
        for name, texts in errors.items():
            for text in texts if isinstance(texts, list) else [texts]:
                yield FreshBooksError(0, _field(name), _words(text))
    elif isinstance(errors, Mapping) and errors:
        inner = list(_details(errors.get("details"), 0))
        yield from inner or [
            FreshBooksError(
                _number(errors.get("errno")), _field(errors.get("field")), _words(errors.get("message"))
            )
        ]
    elif isinstance(errors, list):
        for error in errors:
            if isinstance(error, Mapping):
                yield from _each(error)


def _details(details: Any, errno: int) -> Iterator[FreshBooksError]:
    """google.rpc's ErrorInfo and BadRequest, the ledger's `{reason, metadata}`, and plain texts."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, str):
            field, colon, _ = detail.partition(":")
            yield FreshBooksError(errno, _field(field) if colon else "", detail)
        elif isinstance(detail, Mapping) and isinstance(detail.get("fieldViolations"), list):
            for violation in detail["fieldViolations"]:
                if isinstance(violation, Mapping):
                    description = _words(violation.get("description"))
                    yield FreshBooksError(0, _field(violation.get("field")), description)
        elif isinstance(detail, Mapping) and ("reason" in detail or "metadata" in detail):
            metadata = detail.get("metadata")
            about = metadata if isinstance(metadata, Mapping) else {}
            yield FreshBooksError(
                _number(detail.get("reason")), _field(about.get("field")), _words(about.get("message"))
            )


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _field(value: Any) -> str:
    """Our argument for a FreshBooks field, else the field itself; "" for what is no plain name."""
    if not isinstance(value, str) or not _FIELD.fullmatch(value):
        return ""
    return _ARGUMENTS.get(value, value)
