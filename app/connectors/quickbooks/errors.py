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
# the first member of an answer that is a fault
_FAULT = re.compile(rb"""^\s*\{\s*"(Fault|fault)"\s*:""")
_FAULT_WITHIN = 200  # bytes
_DEFAULT_WAIT_SECONDS = 60  # a 429 seldom names a wait; the limits are per minute

log = logging.getLogger(__name__)

# An argument, and our advice about it.
Advice = tuple[str, str]

_CUSTOMER: Advice = ("customer_id", "use the id of an active customer from quickbooks_list_customers")
_ITEM: Advice = ("lines", "use ids of active items from quickbooks_list_items")
_TAX: Advice = (
    "lines",
    "this company taxes its sales: give each line a tax_code from quickbooks_list_tax_codes",
)
# No argument takes one: an invoice and a payment get the customer's.
_CURRENCY: Advice = (
    "currency",
    "QuickBooks accepts only the customer's own currency: check it, and the company's list of currencies, in "
    "QuickBooks",
)
_CLOSED: Advice = ("date", "the books are closed for that day in QuickBooks: use a later one")
_EMAIL: Advice = ("email", "check the email address; an invoice without one needs send_to")
_BALANCE: Advice = ("amount", "pay no more than the invoice's balance")

# What a code is about says more than any word beside it, as a reason may quote a name that holds any word. A
# code of references says what kind of record it means in its own form, "Items element id 12 not found".
_BY_CODE: dict[str, Advice] = {
    "620": ("ids", "the record cannot be used here: list it again and use an id from there"),
    "2050": ("arguments", "a text is too long for QuickBooks: shorten it"),
    "2210": _EMAIL,
    "2500": (
        "ids",
        "a record that was named does not exist or is inactive: list it again and use an id from there",
    ),
    "6070": ("lines", "the amounts of the lines do not add up for QuickBooks"),
    "6140": ("number", "a document with that number already exists in QuickBooks"),
    "6210": _CLOSED,
    "6240": (
        "display_name",
        "a customer, vendor or employee with that name already exists: find it with "
        "quickbooks_list_customers",
    ),
    "6540": ("invoice_id", "its payment is part of a bank deposit: remove it from there in QuickBooks first"),
}
_REFERENCES: tuple[tuple[str, Advice], ...] = (
    (r"names? element id|customerref", _CUSTOMER),
    (r"items? element id|itemref", _ITEM),
    (r"tax ?codes? element id|taxcoderef", _TAX),
)
# Whole words, for codes that say only "a rule was broken".
_BY_WORDS: tuple[tuple[str, Advice], ...] = (
    (r"closed|closing date", _CLOSED),
    # in French as well, as a company in Quebec or France answers
    (r"tax(es?)?|tax ?codes?|taxcoderef|vat|gst|hst|pst|qst|rst|tps|tvh|tvq|tvp|tva", _TAX),
    (r"e-?mails?( address(es)?)?|billemail", _EMAIL),
    # Before customers: the currency is theirs.
    (r"currenc(y|ies)|currencyref|exchange ?rate|devises?|monnaies?", _CURRENCY),
    (r"customerref|customers?", _CUSTOMER),
    (r"itemref|items?|products?", _ITEM),
    (r"duedate|due date", ("due_date", "it must be a day on or after the invoice's date")),
    (r"linkedtxn|balance|overpaid|overpayments?|payments?", _BALANCE),
    (r"txndate|dates?", ("date", "check the date")),
    (r"phones?|freeformnumber|primaryphone", ("phone", "at most 30 characters")),
)
_WORDS = tuple((re.compile(rf"\b(?:{words})\b", re.IGNORECASE), advice) for words, advice in _BY_WORDS)
# What QuickBooks quotes, such as a name, may hold any word.
_QUOTED = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*")(?!\w)""")


class StaleRecord(InvalidArguments):
    """The record was changed in QuickBooks after it was read; nothing was done."""


@dataclass(frozen=True)
class QuickBooksFault:
    """One error of an answer, with its code and what QuickBooks says about it."""

    code: str
    reason: str
    element: str


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none. A success may hold a fault all the same."""
    if answer.status < 300 and not _FAULT.search(answer.content[:_FAULT_WITHIN]):
        return None
    faults = _faults(answer.json())
    if answer.status < 300 and not faults:
        return None
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
            "This connection can't open this QuickBooks company: the app was disconnected there, or the "
            "connection belongs to another company. Reconnect QuickBooks with the same company."
        )
    if "6190" in codes:
        return PermissionDenied(
            "QuickBooks accepts no requests for this company: its subscription ended or could not be billed. "
            "The person who pays for it can fix that in QuickBooks."
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
            "QuickBooks has no record with that id, or it was made inactive. List the records again and use "
            "an id from there."
        )
    if "5010" in codes:
        return StaleRecord(
            "The record was changed in QuickBooks in the meantime, so nothing was done. Check it, then try "
            "again."
        )
    if answer.status == 400 or answer.status < 300:
        return _refused(faults)
    return errors_by_status(answer, "QuickBooks")


def _refused(faults: list[QuickBooksFault]) -> InvalidArguments:
    """The error for a refused request, with advice on the arguments its reasons are about."""
    hints: dict[str, str] = {}
    for fault in faults:
        if (advice := _advice(fault)) is not None:
            hints.setdefault(*advice)
    reasons = reasons_of(fault.reason for fault in faults if fault.reason)
    return refused("QuickBooks", hints, reasons, unexplained=not faults, codes=_codes(faults))


def _advice(fault: QuickBooksFault) -> Advice | None:
    """The advice by the fault's code, else by a whole word in what it says."""
    text = f"{fault.element} {fault.reason}"
    if fault.code == "2500":
        for words, advice in _REFERENCES:
            if re.search(words, text, re.IGNORECASE):
                return advice
    if fault.code in _BY_CODE:
        return _BY_CODE[fault.code]
    text = _QUOTED.sub("", text)
    return next((advice for words, advice in _WORDS if words.search(text)), None)


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
