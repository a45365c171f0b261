"""What QuickBooks' faults mean, in our words.

Its own text never becomes part of a sentence, as it may quote a stranger. It goes into `details` as data,
cleaned and bounded, with the `intuit_tid` that Intuit's support asks for.
https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors.api_errors import errors_by_status, reasons_of, refused, slow_down
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Response

_MOST_CODES = 10
_DEFAULT_WAIT_SECONDS = 60  # a 429 seldom names a wait; the limits are per minute

log = logging.getLogger(__name__)

# A refusal's code, or words in its reason; the argument it is about; our advice. The first match counts.
# Codes stand first, as a reason may quote a name that holds any word.
_HINTS: tuple[tuple[str, str, str, str], ...] = (
    (
        "6240",
        "",
        "display_name",
        "a customer, vendor or employee of that name exists already: find it with quickbooks_list_customers",
    ),
    ("6210", "", "date", "the books are closed for that day in QuickBooks: use a later one"),
    ("", r"closed|closing date", "date", "the books are closed for that day in QuickBooks: use a later one"),
    ("", r"e-?mail", "email", "check the e-mail address; an invoice without one needs send_to"),
    (
        "",
        r"customerref|customer|names? element",
        "customer_id",
        "use the id of an active customer from quickbooks_list_customers",
    ),
    ("", r"itemref|items? element|product", "lines", "use item ids from quickbooks_list_items"),
    ("", r"duedate|due date", "due_date", "it must be a day on or after the invoice's date"),
    ("6070", "", "lines", "the amounts of the lines do not add up for QuickBooks"),
    ("", r"linkedtxn|balance|overpa|payment", "amount", "pay no more than the invoice's balance"),
    (
        "",
        r"tax",
        "lines",
        "this company taxes its sales: create the invoice in QuickBooks, or set the item's tax there",
    ),
    ("", r"txndate|date", "date", "check the date"),
    (
        "2500",
        "",
        "ids",
        "a record that was named does not exist or is inactive: list it again and use an id from there",
    ),
    ("", r"phone", "phone", "at most 30 characters"),
)


class StaleRecord(InvalidArguments):
    """The record was changed in QuickBooks after it was read; nothing was done."""


@dataclass(frozen=True)
class QuickBooksFault:
    """One error of an answer, with its code and what QuickBooks says about it."""

    code: str
    reason: str
    element: str


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none."""
    if answer.status < 300:
        return None
    faults = _faults(answer.json())
    problem = _meaning(answer, faults, {fault.code for fault in faults})
    if (trace := _trace(answer)) is not None:
        problem.details["intuit_tid"] = trace
    log.info("quickbooks answered %s, code %s, intuit_tid %s", answer.status, _codes(faults), trace or "none")
    return problem


def _meaning(answer: Response, faults: list[QuickBooksFault], codes: set[str]) -> ToolError:
    if answer.status == 429 or "3001" in codes:
        return slow_down("QuickBooks", answer, default=_DEFAULT_WAIT_SECONDS)
    if answer.status == 401:
        return errors_by_status(answer, "QuickBooks")
    if "3100" in codes:
        return ReconnectNeeded(
            "QuickBooks does not open this company to the connection: the app was disconnected there, or "
            "the sign-in belongs to another "
            "company. Reconnect QuickBooks with the same company."
        )
    if answer.status == 403 or "5020" in codes:
        return PermissionDenied(
            "QuickBooks does not allow this for the person who connected it. Check their role there, or "
            "let an administrator reconnect it."
        )
    if answer.status >= 500 or "10000" in codes:
        return ProviderUnavailable(
            "QuickBooks is having trouble right now. Please try again later.",
            details={"status": answer.status},
        )
    if "610" in codes:
        return ObjectNotFound(
            "QuickBooks does not know that record. List the records again and use an id from there."
        )
    if "5010" in codes:
        return StaleRecord(
            "The record was changed in QuickBooks in the meantime, so nothing was done. Look at it again, "
            "then repeat."
        )
    if answer.status == 400:
        return _refused(faults)
    return errors_by_status(answer, "QuickBooks")


def _refused(faults: list[QuickBooksFault]) -> InvalidArguments:
    """The error for a refused request, with advice on the arguments its reasons are about."""
    hints: dict[str, str] = {}
    for fault in faults:
        for code, words, argument, advice in _HINTS:
            if fault.code == code or (
                words and re.search(words, f"{fault.element} {fault.reason}", re.IGNORECASE)
            ):
                hints.setdefault(argument, advice)
                break
    reasons = reasons_of(fault.reason for fault in faults if fault.reason)
    return refused("QuickBooks", hints, reasons, unexplained=not faults, codes=_codes(faults))


def _faults(body: Any) -> list[QuickBooksFault]:
    """The errors in an answer. The gateway writes `fault` and `error`, accounting `Fault` and `Error`."""
    errors = _member(_member(body, "fault"), "error")
    return [
        QuickBooksFault(
            code=_code(_text(error, "code")),
            reason=": ".join(part for part in (_text(error, "message"), _text(error, "detail")) if part),
            element=_text(error, "element"),
        )
        for error in (errors if isinstance(errors, list) else [])
    ]


def _member(node: Any, name: str) -> Any:
    return (
        next((value for key, value in node.items() if str(key).lower() == name), None)
        if isinstance(node, Mapping)
        else None
    )


def _text(node: Any, name: str) -> str:
    value = _member(node, name)
    return str(value) if isinstance(value, (str, int)) else ""


def _code(text: str) -> str:
    """A code without leading zeros: 003200 and 3200 are the same."""
    return text.lstrip("0") if text.isascii() and text.isdigit() else ""


def _codes(faults: list[QuickBooksFault]) -> list[str]:
    return list(dict.fromkeys(fault.code for fault in faults if fault.code))[:_MOST_CODES]


def _trace(answer: Response) -> str | None:
    """Intuit's own id of the request, when it looks like one."""
    text = answer.headers.get("intuit_tid", "")
    return text if re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", text) else None
