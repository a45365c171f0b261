"""The result of an MCP server's tool as our tools return one: data, content blocks, or an error.

https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-result
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from mcp_types import ContentBlock
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from app.connectors.output_check import OutputCheck
from app.connectors.rows import plain, to_data
from app.connectors.tool_output import ToolOutput
from app.errors import ProviderError

_MOST_BLOCKS = 50
# of texts beside the data, in all; what is longer is cut
_MOST_BLOCK_CHARACTERS = 20_000
_MOST_ERROR_CHARACTERS = 2_000
_MOST_ABOUT = 4_000  # characters of JSON of a block without its content: names, addresses, metadata
_CONTENT = frozenset({"text", "data", "blob", "resource"})
_BINARIES = {"image": "data", "audio": "data"}

_BLOCK: TypeAdapter[ContentBlock] = TypeAdapter(ContentBlock)


class RemoteToolFailed(ProviderError):
    """The tool says that it failed (`isError`). What it says is in `details`."""


def output_of(result: Mapping[str, Any], *, name: str, check: OutputCheck | None = None) -> ToolOutput:
    """What a CallToolResult of the server `name` holds.

    The data is its structured content, compared with the tool's output schema by `check`; without any, its
    texts. Raises RemoteToolFailed if the tool says that it failed, ProviderError if it is nested too deeply.
    """
    try:
        found = _output_of(result, name, check)
        to_json(found.data)
    except (RecursionError, ValueError):
        raise ProviderError(
            f"{name} sent a result that is nested too deeply to pass on. Ask for less, or use another of its "
            "tools."
        ) from None
    return found


def _output_of(result: Mapping[str, Any], name: str, check: OutputCheck | None) -> ToolOutput:
    content = result.get("content")
    blocks = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    texts = [each["text"] for each in blocks if _is_text(each)]
    if result.get("isError") is True:
        raise _failure(name, texts)
    valid, unreadable = _readable([each for each in blocks if not _is_text(each)])
    notes = []
    if unreadable:
        notes.append(f"{name} also sent content that could not be read, so it was left out.")
    structured = result.get("structuredContent")
    if structured is None:
        if check is not None:
            notes.append(f"{name} declares structured results for this tool, but sent none.")
        return ToolOutput({"text": plain("\n\n".join(texts))}, _bounded(valid), " ".join(notes))
    if check is not None and (problem := check.problem(structured)) is not None:
        notes.append(
            f"The result doesn't match the output schema that {name} declares for this tool: {problem}"
        )
    others = [text for text in texts if text and not _repeats(text, structured)]
    more = [{"type": "text", "text": text} for text in others[:_MOST_BLOCKS]]
    if len(others) > _MOST_BLOCKS:
        notes.append(
            f"{name} also sent more texts than fit, so {len(others) - _MOST_BLOCKS:,} were left out."
        )
    return ToolOutput(to_data(structured), _bounded([*more, *valid]), " ".join(notes))


def _is_text(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and isinstance(block.get("text"), str)


def _failure(name: str, texts: Iterable[str]) -> RemoteToolFailed:
    words = "\n\n".join(texts)[:_MOST_ERROR_CHARACTERS]
    return RemoteToolFailed(
        f"{name} couldn't do this. Its message is in the details.",
        details={"text": plain(words)} if words.strip() else {},
    )


def _readable(blocks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The blocks that the protocol knows, without what it does not, and how many others there were."""
    valid = []
    for block in blocks[:_MOST_BLOCKS]:
        try:
            known = _BLOCK.validate_python(block, by_name=False)
        except ValidationError:
            continue
        dumped = known.model_dump(mode="json", by_alias=True, exclude_none=True)
        if _is_of_size(dumped) and _holds_its_binary(dumped):
            valid.append(dumped)
    return valid, len(blocks) - len(valid)


def _is_of_size(block: Mapping[str, Any]) -> bool:
    """Whether what stands around its content fits: no limit of a result counts that."""
    holder = block["resource"] if block["type"] == "resource" else {}
    about = [{name: part[name] for name in part if name not in _CONTENT} for part in (block, holder)]
    return len(to_json(about)) <= _MOST_ABOUT


def _holds_its_binary(block: Mapping[str, Any]) -> bool:
    """Whether its Base64 is valid, and of the kind it claims: some AI clients end a chat over other data."""
    kind = str(block["type"])
    holder = block["resource"] if kind == "resource" else block
    data = holder.get(_BINARIES.get(kind, "blob"))
    if data is None:
        return kind not in _BINARIES
    if kind in _BINARIES and not str(block.get("mimeType", "")).startswith(f"{kind}/"):
        return False
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _bounded(blocks: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The blocks with cleaned texts, the texts cut where they are too long in all. Binaries are untouched."""
    remaining = _MOST_BLOCK_CHARACTERS
    result = []
    for block in blocks:
        cleaned = _cleaned(block)
        holder = cleaned.get("resource", cleaned)
        if isinstance(text := holder.get("text"), str):
            holder["text"] = text if len(text) <= remaining else f"{text[:remaining]}… [cut]"
            remaining -= min(len(text), remaining)
        result.append(cleaned)
    return tuple(result)


def _cleaned(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if name in {"data", "blob"}
        else _cleaned(value)
        if name == "resource" and isinstance(value, dict)
        else plain(value)
        for name, value in block.items()
    }


def _repeats(text: str, structured: Any) -> bool:
    """Whether the text is the structured content once more, as servers send it for older clients."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    wrapped = (
        structured["result"] if isinstance(structured, dict) and structured.keys() == {"result"} else None
    )
    return found == structured or (wrapped is not None and wrapped in (found, text))
