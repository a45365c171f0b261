"""The envelope, which every tool call returns: its JSON, its schema, and its size limit."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from app.connectors import schemas
from app.errors import PatchbayError
from app.logs import correlation_id

# Claude Code takes 25,000 tokens; three characters a token is a cautious count
# (connectors.tool.size_in_tokens).
MOST_CHARACTERS = 24_000 * 3
MOST_PART_CHARACTERS = MOST_CHARACTERS - 2_000  # of a text that is a part of an answer, as JSON
_TEXT_CUTS = (20_000, 8_000, 3_000, 1_000, 300)
_LIST_CUTS = (500, 100, 20, 5)
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


class ResultEnvelope(dict[str, Any]):
    """An envelope whose JSON is made once. Not changed once that is made: a change is another envelope."""

    @cached_property
    def json(self) -> bytes:
        """The envelope as JSON."""
        return to_json(self, inf_nan_mode="null")

    @property
    def characters(self) -> int:
        """How long its JSON is as text."""
        return len(self.json) if self.json.isascii() else len(self.json.decode())


def success(operation: str, data: Any, message: str) -> ResultEnvelope:
    """The envelope of a successful call."""
    return ResultEnvelope(success=True, data=data, message=message, operation=operation)


def failure(operation: str, error: PatchbayError) -> ResultEnvelope:
    """The envelope of a failed call. An error without a code of its own is INTERNAL."""
    code = error.code if error.code in _CODES else "INTERNAL"
    details = {**error.details, "retryable": error.retryable, "correlation_id": correlation_id.get()}
    described = {"code": code, "message": error.message, "details": details}
    return ResultEnvelope(success=False, error=described, operation=operation)


def schema(data_schema: Mapping[str, Any], *, reads_only: bool) -> dict[str, Any]:
    """JSON Schema of a tool's envelope: what its data holds. The rest is the same for every tool, and the
    server's instructions describe it once.
    """
    # the records of a list are two levels down; what a write returns is mostly what it was given
    levels = 2 if reads_only else 1
    return {"type": "object", "properties": {"data": schemas.of_answer(data_schema, levels)}}


def to_text(data: Any) -> str:
    """The data as JSON text."""
    return to_json(data, inf_nan_mode="null").decode()


def most_items(items: list[Any], fits: Callable[[int], bool]) -> int:
    """How many items from the front fit, at least one. Assumes that fewer fit when more do."""
    low, high = 1, len(items)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def shortened(data: Any, fits: Callable[[Any], bool]) -> tuple[Any, str]:
    """Data that does not fit with long texts cut, then long lists, until it does; and a sentence about it."""
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
