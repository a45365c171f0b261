"""Creates and stores invoices, clients, payments… of the imitated FreshBooks. Money is decimal text."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app.sandbox.store import Book, Record

_STATUS_NUMBERS = {
    "disputed": 0,
    "draft": 1,
    "sent": 2,
    "viewed": 3,
    "paid": 4,
    "autopaid": 5,
    "retry": 6,
    "failed": 7,
    "partial": 8,
}


def money(amount: Decimal | str, code: str) -> dict[str, str]:
    """`{"amount":"800.00","code":"USD"}`."""
    return {"amount": f"{Decimal(amount):.2f}", "code": code}


@dataclass(frozen=True)
class DraftInvoice:
    """The input of a new invoice."""

    client: Record
    lines: list[dict[str, Any]]
    made: date
    due_offset_days: int
    prefix: str = ""
    sent: bool = False
    paid_on: date | None = None
    currency: str = ""
    notes: str = ""
    terms: str | None = None


def add_client(book: Book, given: dict[str, Any]) -> Record:
    """Create a client."""
    number = book.new_id("client", 217_570)
    empty = {"organization": "", "fname": "", "lname": "", "email": "", "currency_code": "USD"}
    return book.put("client", number, {"id": number, "userid": number, **empty, "vis_state": 0, **given})


def add_invoice(book: Book, draft: DraftInvoice, *, how: str = "Check") -> Record:
    """Create an invoice, sent or paid if the draft says so."""
    number = book.new_id("invoice", 217_500)
    code = draft.currency or draft.client["currency_code"]
    invoice: Record = {
        "id": number,
        "invoiceid": number,
        "accountid": book.name,
        "invoice_number": f"{_prefix(book, draft.prefix)}{number - 217_499:04d}",
        "customerid": draft.client["id"],
        "create_date": draft.made.isoformat(),
        "created_at": f"{draft.made} 11:27:45",
        "updated": f"{draft.made} 11:27:45",
        "due_offset_days": draft.due_offset_days,
        "paid": money("0", code),
        "currency_code": code,
        "discount_value": "0",
        "date_paid": None,
        "notes": draft.notes,
        "terms": draft.terms,
        "vis_state": 0,
        "v3_status": "sent" if draft.sent else "draft",
        "lines": [],
    }
    set_lines(invoice, draft.lines)
    book.put("invoice", number, invoice)
    if draft.paid_on:
        add_payment(book, invoice, Decimal(invoice["amount"]["amount"]), draft.paid_on, how, "")
    return book.find("invoice", number) or invoice


def _prefix(book: Book, given: str) -> str:
    """The account's invoice number prefix: that of its first invoice."""
    known = book.find("prefix", "invoice")
    if known is None and given:
        known = book.put("prefix", "invoice", {"value": given})
    return known["value"] if known else ""


def set_lines(invoice: Record, lines: list[dict[str, Any]]) -> None:
    """Set the lines of an invoice and its amount."""
    code = invoice["currency_code"]
    invoice["lines"] = []
    total = Decimal(0)
    for number, line in enumerate(lines, 1):
        cost = Decimal(line["unit_cost"]["amount"])
        amount = (Decimal(line.get("qty", "1")) * cost).quantize(Decimal("0.01"))
        total += amount
        invoice["lines"].append(
            {
                "lineid": number,
                "type": line.get("type", 0),
                "name": line.get("name", ""),
                "description": line.get("description", ""),
                "qty": str(line.get("qty", "1")),
                "unit_cost": money(cost, code),
                "amount": money(amount, code),
                **{f"taxName{n}": line.get(f"taxName{n}", "") for n in (1, 2)},
                **{f"taxAmount{n}": line.get(f"taxAmount{n}", "0") for n in (1, 2)},
            }
        )
    invoice["amount"] = money(total, code)


