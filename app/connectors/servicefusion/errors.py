"""What Service Fusion's refusals mean, in our words. Its own text travels, cleaned and bounded, in `details`.

https://docs.servicefusion.com
"""

import time
from collections.abc import Mapping
from typing import Any

from app.connectors.tool import plain
from app.errors import InvalidArguments, PermissionDenied, ProviderRateLimited, ToolError
from app.outbound import Answer

_MOST_REASONS = 10
_LONGEST_REASON = 300
_LIMIT_SECONDS = 60


def read_error(answer: Answer) -> ToolError | None:
    """The error an answer means, or None when it is none or its status says enough."""
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
    """A bare list of fields and messages. The company's own settings may make more fields necessary than
    we know of.
    """
    problems = [entry for entry in body if isinstance(entry, Mapping)] if isinstance(body, list) else []
    fields = sorted({str(plain(entry.get("field")))[:60] for entry in problems if entry.get("field")})[
        :_MOST_REASONS
    ]
    reasons = [
        str(plain(entry.get("message")))[:_LONGEST_REASON] for entry in problems if entry.get("message")
    ][:_MOST_REASONS]
    return InvalidArguments(
        "ServiceFusion refused the record; the details name the fields and reasons. A company may require "
        "more fields than others do.",
        details={"status": 422, "fields": fields, "reasons": reasons},
    )


def _seconds_to_reset(answer: Answer) -> int:
    """X-Rate-Limit-Reset is a moment in Unix seconds; a small number is a waiting time."""
    text = answer.headers.get("X-Rate-Limit-Reset", "")
    if not (text.isascii() and text.isdigit()):
        return _LIMIT_SECONDS
    number = int(text)
    left = number if number <= 3600 else number - int(time.time())
    return min(max(left, 1), _LIMIT_SECONDS)
