"""What ServiceFusion's refusals mean, in our words. Its own text goes into `details`, cleaned and bounded.

https://docs.servicefusion.com
"""

from collections.abc import Mapping
from typing import Any

from app import clock
from app.connectors.api_errors import reasons_of
from app.connectors.rows import plain
from app.errors import InvalidArguments, PermissionDenied, ProviderRateLimited, ToolError
from app.outbound import Response

_MOST_FIELDS = 10
_LIMIT_SECONDS = 60


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status == 422:
        return _invalid(answer.json())
    if answer.status == 429:
        return ProviderRateLimited(
            "ServiceFusion takes 60 calls a minute. Please wait and try again.",
            retry_after_seconds=_seconds_to_reset(answer),
        )
    if answer.status == 403:
        return PermissionDenied(
            "ServiceFusion does not allow this for the connected account. Its API needs the Pro plan; "
            "check there, or reconnect in the hub."
        )
    return None


def _invalid(body: Any) -> InvalidArguments:
    """A bare list of fields and messages. A company's settings may require more fields than documented."""
    problems = [entry for entry in body if isinstance(entry, Mapping)] if isinstance(body, list) else []
    fields = sorted({str(plain(entry.get("field")))[:60] for entry in problems if entry.get("field")})[
        :_MOST_FIELDS
    ]
    reasons = reasons_of(entry["message"] for entry in problems if entry.get("message"))
    return InvalidArguments(
        "ServiceFusion refused the record; the details name the fields and reasons. A company may require "
        "more fields than others do.",
        details={"status": 422, "fields": fields, "reasons": reasons},
    )


def _seconds_to_reset(answer: Response) -> int:
    """X-Rate-Limit-Reset is a moment in Unix seconds, or a wait when the number is small."""
    text = answer.headers.get("X-Rate-Limit-Reset", "")
    if not (text.isascii() and text.isdigit()):
        return _LIMIT_SECONDS
    number = int(text)
    left = number if number <= 3600 else number - int(clock.timestamp())
    return min(max(left, 1), _LIMIT_SECONDS)
