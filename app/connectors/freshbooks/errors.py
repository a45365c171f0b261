"""What FreshBooks' refusals mean, in our words. Its API families differ in the shape of errors.

FreshBooks' own text never becomes part of a sentence, except for the names of scopes; numbers and field names
do. The text travels, cleaned and bounded, in `details`, where it is data.
https://www.freshbooks.com/api/errors; the shapes are those that the official SDKs read (`error_shapes.py`).
"""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.api_errors import reasons_of, slow_down
from app.connectors.freshbooks.error_shapes import FreshBooksError, problems_in
from app.errors import (
    InvalidArguments,
    MissingRight,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ToolError,
)
from app.outbound import Response

_WAIT_SECONDS = 60  # its limits are not published, and Retry-After is often missing
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
_SCOPE = re.compile(r"\b(?:user|admin):[a-z_]{1,40}:[a-z]{1,10}\b")
_NEEDED = re.compile(
    r"\b(?:needs?|needed|requires?|required|missing|lacks?)\b(.*)", re.IGNORECASE | re.DOTALL
)
_GIVEN = re.compile(r"\b(?:provided|given|granted|has|have)\b.*", re.IGNORECASE | re.DOTALL)
# What every shape of error has and few other answers have.
_MARKS = (b'"error', b'"errno"', b'"details"')


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status < 300:
        # FreshBooks reports refusals with HTTP 200 as well.
        if not any(mark in answer.content for mark in _MARKS):
            return None
        problems = problems_in(answer.json(), succeeded=True)
        return _meaning(problems) if problems else None
    if answer.status == 429:
        return slow_down("FreshBooks", answer, default=_WAIT_SECONDS)
    if answer.status == 403 and (missing := _missing_scopes(answer)) is not None:
        return _lacks_scope(missing)
    if answer.status == 401 or answer.status >= 500:
        return None
    problems = problems_in(answer.json(), succeeded=False)
    # Of these the status says more than a text.
    if answer.status in {403, 404, 410} and not any(p.errno in _KNOWN for p in problems):
        return None
    return _meaning(problems) if problems else None


def _meaning(problems: list[FreshBooksError]) -> ToolError:
    """One error for all reasons; the most serious decides."""
    numbers = {problem.errno for problem in problems}
    reasons = reasons_of(dict.fromkeys(p.message for p in problems if p.message))
    details: dict[str, Any] = {
        "errno": sorted(numbers - {0}),
        "fields": sorted({p.field for p in problems if p.field}),
        **({"reasons": reasons} if reasons else {}),
    }
    if 429 in numbers:
        return slow_down("FreshBooks", default=_WAIT_SECONDS)
    if 1042 in numbers:
        return PermissionDenied(_INACTIVE, details=details)
    if numbers & {1003, 12001}:
        return PermissionDenied(_ROLE, details=details)
    if numbers & {404, 1011, 1012}:
        field = next(p.field for p in problems if p.errno in {404, 1011, 1012})
        if field == "accountid":
            return PermissionDenied(
                "This connection can no longer reach this FreshBooks business. Reconnect FreshBooks on the "
                "Integrations page."
            )
        what = f"The record named by {field}" if field else "That record"
        return ObjectNotFound(
            f"{what} is not in this FreshBooks business, or was deleted. List the records and use an id "
            "from there."
        )
    sentences = [
        _SENTENCES[p.errno].format(field=p.field or "a field") for p in problems if p.errno in _SENTENCES
    ]
    if sentences:
        return InvalidArguments(
            f"FreshBooks refused the request: {'; '.join(dict.fromkeys(sentences))}.", details=details
        )
    if details["fields"]:
        return InvalidArguments(
            f"FreshBooks refused the request. Check {', '.join(details['fields'])}.", details=details
        )
    if reasons:
        return InvalidArguments(
            "FreshBooks refused the request. Its reason is in the details.", details=details
        )
    return ProviderError("FreshBooks refused the request without a known reason.", details=details)


_KNOWN = frozenset({404, 429, 1003, 1011, 1012, 1042, 12001, *_SENTENCES})


def _missing_scopes(answer: Response) -> list[str] | None:
    """The scopes that a 403 says the call needs; None when it is not about scopes.

    Since October 2021 its message names the scopes of the token and those needed, in whatever order:
    https://www.freshbooks.com/api/how-to-find-the-right-scopes-for-your-app
    """
    text = answer.content.decode("utf-8", "replace")
    if not _SCOPE.search(text):
        body = answer.json()
        is_about = isinstance(body, Mapping) and body.get("error") == "insufficient_scope"
        return [] if is_about else None
    after = _NEEDED.search(text)
    needed = _SCOPE.findall(_GIVEN.sub("", after[1])) if after else []
    return sorted(set(needed or _SCOPE.findall(text)))[:10]


def _lacks_scope(missing: list[str]) -> MissingRight:
    named = f" ({', '.join(missing)})" if missing else ""
    return MissingRight(
        f"The FreshBooks connection lacks permission for this{named}. Reconnect FreshBooks on the "
        "Integrations page and allow it.",
        details={"scopes": missing} if missing else {},
    )
