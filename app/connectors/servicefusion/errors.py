"""What ServiceFusion's refusals mean, in our words. Its own text goes into `details`, cleaned and bounded.

https://docs.servicefusion.com
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app import clock
from app.connectors.api_errors import reasons_of, retry_after
from app.connectors.rows import plain
from app.errors import InvalidArguments, PermissionDenied, ProviderRateLimited, ToolError
from app.outbound import Response

_MOST_FIELDS = 10
_DEEPEST = 4
_LIMIT_SECONDS = 60
# What stands around the reasons in an answer, and is no field of a record.
_WRAPPERS = frozenset(["data", "error", "errors", "message"])
_TITLES = frozenset(["code", "name", "status", "type"])  # beside a message


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status in {400, 422}:
        return _refused(answer.status, answer.json())
    if answer.status == 429:
        return ProviderRateLimited(
            "ServiceFusion limits the calls per minute. Please wait and try again.",
            retry_after_seconds=retry_after(answer) or _seconds_to_reset(answer),
        )
    if answer.status == 403:
        return PermissionDenied(
            "ServiceFusion does not allow this for the connected account. Its API needs the Pro plan; "
            "check there, or reconnect."
        )
    return None


def _refused(status: int, body: Any) -> InvalidArguments:
    """A 422 is a list of fields and messages, or an object of them; a 400 has one message."""
    problems = list(_problems(body, 0))
    fields = sorted({str(plain(field))[:60] for field, _ in problems if field})[:_MOST_FIELDS]
    reasons = reasons_of(dict.fromkeys(reason for _, reason in problems))
    sentence = "ServiceFusion refused the request. Its reasons are in the details."
    if fields:
        sentence = (
            "ServiceFusion refused the record; the details name the fields and reasons. A company may "
            "require more fields than others do."
        )
    if not problems:
        sentence = "ServiceFusion refused the request without a reason. Check the arguments."
    return InvalidArguments(sentence, details={"status": status, "fields": fields, "reasons": reasons})


def _problems(node: Any, depth: int, field: str = "") -> Iterator[tuple[str, str]]:
    """Each reason with the field it is about, or "": in lists, objects of fields, objects around them."""
    if depth > _DEEPEST:
        return
    if isinstance(node, str) and node.strip():
        yield field, node
    elif isinstance(node, list):
        for part in node:
            yield from _problems(part, depth + 1, field)
    elif isinstance(node, Mapping):
        named = node.get("field")
        if isinstance(named, str):
            yield from _problems(node.get("message"), depth + 1, named)
            return
        for name, part in node.items():
            if not (name in _TITLES and "message" in node):
                yield from _problems(part, depth + 1, field if name in _WRAPPERS else str(name))


def _seconds_to_reset(answer: Response) -> int:
    """X-Rate-Limit-Reset is a moment in Unix seconds, or a wait when the number is small."""
    text = answer.headers.get("X-Rate-Limit-Reset", "")
    if not (text.isascii() and text.isdigit()):
        return _LIMIT_SECONDS
    number = int(text)
    left = number if number <= 3600 else number - int(clock.timestamp())
    return min(max(left, 1), _LIMIT_SECONDS)
