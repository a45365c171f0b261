"""What a service's refusals mean, where its own words add nothing; and the parts of reading those words."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app import clock
from app.connectors.rows import plain
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import (
    AddressRefused,
    CertificateRefused,
    OutboundError,
    OutboundTimeout,
    Response,
    ResponseEndless,
    ResponseTooLarge,
    ResponseUnreadable,
)

_MOST_REASONS = 10
_LONGEST_REASON = 300
_LONGEST_WAIT_SECONDS = 86_400
_FIRST_EPOCH = 1_000_000_000  # a larger number is a moment in Unix seconds (2001), not a wait
# also as `60s`
_NUMBER = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,9})?)s?", re.IGNORECASE)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "day")
# Dates hold a comma of their own: "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT".
_NEXT_VALUE = re.compile("".join(f"(?<!{day})" for day in _DAYS) + ",", re.IGNORECASE)


def errors_by_status(answer: Response, name: str) -> ToolError:
    """The error a refused request means by its status alone."""
    status = answer.status
    if status == 429:
        return slow_down(name, answer)
    if status >= 500:
        return ProviderUnavailable(
            f"{name} is having trouble right now. Please try again later.",
            retry_after_seconds=retry_after(answer),
            details={"status": status},
        )
    if status == 404 or status == 410:
        return ObjectNotFound(
            f"{name} has no record with that id. List the records again and use an id from there."
        )
    if status == 403:
        return PermissionDenied(
            f"{name} does not allow this for the connected account. Check its role there, or reconnect "
            "with more rights."
        )
    if status == 401:
        return ReconnectNeeded(
            f"{name} no longer accepts this connection, not even with a fresh token. Reconnect {name} "
            "on the Integrations page."
        )
    if status in {400, 409, 412, 422}:
        return InvalidArguments(
            f"{name} refused the request. Check the arguments.", details={"status": status}
        )
    return ProviderError(
        f"{name} answered with status {status}, which we didn't expect.", details={"status": status}
    )


def no_answer(name: str, error: OutboundError, *, safe: bool) -> ToolError:
    """The error for a request without a usable answer. A write (not `safe`) may have been done."""
    if error.sent and not safe:
        return outcome_unknown(name)
    if isinstance(error, ResponseTooLarge):
        return ProviderError(
            f"{name} sent more than fits in one answer. Ask for less: fewer records or a shorter period."
        )
    if isinstance(error, ResponseEndless):
        return ProviderError(
            f"{name} kept sending messages without answering. Contact whoever runs it, or use another tool."
        )
    if isinstance(error, OutboundTimeout):
        return ProviderTimeout(why_unavailable(name, error))
    return ProviderUnavailable(why_unavailable(name, error))


def why_unavailable(name: str, error: OutboundError) -> str:
    """The sentence for a request that got no usable answer, by its true cause, and what to do next."""
    if isinstance(error, CertificateRefused):
        return f"The certificate of {name} {error.why}, so nothing was sent. Contact whoever runs it."
    if isinstance(error, AddressRefused):
        return (
            f"The address of {name} now leads to a private network, so nothing was sent. Contact whoever "
            "runs it, or the operator of this installation."
        )
    if isinstance(error, OutboundTimeout):
        return f"{name} did not answer in time. Please try again."
    if isinstance(error, ResponseUnreadable):
        return f"{name} sent an answer that could not be read. Please try again later."
    if error.sent:
        return f"{name} broke off before its answer was complete. Please try again later."
    return f"{name} cannot be reached right now. Please try again later."


def outcome_unknown(name: str, happened: str = "did not confirm it") -> OutcomeUnknown:
    """The error for a write that may or may not have been done."""
    return OutcomeUnknown(
        f"{name} {happened}. It may or may not have been done: check there before repeating it."
    )


def retry_after(answer: Response) -> int | None:
    """The wait the service asks for, in whole seconds from 1 to a day (RFC 9110 section 10.2.3), or None.

    Takes seconds or a date; a header sent twice counts by its longest wait. A date is compared with the
    service's own `Date`, so that a wrong clock on either side does not matter. A wait that is over, or
    negative, counts as one second: the service did ask for a pause.
    """
    waits = [
        wait
        for text in _NEXT_VALUE.split(answer.headers.get("Retry-After", ""))
        if (wait := _wait_of(text.strip(), answer.headers.get("Date", ""))) is not None
    ]
    return min(max(1, math.ceil(max(waits))), _LONGEST_WAIT_SECONDS) if waits else None


def _wait_of(text: str, sent_at: str) -> float | None:
    # Some services write it in quotes, or a parameter after it: `"30"`, `30; x`.
    bare = text.split(";")[0].strip().strip("\"'").strip()
    if found := _NUMBER.fullmatch(bare):
        number = float(found[1])
        return number if number < _FIRST_EPOCH else number - clock.timestamp()
    until = _moment(text)
    return None if until is None else (until - (_moment(sent_at) or clock.now())).total_seconds()


def _moment(text: str) -> datetime | None:
    """An HTTP date in any of its three forms, or an ISO 8601 one. None for anything else."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return None


def slow_down(name: str, answer: Response | None = None, default: int | None = None) -> ProviderRateLimited:
    """The error for a rate limit. `default` is the wait in seconds when the answer names none."""
    seconds = retry_after(answer) if answer else None
    return ProviderRateLimited(
        f"{name} is rate limiting us. Please wait and try again.",
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
        advice_without_reason = "Compare the arguments with what the list tools return."
        sentence = f"{name} refused the request without a reason. {advice_without_reason}"
    return InvalidArguments(
        sentence, details={"status": 400, "fields": sorted(advice), **more, "reasons": reasons}
    )
