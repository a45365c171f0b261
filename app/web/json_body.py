"""What programs send: one JSON object, read the same by every reader. Anything else is refused in a sentence.

Only `application/json` is taken. A page of another site cannot send that without asking first (CORS), and is
never allowed to: so addresses that read their body here, and take no cookie, need no form token.
"""

import json
from typing import Any

from flask import Request
from pydantic_core import from_json
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import InvalidInput

_LARGEST = 64 * 1024


class NotJson(InvalidInput):
    """The body is declared to be something else."""

    status = 415
    message = "Send plain JSON with Content-Type: application/json."


class BodyTooLarge(InvalidInput):
    """Nothing that is taken here is so large."""

    status = 413
    message = f"The body is larger than {_LARGEST // 1024} KiB, which is more than this address takes."


def read(request: Request) -> dict[str, Any]:
    """The members of the object. Raises NotJson, BodyTooLarge, or InvalidInput saying what is wrong with
    it.
    """
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
        body = from_json(raw, allow_inf_nan=False)
        json.loads(raw, object_pairs_hook=_unrepeated)
    except _Repeated:
        raise InvalidInput(
            "A member appears twice in one JSON object, so its meaning is not clear."
        ) from None
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidInput("The body must be one JSON object.")
    return body


def text(body: dict[str, Any], name: str) -> str:
    """A member as text; "" when it is absent or null. Raises InvalidInput when it is something else."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be text.", details={"fields": {name: "This must be text."}})
    return value


class _Repeated(Exception):
    """A JSON object names a member twice (not a ValueError: it has its own sentence)."""


def _unrepeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Repeated
