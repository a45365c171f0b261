"""What FlowPOS' refusals mean, in our words. Its own text travels, cleaned and bounded, in `details`."""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.tool import plain
from app.errors import InvalidArguments, ObjectNotFound, PermissionDenied, ReconnectNeeded, ToolError
from app.outbound import Answer

_LONGEST_REASON = 300
_MOST_REASONS = 10


def read_error(answer: Answer) -> ToolError | None:
    """The error an answer means, or None when it is none or its status says enough."""
    if answer.status < 400 or answer.status >= 500 or answer.status == 429:
        return None
    body = answer.json()
    reasons = _reasons(body.get("message") if isinstance(body, Mapping) else None)
    details: dict[str, Any] = {"status": answer.status, **({"reasons": reasons} if reasons else {})}
    if answer.status == 401:
        return ReconnectNeeded("FlowPOS no longer accepts this sign-in. Reconnect FlowPOS in the hub.")
    if answer.status == 403:
        return _denied(reasons, details)
    if answer.status == 404:
        return ObjectNotFound(
            "FlowPOS does not know that record in this business. List the records again and use an id from "
            "there."
        )
    if answer.status in {400, 409, 422}:
        told = " Its reasons are in the details." if reasons else " Check the arguments."
        return InvalidArguments(f"FlowPOS refused the request.{told}", details=details)
    return None


def _denied(reasons: list[str], details: dict[str, Any]) -> PermissionDenied:
    scope = re.search(r"\b(?:pos|reports|psa):(?:read|write|intents)\b", " ".join(reasons))
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
    found = message if isinstance(message, list) else [message]
    return [str(plain(text))[:_LONGEST_REASON] for text in found if isinstance(text, str)][:_MOST_REASONS]
