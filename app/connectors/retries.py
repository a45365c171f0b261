"""When a request to a service is sent again, and how long to wait before."""

import time

from app.errors import ProviderUnavailable, TemporaryFailure, ToolError

READ_TRIES = 3
_LONGEST_WAIT_SECONDS = 5.0


def wait_before_retry(problem: ToolError, attempt: int, deadline: float) -> float | None:
    """Seconds to wait before a retry, or None when it would not help or take too long (`deadline` is
    monotonic).
    """
    if not isinstance(problem, TemporaryFailure):
        return None
    if problem.retry_after_seconds is None and isinstance(problem, ProviderUnavailable):
        return 0.0
    seconds = float(problem.retry_after_seconds or 2.0**attempt / 2)
    return seconds if seconds <= min(_LONGEST_WAIT_SECONDS, deadline - time.monotonic()) else None
