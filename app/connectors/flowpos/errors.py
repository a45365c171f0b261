"""What FlowPOS' refusals mean, in our words. Its own text goes into `details`, cleaned and bounded.

A tool is refused by a result that is an error, of which FlowPOS documents no form: that of NestJS is
understood, and so are a few words.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.api_errors import reasons_of
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)

_SCOPE = re.compile(r"\b(?:pos|reports|psa):(?:read|write|intents)\b")
# what a text without a status means, the first that fits
_WORDS = (
    (404, re.compile(r"\bnot found\b|\bno such\b|\bdoes not exist\b", re.IGNORECASE)),
    (403, re.compile(r"\bforbidden\b|\bpermission\b|\bnot allowed\b|\bmissing scope\b", re.IGNORECASE)),
    (429, re.compile(r"\btoo many requests\b|\brate limit", re.IGNORECASE)),
    (400, re.compile(r"\binvalid\b|\brequired\b|\bmust (?:not )?be\b", re.IGNORECASE)),
)


def read_failure(body: Any, text: str, *, wrote: bool) -> ToolError:
    """The error that the result of a tool means: `body` is its JSON, None without any, `text` all of it."""
    status = body.get("statusCode") if isinstance(body, Mapping) else None
    reasons = _reasons(body.get("message") if isinstance(body, Mapping) else None) or _reasons(text)
    if not isinstance(status, int):
        status = next((status for status, words in _WORDS if words.search(" ".join(reasons))), None)
    details = _details(status, reasons)
    if status == 429:
        return ProviderRateLimited(
            "FlowPOS limits the rate of requests. Please try again later.", details=details
        )
    if status is not None and status >= 500:
        if wrote:
            return OutcomeUnknown(
                "FlowPOS failed while handling this. Check there whether it was done before repeating it.",
                details=details,
            )
        return ProviderUnavailable(
            "FlowPOS is having trouble right now. Please try again later.", details=details
        )
    return (_meaning(status, reasons) if status is not None else None) or ProviderError(
        "FlowPOS could not do this. Its reasons are in the details.", details=details
    )


def _meaning(status: int, reasons: list[str]) -> ToolError | None:
    details = _details(status, reasons)
    if status == 401:
        return ReconnectNeeded("FlowPOS no longer accepts this connection. Reconnect FlowPOS.")
    if status == 403:
        return _denied(reasons, details)
    if status == 404:
        return ObjectNotFound(
            "FlowPOS has no such record in this business. List the records again and use an id from there."
        )
    if status in {400, 409, 422}:
        advice = "Its reasons are in the details." if reasons else "Check the arguments."
        return InvalidArguments(f"FlowPOS refused the request. {advice}", details=details)
    return None


def _details(status: int | None, reasons: list[str]) -> dict[str, Any]:
    return {**({"status": status} if status else {}), **({"reasons": reasons} if reasons else {})}


def _denied(reasons: list[str], details: dict[str, Any]) -> PermissionDenied:
    scope = _SCOPE.search(" ".join(reasons))
    if scope is None:
        return PermissionDenied(
            "FlowPOS does not allow this: the connection may not work in this business, or not do this.",
            details=details,
        )
    return PermissionDenied(
        "The FlowPOS token or key was not given what this needs. Reconnect FlowPOS with one that has it.",
        details={**details, "needs_any_of": [scope[0]]},
    )


def _reasons(message: Any) -> list[str]:
    """A sentence, or a list of them for a 400."""
    texts = message if isinstance(message, list) else [message]
    return reasons_of(text for text in texts if isinstance(text, str))
