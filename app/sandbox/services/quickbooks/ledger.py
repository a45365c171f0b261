"""A small double-entry ledger, counted from the records: two sides for each, so that the balance sheet
balances.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.sandbox.services.quickbooks.wire import cents, decimal
from app.sandbox.store import Book

CHECKING, RECEIVABLE, PAYABLE, OPENING_EQUITY = "35", "84", "33", "34"
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """An amount on an account, in the home currency; debits are positive."""

    day: str
    account: str
    amount: Decimal
    customer: str = ""


def home(record: Mapping[str, Any], amount: Any) -> Decimal:
    """An amount of a record in the home currency."""
    return cents((decimal(amount) or _ZERO) * (decimal(record.get("ExchangeRate")) or Decimal(1)))


def entries(book: Book, *, cash: bool = False) -> Iterator[Entry]:
    """Both sides of every record. On cash basis income counts when it is paid, in proportion."""
    opening = book.find("settings", "opening")
    if opening:
        yield Entry(opening["day"], CHECKING, Decimal(opening["amount"]))
        yield Entry(opening["day"], OPENING_EQUITY, -Decimal(opening["amount"]))
    income = {
        item["Id"]: item["IncomeAccountRef"]["value"]
        for item in book.all("item")
        if "IncomeAccountRef" in item
    }
    payments = book.all("payment")
    for invoice in book.all("invoice"):
        total = decimal(invoice["TotalAmt"]) or _ZERO
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
                    yield Entry(
                        day, income[line["SalesItemLineDetail"]["ItemRef"]["value"]], -worth, customer
                    )
                    yield Entry(day, RECEIVABLE, worth, customer)
    for payment in payments:
        worth = home(payment, payment["TotalAmt"])
        customer = payment["CustomerRef"]["value"]
        yield Entry(payment["TxnDate"], CHECKING, worth, customer)
        yield Entry(payment["TxnDate"], RECEIVABLE, -worth, customer)
    for kind, other in (("purchase", CHECKING), ("bill", PAYABLE)):
        for spent in book.all(kind):
            yield Entry(spent["day"], spent["account"], Decimal(spent["amount"]))
            yield Entry(spent["day"], other, -Decimal(spent["amount"]))


def _paid(payments: list[dict[str, Any]], invoice_id: str) -> Iterator[tuple[dict[str, Any], Decimal]]:
    """The payments on an invoice, and how much of each."""
    for payment in payments:
        for line in payment["Line"]:
            if any(linked["TxnId"] == invoice_id for linked in line["LinkedTxn"]):
                yield payment, decimal(line["Amount"]) or _ZERO


def paid_until(book: Book, invoice_id: str, day: str) -> Decimal:
    """What had been paid on an invoice by a day, in its own currency."""
    return sum((a for p, a in _paid(book.all("payment"), invoice_id) if p["TxnDate"] <= day), _ZERO)


def by_account(found: Iterable[Entry]) -> dict[str, Decimal]:
    """The sum on each account."""
    sums: dict[str, Decimal] = defaultdict(lambda: _ZERO)
    for entry in found:
        sums[entry.account] += entry.amount
    return sums


def balances(book: Book) -> dict[str, Decimal]:
    """The sum on each account now."""
    return by_account(entries(book))