def invoice_resource(book: Book, invoice: Record, today: date, *, lines: bool) -> Record:
    """An invoice in the API's shape: with its client's names and the status of today."""
    client = book.find("client", invoice["customerid"]) or {}
    due = date.fromisoformat(invoice["create_date"]) + timedelta(days=invoice["due_offset_days"])
    amount, paid = Decimal(invoice["amount"]["amount"]), Decimal(invoice["paid"]["amount"])
    status = invoice["v3_status"]
    if status in {"sent", "viewed"} and due < today:
        status = "overdue"
    answer = {
        **invoice,
        "current_organization": client.get("organization", ""),
        "organization": client.get("organization", ""),
        "fname": client.get("fname", ""),
        "lname": client.get("lname", ""),
        "email": client.get("email", ""),
        "due_date": due.isoformat(),
        "outstanding": money(max(Decimal(0), amount - paid), invoice["currency_code"]),
        "status": _STATUS_NUMBERS.get(invoice["v3_status"], 2),
        "display_status": status,
        "v3_status": status,
        "payment_status": "paid" if amount and paid >= amount else "partial" if paid else "unpaid",
    }
    if not lines:
        del answer["lines"]
    return answer


def add_payment(book: Book, invoice: Record, amount: Decimal, day: date, how: str, note: str) -> Record:
    """Create a payment and update its invoice."""
    number = book.new_id("payment", 90)
    code = invoice["currency_code"]
    total = Decimal(invoice["paid"]["amount"]) + amount
    settled = total >= Decimal(invoice["amount"]["amount"])
    changed = {
        **invoice,
        "paid": money(total, code),
        "v3_status": "paid" if settled else "partial",
        "date_paid": day.isoformat() if settled else None,
        "updated": f"{day} 12:00:00",
    }
    invoice.update(book.put("invoice", invoice["invoiceid"], changed))
    return book.put(
        "payment",
        number,
        {
            "id": number,
            "logid": number,
            "invoiceid": invoice["invoiceid"],
            "clientid": invoice["customerid"],
            "amount": money(amount, code),
            "date": day.isoformat(),
            "type": how,
            "note": note,
            "from_credit": False,
            "vis_state": 0,
        },
    )


def add_expense(book: Book, vendor: str, notes: str, amount: str, code: str, day: date) -> Record:
    """Create an expense."""
    number = book.new_id("expense", 5_001)
    return book.put(
        "expense",
        number,
        {
            "id": number,
            "expenseid": number,
            "accountid": book.name,
            "vendor": vendor,
            "notes": notes,
            "amount": money(amount, code),
            "date": day.isoformat(),
            "categoryid": 3_012,
            "clientid": 0,
            "vis_state": 0,
        },
    )


def add_project(book: Book, title: str, client_id: int, due: date) -> Record:
    """Create a project."""
    number = book.new_id("project", 654_320)
    return book.put(
        "project",
        number,
        {
            "id": number,
            "title": title,
            "client_id": client_id,
            "internal": False,
            "budget": None,
            "fixed_price": None,
            "billing_method": None,
            "active": number != 654_323,
            "complete": number == 654_323,
            "due_date": due.isoformat(),
        },
    )


def add_time(
    book: Book,
    day: date,
    *,
    seconds: int,
    client_id: int | None,
    project_id: int | None,
    note: str,
    billable: bool,
    billed: bool,
    identity_id: int,
) -> Record:
    """Create a time entry at 14:00 UTC of the day."""
    return put_time(
        book,
        {
            "identity_id": identity_id,
            "started_at": f"{day}T14:00:00Z",
            "created_at": f"{day}T16:01:02Z",
            "client_id": client_id,
            "project_id": project_id,
            "note": note,
            "billable": billable,
            "billed": billed,
            "duration": seconds,
        },
    )


def put_time(book: Book, given: dict[str, Any]) -> Record:
    """Create a time entry with FreshBooks' defaults."""
    number = book.new_id("time", 419_500)
    empty = {
        "is_logged": True,
        "client_id": None,
        "project_id": None,
        "pending_client": None,
        "pending_project": None,
        "pending_task": None,
        "task_id": None,
        "service_id": None,
        "note": "",
        "active": True,
        "billable": False,
        "billed": False,
        "internal": False,
        "retainer_id": None,
        "timer": None,
    }
    return book.put("time", number, {"id": number, **empty, **given})
