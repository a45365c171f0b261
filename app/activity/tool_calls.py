"""A call of a tool that changes something, as an entry of the trail.

It holds enough of the arguments to know what was done, and nothing that is a secret or a message to somebody.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from app import audit
from app.connectors.tool import Tool
from app.errors import TooManyRequests
from app.usage.models import Call

_SHORT = 60  # characters of a text that stay
_MOST_ITEMS = 20
_DEEPEST = 4
_MOST_LEAVES = 100

# An argument of such a name is a secret, or a text that one person wrote for another.
_SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)|secret|token|api_?key|credential|authori[sz]ation|cookie|private_?key|pin\b|otp",
    re.I,
)
_WRITTEN_NAME = re.compile(
    r"(^|_)(body|html|text|message|contents?|notes?|memo|description|comments?|attachments?|data)($|_)", re.I
)
# A word that looks like a key: long, of letters and digits, and no UUID.
_SECRET_WORD = re.compile(r"(?=[\w.~+/=-]*\d)(?=[\w.~+/=-]*[A-Za-z])[\w.~+/=-]{24,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_SECRET_START = re.compile(
    r"\b(sk|pk|rk|whsec|ghp|xox[a-z]|pb[a-z])_\w{6,}|\bBearer\s+\S+|\beyJ[\w-]{10,}(\.[\w-]+)*", re.I
)


def entry_of(call: Call, tool: Tool, arguments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The signed entry, for the ledger to store with the call.

    None if nothing was done: the call was refused by the rate limit, or it fetched the outcome of an approved
    call.
    """
    if not call.upstream_endpoint and (
        call.outcome == TooManyRequests.code or (call.slug and call.outcome == "ok")
    ):
        return None
    details: dict[str, Any] = {
        "tool": call.tool,
        "title": tool.title,
        "slug": call.slug,
        "client": call.client_name,
        "outcome": call.outcome,
    }
    details["arguments"] = redact(arguments or {})
    who = {"workspace_id": call.workspace_id, "user_id": call.user_id}
    return audit.make("tool.called", **who, subject=call.connection_id or "", details=details)


def redact(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with every name, without secrets and messages; long texts and lists are cut."""
    left = [_MOST_LEAVES]
    return {
        name[:_SHORT]: _value(name, value, 1, left) for name, value in list(arguments.items())[:_MOST_ITEMS]
    }


def _value(name: str, value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        return "…"
    if _SECRET_NAME.search(name) and value not in (None, "", [], {}):
        return "[hidden]"
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, Mapping):
        if depth >= _DEEPEST:
            return "{…}"
        return {
            str(key)[:_SHORT]: _value(str(key), part, depth + 1, left)
            for key, part in list(value.items())[:_MOST_ITEMS]
        }
    if isinstance(value, (list, tuple)):
        if depth >= _DEEPEST:
            return f"[{len(value)} entries]"
        items = [_value(name, part, depth + 1, left) for part in value[:_MOST_ITEMS]]
        return [*items, f"… {len(value) - _MOST_ITEMS} more"] if len(value) > _MOST_ITEMS else items
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float)) else _text(name, str(value))


def _text(name: str, value: str) -> str:
    if not value:
        return value
    if _WRITTEN_NAME.search(name):
        return f"[hidden, {len(value):,} characters]"
    text = _SECRET_START.sub("[hidden]", value[: _SHORT * 4])
    text = _SECRET_WORD.sub(lambda found: found[0] if _UUID.fullmatch(found[0]) else "[hidden]", text)
    if len(value) <= _SHORT:
        return text
    return f"{text[:_SHORT]}… [{len(value):,} characters]"
