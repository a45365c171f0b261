"""The demo mailboxes: months of vendor invoices, a conversation, and one mail per edge case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from app.sandbox.google import ACCOUNTS
from app.sandbox.services.gmail import oddities
from app.sandbox.services.gmail.mail import store
from app.sandbox.services.gmail.pdf import one_page
from app.sandbox.store import Book

_FOLDERS = ("INBOX", "SENT", "DRAFT", "SPAM", "TRASH")
_STATES = ("UNREAD", "STARRED", "IMPORTANT")
SYSTEM_LABELS = (*_FOLDERS, *_STATES, "CATEGORY_PROMOTIONS", "CATEGORY_UPDATES")
USER_LABELS = {"Label_7": "Invoices", "Label_8": "Receipts", "Label_9": "Clients/Acme"}
_MONTHS = 6


@dataclass(frozen=True)
class Vendor:
    """A vendor who sends one PDF per month."""

    name: str
    address: str
    word: str  # invoice, receipt, bill
    prefix: str
    item: str
    cents: int
    day: int  # of the month, roughly


VENDORS = {
    "northwind": (
        Vendor(
            "Acme Billing", "billing@acme.example", "invoice", "INV-10", "Steel brackets, 200 pcs", 128_000, 3
        ),
        Vendor(
            "Birch Hosting",
            "accounts@birch-hosting.example",
            "invoice",
            "BH-55",
            "Managed hosting, monthly",
            8_900,
            6,
        ),
        Vendor(
            "Harbour Freight Lines",
            "invoices@harbourfreight.example",
            "invoice",
            "HFL-20",
            "Sea freight, 1 pallet",
            64_250,
            11,
        ),
        Vendor(
            "Metro Power & Gas",
            "ebill@metropower.example",
            "bill",
            "MPG-77",
            "Electricity, warehouse",
            31_780,
            14,
        ),
        Vendor("Papergoods", "no-reply@papergoods.example", "receipt", "R-90", "Office supplies", 5_420, 19),
    ),
    "contoso": (
        Vendor("Fontworks", "billing@fontworks.example", "invoice", "FW-3", "Typeface licence", 4_900, 2),
        Vendor(
            "Cloud Canvas",
            "receipts@cloudcanvas.example",
            "receipt",
            "CC-81",
            "Design tool, 3 seats",
            4_500,
            9,
        ),
    ),
}


def seed(book: Book, today: date) -> None:
    """Fill a mailbox with mail up to yesterday."""
    account = next(account for account in ACCOUNTS if account.key == book.name)
    for label_id in SYSTEM_LABELS:
        visibility = {"messageListVisibility": "hide", "labelListVisibility": "labelShow"}
        book.put("label", label_id, {"id": label_id, "name": label_id, **visibility, "type": "system"})
    for label_id, name in USER_LABELS.items():
        book.put("label", label_id, {"id": label_id, "name": name, "type": "user"})
    for vendor in VENDORS.get(book.name, ()):
        for months in range(_MONTHS, 0, -1):
            _monthly(book, account.person, vendor, months, today - timedelta(days=30 * months - vendor.day))
    _conversation(book, account.person, today)
    if book.name == "northwind":
        oddities.seed(book, account.person, today)


def mail_of(sender: str, to: str, subject: str, body: str, at: datetime, message_id: str) -> EmailMessage:
    """A plain mail with the usual headers."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"], mail["Message-ID"] = format_datetime(at), f"<{message_id}>"
    mail.set_content(body)
    return mail


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day, UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def _monthly(book: Book, owner: str, vendor: Vendor, months: int, day: date) -> None:
    number = f"{vendor.prefix}{40 + _MONTHS - months}"
    cents = vendor.cents + vendor.cents // 40 * (_MONTHS - months)
    amount = f"{cents / 100:,.2f} USD"
    due = day + timedelta(days=30)
    at = moment(day, 9, vendor.day)
    sentence = f"please find {vendor.word} {number} over {amount} attached. It is due on {due:%d %B %Y}."
    body = f"Hello,\n\n{sentence}\n\nKind regards\n{vendor.name}\n"
    mail = mail_of(
        f"{vendor.name} <{vendor.address}>",
        owner,
        f"{vendor.word.title()} {number}",
        body,
        at,
        f"{number}@{vendor.address.split('@')[1]}",
    )
    pdf = one_page(
        f"{vendor.word.title()} {number}",
        [
            f"From: {vendor.name}",
            f"To: {owner}",
            f"Date: {day:%Y-%m-%d}",
            f"Due: {due:%Y-%m-%d}",
            "",
            f"{vendor.item}",
            f"Total: {amount}",
        ],
    )
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"{vendor.word}-{number}.pdf")
    labels = [
        "INBOX",
        "CATEGORY_UPDATES",
        "Label_8" if vendor.word == "receipt" else "Label_7",
        *(["UNREAD"] if months == 1 else []),
    ]
    store(book, mail.as_bytes(), at, labels)


def _conversation(book: Book, owner: str, today: date) -> None:
    """A question about an invoice, answered twice."""
    turns: Sequence[tuple[str, str, str, int, str]] = (
        (
            "Jo Acme <jo@acme.example>",
            owner,
            "UNREAD",
            12,
            "Hi,\n\nwe have not seen a payment for INV-1044 yet. Could you check?\n\nJo\n",
        ),
        (
            owner,
            "Jo Acme <jo@acme.example>",
            "SENT",
            11,
            "Hello Jo,\n\nfour brackets were missing. Could you send a credit note?\n\nThanks\n",
        ),
        (
            "Jo Acme <jo@acme.example>",
            owner,
            "IMPORTANT",
            9,
            "Sorry about that. The credit note over 25.60 USD is on its way.\n\nJo\n",
        ),
    )
    thread: str | None = None
    before: list[str] = []
    for place, (sender, to, label, days, body) in enumerate(turns):
        at = moment(today - timedelta(days=days), 10 + place)
        own = f"<payment-{place}@acme.example>"
        mail = mail_of(
            sender, to, ("Re: " if place else "") + "Payment of INV-1044", body, at, own.strip("<>")
        )
        if before:
            mail["In-Reply-To"], mail["References"] = before[-1], " ".join(before)
        before.append(own)
        labels = [label] if label == "SENT" else ["INBOX", label, "Label_9"]
        thread = store(book, mail.as_bytes(), at, labels, thread)["threadId"]
