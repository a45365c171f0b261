"""What every tool call answers: the envelope, its schema, and the size it is kept under."""

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json

from app.errors import PatchbayError
from app.logs import correlation_id

# Claude Code takes 25,000 tokens; three characters a token is a cautious count
# (connectors.tool.size_in_tokens).
MOST_CHARACTERS = 24_000 * 3
_TEXT_CUTS = (20_000, 8_000, 3_000, 1_000, 300)
_LIST_CUTS = (500, 100, 20, 5)
_FOR_CHECKING = frozenset(
    {"required", "additionalProperties", "default", "title", "minLength", "maxLength", "pattern"}
)
_LONGEST_NOTE = 40
_CODES = (
    "NOT_CONNECTED",
    "RECONNECT_NEEDED",
    "PERMISSION_DENIED",
    "APPROVAL_NEEDED",
    "INVALID_ARGUMENTS",
    "NOT_FOUND",
    "RATE_LIMITED",
    "PROVIDER_ERROR",
    "PROVIDER_UNAVAILABLE",
    "TIMEOUT",
    "WORKSPACE_INACTIVE",
    "AMBIGUOUS_ACCOUNT",
    "INTERNAL",
)


def success(operation: str, data: Any, message: str) -> dict[str, Any]:
    """The envelope of a call that worked."""
    return {"success": True, "data": data, "message": message, "operation": operation}


def failure(operation: str, error: PatchbayError) -> dict[str, Any]:
    """The envelope of a call that did not. Anything without a code of its own is INTERNAL."""
    code = error.code if error.code in _CODES else "INTERNAL"
    details = {**error.details, "retryable": error.retryable, "correlation_id": correlation_id.get()}
    return {
        "success": False,
        "error": {"code": code, "message": error.message, "details": details},
        "operation": operation,
    }


def schema(data_schema: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of a tool's envelope: with data and message, or with error. It stands in every tool, so
    it is brief.
    """
    return {
        "type": "object",
        "properties": {
            "success": {"type": "boolean"},
            "data": _brief(data_schema),
            "message": {"type": "string"},
            "error": {"type": "object"},
            "operation": {"type": "string"},
        },
        "required": ["success", "operation"],
    }


def _brief(node: Any, *, is_names: bool = False) -> Any:
    """A schema of what is sent, without what only who checks it needs: names and types stay, and short
    notes such as units.
    """
    if isinstance(node, list):
        return [_brief(part) for part in node]
    if not isinstance(node, dict):
        return node
    if is_names:
        return {name: _brief(part) for name, part in node.items()}
    kept = {key: part for key, part in node.items() if key not in _FOR_CHECKING}
    if "properties" in kept or len(kept.get("description", "")) > _LONGEST_NOTE:
        kept.pop("description", None)
    return {
        key: part if key == "enum" else _brief(part, is_names=key == "properties")
        for key, part in kept.items()
    }


def to_text(envelope: dict[str, Any]) -> str:
    """The envelope as JSON text."""
    return to_json(envelope, inf_nan_mode="null").decode()


def result(envelope: dict[str, Any], text: str) -> dict[str, Any]:
    """The envelope as the wire result of tools/call: structured, and as text for clients that read only
    that.
    """
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": text}],
        "structuredContent": envelope,
        "isError": not envelope["success"],
    }


def most_items(items: list[Any], fits: Callable[[int], bool]) -> int:
    """How many items from the front fit, at least one. Fewer always fit when more do."""
    low, high = 1, len(items)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def shortened(data: Any, fits: Callable[[Any], bool]) -> tuple[Any, str]:
    """Data with long texts cut, then long lists, until it fits; and the sentence that says so ("" when
    nothing was cut).
    """
    if fits(data):
        return data, ""
    for most in _TEXT_CUTS:
        data = _cut(data, most, None)
        if fits(data):
            return data, f" Texts longer than {most:,} characters were cut."
    for entries in _LIST_CUTS:
        data = _cut(data, _TEXT_CUTS[-1], entries)
        if fits(data):
            break
    return (
        data,
        f" The answer was too large: texts were cut to {_TEXT_CUTS[-1]} characters and lists to {entries} "
        "entries.",
    )


def _cut(value: Any, text: int, entries: int | None) -> Any:
    if isinstance(value, str):
        return value if len(value) <= text else f"{value[:text]}… [cut, {len(value):,} characters in all]"
    if isinstance(value, dict):
        return {name: _cut(part, text, entries) for name, part in value.items()}
    if isinstance(value, list):
        return [_cut(part, text, entries) for part in value[:entries]]
    return value
