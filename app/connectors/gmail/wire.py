"""Requests that several of Gmail's tools send."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.connectors.answers import Answers
from app.connectors.api import Api

MESSAGES = "/gmail/v1/users/me/messages"


def write(api: Api, path: str, *, proof: Sequence[str] = ("id",), **options: Any) -> Mapping[str, Any]:
    """POSTs and returns the object Gmail made. Raises OutcomeUnknown for one that has none of `proof`."""
    answer = api.post(path, **options)
    if not isinstance(answer, dict) or not any(answer.get(name) for name in proof):
        raise Answers("Gmail").unreadable(wrote=True)
    return answer


def text(record: Mapping[str, Any], name: str) -> str:
    """A text of a record, "" for anything else."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def label_ids(message: Mapping[str, Any]) -> list[str]:
    """The label ids of a message."""
    found = message.get("labelIds")
    return [label for label in found if isinstance(label, str)] if isinstance(found, list) else []
