"""A double-entry ledger, computed from the records."""

from collections.abc import Iterator
from decimal import Decimal

from app.sandbox.bookkeeping import LedgerEntry, cents
from app.sandbox.services.xero.records import ledger_key, line_amount, line_tax, payments_on, sums
from app.sandbox.store import Book, Record


def base_amount(invoice: Record, amount: Decimal) -> Decimal:
    """An amount of an invoice in the base currency, rounded to cents."""
    return cents(amount / Decimal(invoice["rate"]))


def entries_of(book: Book, *, cash: bool = False) -> Iterator[LedgerEntry]:
    """Both sides of every record. On cash basis, income and costs count in proportion to their payments."""
    first = min((invoice["date"] for invoice in book.all("invoice")), default="2000-01-01")
    for account in book.all("account"):
        if Decimal(account["opening"]):
            yield LedgerEntry(first, ledger_key(account), Decimal(account["opening"]))
    for invoice in book.all("invoice"):
        if invoice["status"] not in {"AUTHORISED", "PAID"}:
            continue
        sign = -1 if invoice["type"] == "ACCREC" else 1
        control = "610" if invoice["type"] == "ACCREC" else "800"
        total = sums(book, invoice).total
        paid = payments_on(book, invoice)
        parts = (
            [(p["date"], Decimal(p["amount"]) / total) for p in paid]
            if cash
            else [(invoice["date"], Decimal(1))]
        )
        for day, share in parts:
            for line in invoice["lines"]:
                net = base_amount(invoice, line_amount(line) * share)
                tax = base_amount(invoice, line_tax(line) * share)
                yield LedgerEntry(day, line["account"], sign * net)
                yield LedgerEntry(day, "820", sign * tax)
                yield LedgerEntry(day, control, -sign * (net + tax))
        for payment in paid:
            amount = base_amount(invoice, Decimal(payment["amount"]))
            yield LedgerEntry(payment["date"], payment["account"], -sign * amount)
            yield LedgerEntry(payment["date"], control, sign * amount)


def profit_codes(book: Book) -> set[str]:
    """The codes of the accounts that make the profit."""
    return {
        ledger_key(account) for account in book.all("account") if account["class"] in {"REVENUE", "EXPENSE"}
    }
