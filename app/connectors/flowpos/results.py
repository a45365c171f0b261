"""What a tool of FlowPOS answered: JSON as the text of the result, by its documentation."""

import json
from collections.abc import Mapping
from typing import Any

from app.connectors.flowpos import errors
from app.connectors.flowpos.values import unreadable
from app.connectors.rows import plain

_LONGEST_TEXT = 4_000


def read(result: Mapping[str, Any], *, wrote: bool = False, may_be_words: bool = False) -> Any:
    """The data of a result. Raises the ToolError that a failed one means.

    Text that is not JSON becomes `{"text": …}` where it `may_be_words`. Elsewhere it raises
    ProviderUnavailable, after a write OutcomeUnknown, with the text as detail: an AI client can read it.
    """
    text = "\n".join(_texts(result))
    structured = result.get("structuredContent")
    body = structured if isinstance(structured, Mapping) else _json(text)
    if result.get("isError") is True:
        raise errors.read_failure(body, text, wrote=wrote)
    if body is None and may_be_words and text:
        return {"text": text}
    if body is None:
        problem = unreadable(wrote=wrote)
        if text:
            problem.details["answer"] = plain(text[:_LONGEST_TEXT])
        raise problem
    return body["result"] if isinstance(body, Mapping) and set(body) == {"result"} else body


def _texts(result: Mapping[str, Any]) -> list[str]:
    content = result.get("content")
    blocks = content if isinstance(content, list) else []
    return [
        block["text"]
        for block in blocks
        if isinstance(block, Mapping) and block.get("type") == "text" and isinstance(block.get("text"), str)
    ]


def _json(text: str) -> Any:
    """The object or list in a text; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping | list) else None
