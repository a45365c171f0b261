"""What FlowPOS' refusals mean, in our words. Its own text goes into `details`, cleaned and bounded."""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.api_errors import reasons_of
from app.errors import InvalidArguments, ObjectNotFound, PermissionDenied, ReconnectNeeded, ToolError
from app.outbound import Response


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status < 400 or answer.status >= 500 or answer.status == 429:
        return None
    body = answer.json()
    reasons = _reasons(body.get("message") if isinstance(body, Mapping) else None)
    details: dict[str, Any] = {"status": answer.status, **({"reasons": reasons} if reasons else {})}
    if answer.status == 401:
        return ReconnectNeeded("FlowPOS no longer accepts this connection. Reconnect FlowPOS.")
    if answer.status == 403:
        return _denied(reasons, details)
    if answer.status == 404:
        return ObjectNotFound(
            "FlowPOS has no such record in this business. List the records again and use an id from there."
        )
    if answer.status in {400, 409, 422}:
        advice = "Its reasons are in the details." if reasons else "Check the arguments."
        return InvalidArguments(f"FlowPOS refused the request. {advice}", details=details)
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
    texts = message if isinstance(message, list) else [message]
    return reasons_of(text for text in texts if isinstance(text, str))
