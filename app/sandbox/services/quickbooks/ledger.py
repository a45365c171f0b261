"""A double-entry ledger, computed from the records: two sides each, so that the balance sheet balances."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import ZERO, LedgerEntry, by_account, cents, decimal
from app.sandbox.store import Book

CHECKING, RECEIVABLE, PAYABLE, OPENING_EQUITY, TAX_PAYABLE = "35", "84", "33", "34", "40"


def home(record: Mapping[str, Any], amount: Any) -> Decimal:
    """An amount of a record in the home currency."""
    return cents((decimal(amount) or ZERO) * (decimal(record.get("ExchangeRate")) or Decimal(1)))


def entries(book: Book, *, cash: bool = False) -> Iterator[LedgerEntry]:
    """Both sides of every record. On cash basis, income counts in proportion to its payments."""
    opening = book.find("settings", "opening")
    if opening:
        yield LedgerEntry(opening["day"], CHECKING, Decimal(opening["amount"]))
        yield LedgerEntry(opening["day"], OPENING_EQUITY, -Decimal(opening["amount"]))
    income = {
        item["Id"]: item["IncomeAccountRef"]["value"]
        for item in book.all("item")
        if "IncomeAccountRef" in item
    }
    payments = book.all("payment")
    for invoice in book.all("invoice"):
        total = decimal(invoice["TotalAmt"]) or ZERO
        if not total:
            continue
        parts = (
            [(p["TxnDate"], a / total) for p, a in _paid(payments, invoice["Id"])]
            if cash
            else [(invoice["TxnDate"], Decimal(1))]
        )
        customer = invoice["CustomerRef"]["value"]
        for day, share in parts:
            for line in invoice["Line"]:
                if line["DetailType"] == "SalesItemLineDetail":
                    worth = cents(home(invoice, line["Amount"]) * share)
                    yield LedgerEntry(
                        day, income[line["SalesItemLineDetail"]["ItemRef"]["value"]], -worth, customer
                    )
                    yield LedgerEntry(day, RECEIVABLE, worth, customer)
            tax = cents(home(invoice, invoice["TxnTaxDetail"]["TotalTax"]) * share)
            if tax:
                yield LedgerEntry(day, TAX_PAYABLE, -tax, customer)
                yield LedgerEntry(day, RECEIVABLE, tax, customer)
    for payment in payments:
        worth = home(payment, payment["TotalAmt"])
        customer = payment["CustomerRef"]["value"]
        yield LedgerEntry(payment["TxnDate"], CHECKING, worth, customer)
        yield LedgerEntry(payment["TxnDate"], RECEIVABLE, -worth, customer)
    for kind, other in (("purchase", CHECKING), ("bill", PAYABLE)):
        for spent in book.all(kind):
            yield LedgerEntry(spent["day"], spent["account"], Decimal(spent["amount"]))
            yield LedgerEntry(spent["day"], other, -Decimal(spent["amount"]))


def _paid(payments: list[dict[str, Any]], invoice_id: str) -> Iterator[tuple[dict[str, Any], Decimal]]:
    """The payments of an invoice, each with its amount."""
    for payment in payments:
        for line in payment["Line"]:
            if any(linked["TxnId"] == invoice_id for linked in line["LinkedTxn"]):
                yield payment, decimal(line["Amount"]) or ZERO


def paid_until(book: Book, invoice_id: str, day: str) -> Decimal:
    """The amount paid on an invoice up to a day, in its own currency."""
    return sum((a for p, a in _paid(book.all("payment"), invoice_id) if p["TxnDate"] <= day), ZERO)


def balances(book: Book) -> dict[str, Decimal]:
    """The present sum per account."""
    return by_account(entries(book))
