"""PUT: new contacts, invoices and payments; POST: send an invoice. With Xero's validation."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, make_response, request

from app.sandbox.bookkeeping import decimal
from app.sandbox.services.xero.records import (
    contact_resource,
    invoice_resource,
    ledger_key,
    payment_resource,
    sums,
)
from app.sandbox.services.xero.request_checks import AuthorizedCall, open_to
from app.sandbox.services.xero.wire import bad_request, envelope, invalid, not_found
from app.sandbox.store import Book, Record

bp = Blueprint("writing", __name__)


@bp.put("/api.xro/2.0/Contacts")
@open_to("accounting.contacts")
def create_contact(call: AuthorizedCall) -> Response:
    """Create a contact. Its name must be unique among active ones."""
    sent = _sent("Contacts")
    name, email = _text(sent, "Name"), _text(sent, "EmailAddress")
    if not name:
        raise invalid(sent, "The contact name must be specified.")
    if len(name) > 255:
        raise invalid(sent, "The contact name must be at most 255 characters.")
    if any(
        contact["name"].lower() == name.lower() and contact["status"] == "ACTIVE"
        for contact in call.book.all("contact")
    ):
        message = (
            f"The contact name {name} is already assigned to another contact. The contact name must be "
            "unique across all active contacts."
        )
        raise invalid(sent, message)
    if email and ("@" not in email or "." not in email.split("@")[-1]):
        raise invalid(sent, "Email address must be valid.")
    record = {
        "id": str(uuid.uuid4()),
        "status": "ACTIVE",
        "name": name,
        "first": _text(sent, "FirstName"),
        "last": _text(sent, "LastName"),
        "email": email,
        "phone": "",
        "customer": False,
        "supplier": False,
        "updated": call.at.now().isoformat(),
    }
    return envelope(Contacts=[contact_resource(call.book.put("contact", record["id"], record))])


@bp.put("/api.xro/2.0/Invoices")
@open_to("accounting.invoices")
def create_invoice(call: AuthorizedCall) -> Response:
    """Create an invoice or bill in the base currency. The lock date applies to approved ones."""
    sent = _sent("Invoices")
    reasons: list[str] = []
    kind, status = sent.get("Type"), sent.get("Status") or "DRAFT"
    if kind not in {"ACCREC", "ACCPAY"}:
        reasons.append("Type must be ACCREC or ACCPAY.")
    if status not in {"DRAFT", "SUBMITTED", "AUTHORISED"}:
        reasons.append("Status is not valid for a new invoice.")
    given = sent.get("Contact")
    contact = (
        call.book.find("contact", str(given.get("ContactID", "")).lower())
        if isinstance(given, Mapping)
        else None
    )
    if contact is None:
        reasons.append("A Contact must be specified for this type of transaction")
    elif contact["status"] != "ACTIVE":
        reasons.append("The contact is archived and cannot be used on new transactions.")
    day = _day(sent, "Date") or call.at.today()
    due = _day(sent, "DueDate")
    if status != "DRAFT" and due is None:
        reasons.append("DueDate is required for an approved invoice.")
    if due and due < day:
        reasons.append("The DueDate cannot be before the Date.")
    if status == "AUTHORISED":
        reasons += _locked(call.book, day)
    lines = _lines(call, sent, str(kind), reasons)
    if reasons or contact is None:
        raise invalid(sent, *reasons)
    record = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "number": _text(sent, "InvoiceNumber") or _next_number(call.book, str(kind)),
        "contact": contact["id"],
        "reference": _text(sent, "Reference") if kind == "ACCREC" else "",
        "status": status,
        "date": day.isoformat(),
        "due": due.isoformat() if due else None,
        "currency": call.organisation.currency,
        "rate": "1",
        "lines": lines,
        "sent": False,
        "updated": call.at.now().isoformat(),
    }
    call.book.put("contact", contact["id"], {**contact, "customer" if kind == "ACCREC" else "supplier": True})
    return envelope(Invoices=[invoice_resource(call.book, call.book.put("invoice", record["id"], record))])


@bp.put("/api.xro/2.0/Payments")
@open_to("accounting.payments")
def record_payment(call: AuthorizedCall) -> Response:
    """Record a payment on an approved invoice, with a bank account or one that takes payments."""
    sent = _sent("Payments")
    reasons: list[str] = []
    given, to = sent.get("Invoice"), sent.get("Account")
    invoice = (
        call.book.find("invoice", str(given.get("InvoiceID", "")).lower())
        if isinstance(given, Mapping)
        else None
    )
    named = to if isinstance(to, Mapping) else {}
    code, id_ = named.get("Code"), str(named.get("AccountID", "")).lower()
    account = next(
        (
            each
            for each in call.book.all("account")
            if each["status"] == "ACTIVE" and (each["id"] == id_ if id_ else code and each["code"] == code)
        ),
        None,
    )
    amount, day = decimal(sent.get("Amount")), _day(sent, "Date") or call.at.today()
    if account is None or not (account["type"] == "BANK" or account["payments"]):
        what = f"Account with ID '{id_}'" if id_ else f"Account code '{code}'"
        reasons.append(f"{what} is not a valid code for payments.")
    if invoice is None:
        reasons.append("Invoice could not be found.")
    elif invoice["status"] != "AUTHORISED":
        reasons.append("Payments can only be made against Authorised documents; this one has another status.")
    elif amount is not None and amount > sums(call.book, invoice).due:
        reasons.append("Payment amount exceeds the amount outstanding on this document")
    if amount is None or amount <= 0:
        reasons.append("Payment amount must be greater than zero.")
    reasons += _locked(call.book, day)
    if reasons or invoice is None or account is None:
        raise invalid(sent, *reasons)
    record = {
        "id": str(uuid.uuid4()),
        "invoice": invoice["id"],
        "account": ledger_key(account),
        "amount": str(amount),
        "date": day.isoformat(),
        "reference": _text(sent, "Reference"),
        "updated": call.at.now().isoformat(),
    }
    call.book.put("payment", record["id"], record)
    if sums(call.book, invoice).due == 0:
        call.book.put(
            "invoice", invoice["id"], {**invoice, "status": "PAID", "updated": call.at.now().isoformat()}
        )
    return envelope(Payments=[payment_resource(call.book, record, saved=True)])


@bp.post("/api.xro/2.0/Invoices/<id_>/Email")
@open_to("accounting.invoices")
def email_invoice(call: AuthorizedCall, id_: str) -> Response:
    """Send a sales invoice to its contact and the persons included in its e-mails.

    A demo company cannot send any; others have a daily limit.
    """
    invoice = call.book.find("invoice", id_.lower())
    if invoice is None:
        return not_found()
    element = {"InvoiceID": invoice["id"]}
    if invoice["type"] != "ACCREC" or invoice["status"] not in {"SUBMITTED", "AUTHORISED", "PAID"}:
        raise invalid(element, "The document cannot be emailed in its current status.")
    contact = call.book.find("contact", invoice["contact"])
    if contact is None or not contact["email"]:
        raise invalid(element, "The contact must have a valid email address.")
    today = call.at.now().date().isoformat()
    sent = call.book.find("mails", today) or {"count": 0}
    if sent["count"] >= call.organisation.mails_per_day:
        raise invalid(element, "Daily Email Rate Limit Exceeded")
    call.book.put("mails", today, {"count": sent["count"] + 1})
    call.book.put("invoice", invoice["id"], {**invoice, "sent": True})
    persons = [p["EmailAddress"] for p in contact.get("persons", ()) if p["IncludeInEmails"]]
    call.at.mailed(
        organisation=call.organisation.name,
        to=[contact["email"], *persons],
        subject=f"Invoice {invoice['number']}",
    )
    return make_response("", 204)


# --- the request body ---


def _sent(key: str) -> Mapping[str, Any]:
    """The one record in `{"Invoices": [{…}]}`. Raises RequestRefused."""
    body = request.get_json(silent=True)
    records = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(records, list) or len(records) != 1 or not isinstance(records[0], Mapping):
        raise bad_request(
            14,
            "PostDataInvalidException",
            "The request body does not hold one element in the expected member.",
        )
    return records[0]


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    return value if isinstance(value, str) else ""


def _day(sent: Mapping[str, Any], name: str) -> date | None:
    """The day in either spelling that Xero takes: `2026-11-05` or `/Date(1793836800000)/`."""
    value = sent.get(name)
    if not value:
        return None
    written = re.fullmatch(r"/Date\((\d+)(?:\+0000)?\)/", str(value))
    try:
        if written:
            return datetime.fromtimestamp(int(written[1]) / 1000, UTC).date()
        return date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError):
        raise invalid(sent, f"{name} is not a valid date.") from None


def _locked(book: Book, day: date) -> list[str]:
    lock = book.find("settings", "lock")
    if lock is None or day.isoformat() > lock["until"]:
        return []
    until = f"{date.fromisoformat(lock['until']):%d-%b-%Y}"
    return [f"The document date cannot be before the period lock date, currently set at {until}"]


def _lines(call: AuthorizedCall, sent: Mapping[str, Any], kind: str, reasons: list[str]) -> list[Record]:
    """The lines of a new invoice. Adds their errors to `reasons`."""
    accounts = {
        account["code"]: account for account in call.book.all("account") if account["status"] == "ACTIVE"
    }
    given = sent.get("LineItems")
    if not isinstance(given, list) or not given:
        reasons.append("One or more line items must be specified")
        return []
    lines = []
    for line in given:
        line = line if isinstance(line, Mapping) else {}
        code, quantity, unit = (
            line.get("AccountCode"),
            decimal(line.get("Quantity")),
            decimal(line.get("UnitAmount")),
        )
        account = accounts.get(str(code))
        if account is None or account["type"] == "BANK" or account["code"] in {"610", "800"}:
            reasons.append(f"Account code '{code}' is not a valid code for this document.")
            continue
        default = call.organisation.sales_tax if kind == "ACCREC" else call.organisation.purchase_tax
        tax = line.get("TaxType") or (
            account["tax_type"] if account["class"] in {"REVENUE", "EXPENSE"} else default
        )
        if tax not in call.organisation.tax:
            reasons.append(
                f"The TaxType code '{tax}' does not exist or cannot be used for this type of transaction."
            )
        elif not line.get("Description") or quantity is None or unit is None:
            reasons.append("Line items need a Description, Quantity and UnitAmount.")
        else:
            lines.append(
                {
                    "id": str(uuid.uuid4()),
                    "description": str(line["Description"]),
                    "quantity": str(quantity),
                    "unit": str(
                        unit.quantize(Decimal("0.0001" if request.args.get("unitdp") == "4" else "0.01"))
                    ),
                    "account": account["code"],
                    "tax_type": tax,
                    "rate": call.organisation.tax[tax],
                }
            )
    return lines


def _next_number(book: Book, kind: str) -> str:
    if kind == "ACCPAY":
        return ""
    taken = [invoice["number"] for invoice in book.all("invoice") if invoice["type"] == "ACCREC"]
    prefix = taken[0].rpartition("-")[0] if taken else "INV"
    numbers = [int(number.rpartition("-")[2]) for number in taken if number.rpartition("-")[2].isdigit()]
    return f"{prefix}-{max(numbers, default=0) + 1:04}"
