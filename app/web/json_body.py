"""Request bodies of the API: one JSON object, with one meaning. Anything else is refused with a sentence.

Only `application/json` is accepted. A page of another site cannot send that without a CORS preflight, which
we never allow. So endpoints that read their body here, and read no cookie, need no CSRF token.
"""

from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app import strict_json
from app.errors import InvalidInput

_LARGEST = 64 * 1024


class NotJson(InvalidInput):
    """The Content-Type is not application/json."""

    status = 415
    message = "Send plain JSON with Content-Type: application/json."


class BodyTooLarge(InvalidInput):
    """No request to these endpoints is this large."""

    status = 413
    message = f"The body is larger than {_LARGEST // 1024} KiB, which is more than this address takes."


def read(request: Request) -> dict[str, Any]:
    """Return the members of the object. Raises NotJson, BodyTooLarge, or InvalidInput with the reason."""
    if (
        request.mimetype != "application/json"
        or request.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise NotJson()
    request.max_content_length = _LARGEST
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise BodyTooLarge() from None
    try:
        body = strict_json.parse(raw)
    except strict_json.RepeatedMember:
        raise InvalidInput(
            "A member appears twice in one JSON object, so its meaning is not clear."
        ) from None
    except ValueError:
        raise InvalidInput("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidInput("The body must be one JSON object.")
    return body


def text(body: dict[str, Any], name: str) -> str:
    """Return a member as text; "" if absent or null. Raises InvalidInput if it is not text."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be text.", details={"fields": {name: "This must be text."}})
    return value
