"""What the previews of several services share: look-ups that may be refused, and how people and days read."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from app.connectors.preview import amount, quoted
from app.errors import MissingRight, ObjectNotFound

NO_ACCESS = "could not be looked up (no read access)"
UNKNOWN = "could not be looked up"
# Letters, digits and the punctuation of names. A text with more could imitate the rest of a headline.
_LONGEST_NAME = 100
_PLAIN = re.compile(rf"[\w.&'’/+-](?:[\w.&'’/+-]| (?! )){{0,{_LONGEST_NAME - 1}}}(?<! )")
_ADDRESS = re.compile(r"[^\s<>,;:“”„‟\"·]{1,254}")
_IMITATING = re.compile(r"[<>@“”„‟\"·:;]|, ")

Found = TypeVar("Found")


def look_up(read: Callable[[], Found]) -> Found | None:
    """What `read` returns, or None if the connection lacks the right. For details a write does not need.

    Raises every other ToolError of `read`.
    """
    try:
        return read()
    except MissingRight:
        return None


def look_up_related(read: Callable[[], Found]) -> Found | None:
    """The same for what the service itself referred to: None also if that does not exist any more."""
    try:
        return look_up(read)
    except ObjectNotFound:
        return None


def mailbox(name: str | None, address: str | None) -> str:
    """ "Harbor Pottery <accounts@harbor.example>", or the one of the two that is known; "" for neither.

    What holds another address, or could imitate the rest of a headline, is in quotation marks.
    """
    name = " ".join((name or "").split())
    name = quoted(name) if _IMITATING.search(name) or len(name) > _LONGEST_NAME else name
    address = " ".join((address or "").split())
    address = address if _ADDRESS.fullmatch(address) else quoted(address) if address else ""
    return f"{name} <{address}>" if name and address else name or address


def named(name: str | None) -> str:
    """A name that the service holds, as a headline states it: as it is, or in quotation marks if it could
    imitate the rest of the headline.
    """
    name = " ".join((name or "").split())
    return name if not name or _PLAIN.fullmatch(name) else quoted(name)


def long_day(day: date) -> str:
    """ "15 January 2030"."""
    return f"{day.day} {day:%B %Y}"


def plain_among(**texts: str | None) -> frozenset[str]:
    """The names of the given texts that a headline states as they are.

    Only these may be in `Preview.covers` without quotation marks around them.
    """
    return frozenset(name for name, text in texts.items() if text and _PLAIN.fullmatch(text))


def money(value: Decimal | None, currency: str | None) -> str:
    """An amount as people read it, "" if it is not known."""
    return "" if value is None else amount(value, currency)


def named_invoice(number: str | None, kind: str = "invoice") -> str:
    """ "invoice NS0139"; "an invoice without a number" if it has none."""
    article = "an" if kind.startswith(("i", "a", "o", "u", "e")) else "a"
    return f"{kind} {named(number)}" if number else f"{article} {kind} without a number"


def email_headline(invoice: str, total: str, whom: str) -> str:
    """ "Email invoice NS0139, 220.00 USD, to Harbor Pottery"."""
    return f"Email {invoice}, {total}, {whom}" if total else f"Email {invoice} {whom}"


def send_button(total: str) -> str:
    """ "Send invoice, 220.00 USD"."""
    return f"Send invoice, {total}" if total else "Send invoice"
