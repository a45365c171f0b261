"""What a service's refusals mean, where its own words add nothing; and the parts of reading those words."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.connectors.rows import plain
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Response

_MOST_REASONS = 10
_LONGEST_REASON = 300


def errors_by_status(answer: Response, name: str) -> ToolError:
    """The error a refused request means by its status alone."""
    status = answer.status
    if status == 429:
        return slow_down(name, answer)
    if status >= 500:
        return ProviderUnavailable(
            f"{name} is having trouble right now. Please try again later.", details={"status": status}
        )
    if status == 404 or status == 410:
        return ObjectNotFound(
            f"{name} does not know that record. List the records again and use an id from there."
        )
    if status == 403:
        return PermissionDenied(
            f"{name} does not allow this for the connected account. Check its role there, or reconnect "
            "with more rights."
        )
    if status == 401:
        return ReconnectNeeded(
            f"{name} does not accept this sign-in any more, not even with a fresh token. Reconnect {name} "
            "in the hub."
        )
    if status in {400, 409, 412, 422}:
        return InvalidArguments(
            f"{name} refused the request. Check the arguments.", details={"status": status}
        )
    return ProviderError(
        f"{name} answered with status {status}, which was not expected.", details={"status": status}
    )


def retry_after(answer: Response) -> int | None:
    """The Retry-After header in seconds (RFC 9110 section 10.2.3), or None; dates count as absent."""
    text = answer.headers.get("Retry-After", "")
    return min(int(text), 86_400) if text.isascii() and text.isdigit() else None


def slow_down(name: str, answer: Response | None = None, default: int | None = None) -> ProviderRateLimited:
    """The error for a rate limit. `default` is the wait in seconds when the answer names none."""
    seconds = retry_after(answer) if answer else None
    return ProviderRateLimited(
        f"{name} asks to slow down. Please wait and try again.",
        retry_after_seconds=default if seconds is None else seconds,
    )


def reasons_of(texts: Iterable[Any]) -> list[str]:
    """A service's own reasons, cleaned and bounded: data for `details`, never part of a sentence."""
    return [str(plain(text))[:_LONGEST_REASON] for text in texts][:_MOST_REASONS]


def refused(
    name: str, advice: Mapping[str, str], reasons: list[str], *, unexplained: bool, **more: Any
) -> InvalidArguments:
    """The error for a refused request: our advice per argument; the service's reasons go into `details`."""
    sentence = f"{name} refused the request. Its reasons are in the details."
    if advice:
        corrections = "; ".join(f"{argument}: {text}" for argument, text in advice.items())
        sentence = f"{name} refused the request. Please correct {corrections}."
    if unexplained:
        advice_without_reason = "Check the arguments against what the list tools show."
        sentence = f"{name} refused the request without a reason. {advice_without_reason}"
    return InvalidArguments(
        sentence, details={"status": 400, "fields": sorted(advice), **more, "reasons": reasons}
    )
