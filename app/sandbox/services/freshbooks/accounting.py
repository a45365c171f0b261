"""The accounting family: invoices, payments, expenses."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.current import here
from app.sandbox.services.freshbooks.answers import (
    accounting_page,
    enter_account,
    no_such,
    problem,
    result,
    sent,
)
from app.sandbox.services.freshbooks.records import (
    DraftInvoice,
    add_invoice,
    add_payment,
    invoice_resource,
    set_lines,
)
from app.sandbox.store import Book, Record

_A = "/accounting/account/<account>"
_CARDS = {"Credit", "Credit Card", "Debit"}
_PAYMENT_TYPES = {*_CARDS, "Check", "Cash", "Bank Transfer", "PayPal", "ACH", "Other"}


def install(bp: Blueprint) -> None:
    """Add the addresses."""
    bp.add_url_rule(f"{_A}/invoices/invoices", "list_invoices", list_invoices, methods=["GET"])
    bp.add_url_rule(f"{_A}/invoices/invoices", "create_invoice", create_invoice, methods=["POST"])
    bp.add_url_rule(f"{_A}/invoices/invoices/<number>", "get_invoice", get_invoice, methods=["GET"])
    bp.add_url_rule(f"{_A}/invoices/invoices/<number>", "change_invoice", change_invoice, methods=["PUT"])
    bp.add_url_rule(f"{_A}/payments/payments", "list_payments", list_payments, methods=["GET"])
    bp.add_url_rule(f"{_A}/payments/payments", "create_payment", create_payment, methods=["POST"])
    bp.add_url_rule(f"{_A}/expenses/expenses", "list_expenses", list_expenses, methods=["GET"])


# --- invoices ---


def list_invoices(account: str) -> Response:
    """Invoices. The filters that do not work are ignored silently, as at FreshBooks."""
    book = enter_account(account, "user:invoices:read")
    lines = _with_lines()
    rows = [
        invoice_resource(book, i, here().today(), lines=lines)
        for i in book.all("invoice")
        if i["vis_state"] != 1
    ]
    for key, keeps in _FILTERS.items():
        value = request.args.get(f"search[{key}]")
        if value is not None:
            rows = [row for row in rows if keeps(row, value)]
    if request.args.get("sort") == "invoice_date_asc":
        rows.sort(key=lambda row: (row["create_date"], row["invoiceid"]))
    else:
        rows.sort(key=lambda row: (row["create_date"], row["invoiceid"]), reverse=True)
    return accounting_page("invoices", rows)


def _has_money(row: Record, member: str, wanted: str) -> bool:
    return (Decimal(row[member]["amount"]) > 0) == (wanted in {"true", "1"})


# Minimums include their value, maximums do not (https://www.freshbooks.com/api/parameters).
# FreshBooks ignores search[status], search[statusid], search[payment_status] and create_date_*: it lists all.
_FILTERS: dict[str, Callable[[Record, str], bool]] = {
    "v3_status": lambda row, value: row["v3_status"] == value,
    "customerid": lambda row, value: str(row["customerid"]) == value,
    "date_min": lambda row, value: row["create_date"] >= value,
    "date_max": lambda row, value: row["create_date"] < value,
    "updated_min": lambda row, value: row["updated"] >= value,
    "outstanding": lambda row, value: _has_money(row, "outstanding", value),
    "paid": lambda row, value: _has_money(row, "paid", value),
}


def _find(book: Book, number: str) -> Record | None:
    invoice = book.find("invoice", number)
    return None if invoice is None or invoice["vis_state"] == 1 else invoice


def get_invoice(account: str, number: str) -> Response:
    """One invoice, with its lines only if included."""
    book = enter_account(account, "user:invoices:read")
    invoice = _find(book, number)
    if invoice is None:
        return no_such("invoiceid", "invoice", number)
    return result(invoice=invoice_resource(book, invoice, here().today(), lines=_with_lines()))


def _with_lines() -> bool:
    """Whether lines are asked for: no answer has them otherwise, nor does one to a POST or PUT."""
    return "lines" in request.args.getlist("include[]")


def create_invoice(account: str) -> Response:
    """Create a draft. The answer has its lines only if included."""
    book = enter_account(account, "user:invoices:write")
    given = sent("invoice")
    if given.get("customerid") in {None, ""}:
        return problem(1001, "customerid", "Required field: customerid", object_="invoice")
    client = book.find("client", given["customerid"])
    if client is None or client["vis_state"] == 1:
        return problem(1012, "customerid", "Client not found.", object_="invoice", value=given["customerid"])
    if refused := _refuse(given):
        return refused
    draft = DraftInvoice(
        client=client,
        lines=given.get("lines") or [],
        made=date.fromisoformat(given.get("create_date") or here().today().isoformat()),
        due_offset_days=int(given.get("due_offset_days") or 0),
        currency=given.get("currency_code") or "",
        notes=given.get("notes") or "",
        terms=given.get("terms"),
    )
    made = add_invoice(book, draft)
    return result(invoice=invoice_resource(book, made, here().today(), lines=_with_lines()))


def _refuse(given: dict[str, Any]) -> Response | None:
    """The error for an invalid invoice, mostly with HTTP 200 as at FreshBooks, or None."""
    if "due_date" in given:
        return problem(
            1038,
            "due_date",
            "The field due_date is not writable.",
            object_="invoice",
            value=given["due_date"],
            status=403,
        )
    if "create_date" in given and not _is_date(given["create_date"]):
        return problem(1004, "create_date", "Invalid date.", object_="invoice", value=given["create_date"])
    code = given.get("currency_code")
    if code and not (isinstance(code, str) and len(code) == 3 and code.isalpha() and code.isupper()):
        return problem(1004, "currency_code", "Unknown currency.", object_="invoice", value=code)
    for line in given.get("lines") or []:
        try:
            Decimal(str(line["unit_cost"]["amount"])), Decimal(str(line.get("qty", "1")))
        except (KeyError, TypeError, InvalidOperation):
            return problem(1004, "lines", "A line has no valid amount.", object_="invoice")
    return None


def _is_date(text: object) -> bool:
    try:
        date.fromisoformat(str(text))
    except ValueError:
        return False
    return True


def change_invoice(account: str, number: str) -> Response:
    """Change fields, send by mail (`action_email`), mark as sent, archive or delete (`vis_state`)."""
    book = enter_account(account, "user:invoices:write")
    invoice = _find(book, number)
    if invoice is None:
        return no_such("invoiceid", "invoice", number)
    given = sent("invoice")
    if refused := _refuse(given):
        return refused
    changes: Record = {
        k: given[k] for k in ("notes", "terms", "vis_state", "due_offset_days", "create_date") if k in given
    }
    changed = {**invoice, **changes}
    if "lines" in given:
        set_lines(changed, given["lines"])
    mails = bool(given.get("action_email")) and not here().grants.book.find("lever", "hold_mail")
    if mails:
        client = book.find("client", invoice["customerid"]) or {}
        recipients = given.get("email_recipients") or [client.get("email")]
        if not all(isinstance(r, str) and "@" in r for r in recipients):
            return problem(
                1001, "email_recipients", "Required field: email_recipients", object_="invoice", status=422
            )
        custom = given.get("invoice_customized_email") or {}
        here().mailed(
            invoice=invoice["invoice_number"],
            to=recipients,
            subject=custom.get("subject"),
            body=custom.get("body"),
        )
    if (mails or given.get("action_mark_as_sent")) and changed["v3_status"] == "draft":
        changed["v3_status"] = "sent"
    changed["updated"] = here().now().strftime("%Y-%m-%d %H:%M:%S")
    stored = book.put("invoice", number, changed)
    return result(invoice=invoice_resource(book, stored, here().today(), lines=_with_lines()))


# --- payments ---


def list_payments(account: str) -> Response:
    """Payments, newest first."""
    book = enter_account(account, "user:payments:read")
    rows = [row for row in book.all("payment") if row["vis_state"] == 0]
    low, high = request.args.get("search[date_min]", ""), request.args.get("search[date_max]", "9999")
    rows = [row for row in rows if low <= row["date"] < high]
    return accounting_page("payments", sorted(rows, key=lambda row: (row["date"], row["id"]), reverse=True))


def create_payment(account: str) -> Response:
    """Record a payment of an invoice."""
    book = enter_account(account, "user:payments:write")
    given = sent("payment")
    for name in ("invoiceid", "amount", "date"):
        if not given.get(name):
            return problem(1001, name, f"Required field: {name}", object_="payment")
    invoice = _find(book, str(given["invoiceid"]))
    if invoice is None:
        return problem(1012, "invoiceid", "Invoice not found.", object_="payment", value=given["invoiceid"])
    try:
        amount = Decimal(str(given["amount"]["amount"]))
    except (KeyError, TypeError, InvalidOperation):
        return problem(1004, "amount", "Invalid amount.", object_="payment", value=given["amount"])
    how = given.get("type", "Other")
    if amount <= 0 or not _is_date(given["date"]) or how not in _PAYMENT_TYPES:
        field = "amount" if amount <= 0 else "type" if how not in _PAYMENT_TYPES else "date"
        return problem(1004, field, f"Invalid value: {field}", object_="payment", value=given.get(field, ""))
    made = add_payment(
        book, dict(invoice), amount, date.fromisoformat(given["date"]), how, given.get("note") or ""
    )
    return result(payment=made)


# --- expenses ---


def list_expenses(account: str) -> Response:
    """Expenses, newest first."""
    book = enter_account(account, "user:expenses:read")
    low, high = request.args.get("search[date_min]", ""), request.args.get("search[date_max]", "9999")
    rows = [row for row in book.all("expense") if row["vis_state"] == 0 and low <= row["date"] < high]
    return accounting_page("expenses", sorted(rows, key=lambda row: (row["date"], row["id"]), reverse=True))
