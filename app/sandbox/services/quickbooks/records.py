"""Stored records: the shapes of QuickBooks, without the balances that are computed per response."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import decimal
from app.sandbox.services.quickbooks import ledger
from app.sandbox.services.quickbooks.companies import CompanySettings
from app.sandbox.services.quickbooks.wire import number, stamp
from app.sandbox.store import Book, Record

# The name in a URL, and in bodies and queries.
ENTITIES: Mapping[str, str] = {
    "customer": "Customer",
    "invoice": "Invoice",
    "item": "Item",
    "account": "Account",
    "payment": "Payment",
    "taxcode": "TaxCode",
    "taxrate": "TaxRate",
}


def ref(record: Mapping[str, Any]) -> dict[str, str]:
    """A reference to a customer, item or account."""
    return {
        "value": record["Id"],
        "name": record.get("DisplayName") or record.get("FullyQualifiedName") or record["Name"],
    }


def currency_of(company: CompanySettings, code: str) -> dict[str, Any]:
    """The currency members: none in a company with a single currency."""
    if not company.several_currencies:
        return {}
    names = {company.currency: company.currency_name, "USD": "United States Dollar"}
    return {
        "CurrencyRef": {"value": code, "name": names.get(code, code)},
        "ExchangeRate": 1 if code == company.currency else 1.36,
    }


def new(id_: object, at: datetime, **members: Any) -> Record:
    """A record with the common members; members of None are left out."""
    given = {name: value for name, value in members.items() if value is not None}
    moment = stamp(at)
    return {
        **given,
        "domain": "QBO",
        "sparse": False,
        "Id": str(id_),
        "SyncToken": "0",
        "MetaData": {"CreateTime": moment, "LastUpdatedTime": moment},
    }


def touched(record: Record, at: datetime, **changes: Any) -> Record:
    """The record after a write, with the next SyncToken."""
    meta = {**record["MetaData"], "LastUpdatedTime": stamp(at)}
    return {**record, **changes, "SyncToken": str(int(record["SyncToken"]) + 1), "MetaData": meta}


def amount(record: Mapping[str, Any], name: str) -> Decimal:
    """A number of a record; zero if missing."""
    return decimal(record.get(name)) or Decimal(0)


def total_of(lines: list[dict[str, Any]]) -> Decimal:
    """The sum of the lines."""
    return sum(
        (amount(line, "Amount") for line in lines if line["DetailType"] == "SalesItemLineDetail"), Decimal(0)
    )


def with_subtotal(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The numbered lines and the subtotal line that QuickBooks adds."""
    numbered = [{"Id": str(n), "LineNum": n, **line} for n, line in enumerate(lines, 1)]
    return [
        *numbered,
        {"Amount": number(total_of(lines)), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
    ]


def voided(invoice: Record) -> dict[str, Any]:
    """The members that voiding changes: amounts and quantities become zero, the note begins with "Voided".

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#void-an-invoice
    """
    lines = []
    for line in invoice["Line"]:
        if line["DetailType"] == "SalesItemLineDetail":
            detail = {k: v for k, v in line["SalesItemLineDetail"].items() if k != "TaxInclusiveAmt"}
            lines.append({**line, "Amount": 0, "SalesItemLineDetail": {**detail, "Qty": 0}})
    return {
        "TotalAmt": 0,
        "Balance": 0,
        "TxnTaxDetail": {"TotalTax": 0},
        "LinkedTxn": [],
        "Line": with_subtotal(lines),
        "PrivateNote": f"Voided {invoice.get('PrivateNote', '')}".rstrip(),
    }


def pay(book: Book, invoice: Record, payment_id: str, paid: Decimal, at: datetime) -> None:
    """Subtract a payment from an invoice's balance."""
    linked = [*invoice["LinkedTxn"], {"TxnId": payment_id, "TxnType": "Payment"}]
    changed = touched(invoice, at, Balance=number(amount(invoice, "Balance") - paid), LinkedTxn=linked)
    book.put("invoice", invoice["Id"], changed)


def with_balances(
    kind: str, book: Book, record: Record, balances: Mapping[str, Decimal] | None = None
) -> Record:
    """The record with its computed balances. `balances`: those of all accounts, if known."""
    if kind == "customer":
        owed = sum(
            (amount(i, "Balance") for i in book.all("invoice") if i["CustomerRef"]["value"] == record["Id"]),
            Decimal(0),
        )
        return {**record, "Balance": number(owed), "BalanceWithJobs": number(owed)}
    if kind == "account":
        found = (balances or ledger.balances(book)).get(record["Id"], Decimal(0))
        counted = record["Classification"] not in {"Revenue", "Expense"}
        sign = 1 if record["Classification"] in {"Asset", "Expense"} else -1
        return {**record, "CurrentBalance": number(sign * found) if counted else 0}
    return record


def everything(kind: str, book: Book) -> list[Record]:
    """All records of a kind with their balances."""
    balances = ledger.balances(book) if kind == "account" else None
    return [with_balances(kind, book, record, balances) for record in book.all(kind)]


def day_of(text: Any) -> date | None:
    """A calendar day, or None for any other text."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
