"""Requests that several of Gmail's tools send."""

from collections.abc import Mapping
from typing import Any

from app.connectors.answers import Answers
from app.connectors.api import Api

MESSAGES = "/gmail/v1/users/me/messages"


def write(api: Api, path: str, **options: Any) -> Mapping[str, Any]:
    """POSTs and returns the object Gmail made. Raises OutcomeUnknown for any other answer."""
    answer = api.post(path, **options)
    if not isinstance(answer, dict) or not answer.get("id"):
        raise Answers("Gmail").unreadable(wrote=True)
    return answer


def label_ids(message: Mapping[str, Any]) -> list[str]:
    """The label ids of a message."""
    found = message.get("labelIds")
    return [str(label) for label in found] if isinstance(found, list) else []
