"""New customers, invoices and payments, with QuickBooks' validation."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import cents, decimal
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.quickbooks import taxes
from app.sandbox.services.quickbooks.records import (
    amount,
    currency_of,
    day_of,
    new,
    pay,
    ref,
    total_of,
    with_subtotal,
)
from app.sandbox.services.quickbooks.request_checks import AuthorizedCall
from app.sandbox.services.quickbooks.wire import (
    bad_reference,
    broken_rule,
    missing,
    number,
    refusal,
)
from app.sandbox.store import Record

_LONGEST = {"DisplayName": 500, "CompanyName": 100, "CustomerMemo": 1000}
_NAMES = ("DisplayName", "CompanyName", "GivenName", "FamilyName")
_CUSTOMER = {*_NAMES, "PrimaryEmailAddr", "PrimaryPhone", "CurrencyRef", "Notes", "BillAddr"}
_TRANSACTION = ("CustomerRef", "TxnDate", "Line", "CurrencyRef", "ExchangeRate", "PrivateNote")
# Members that the real service knows too, and that change nothing here.
_PASSED_OVER = {
    *("AllowIPNPayment", "AllowOnlineACHPayment", "AllowOnlineCreditCardPayment", "ApplyTaxAfterDiscount"),
    *("Balance", "CustomField", "Deposit", "DocNumber", "FreeFormAddress", "HomeBalance", "HomeTotalAmt"),
    *("InvoiceLink", "LinkedTxn", "PaymentRefNum", "PrintStatus", "ProcessPayment", "ShipDate", "SyncToken"),
    *("TotalAmt", "TrackingNum", "TxnSource", "TxnStatus", "UnappliedAmt", "domain"),
}
_INVOICE = {
    *(*_TRANSACTION, "DueDate", "BillEmail", "CustomerMemo", "EmailStatus", "GlobalTaxCalculation"),
    *_PASSED_OVER,
}
_PAYMENT = {*_TRANSACTION, *_PASSED_OVER}


def customer(call: AuthorizedCall, sent: Mapping[str, Any]) -> Record:
    """A new customer. Names are unique, also among inactive customers."""
    _known(sent, _CUSTOMER)
    name = str(sent.get("DisplayName") or "").strip()
    if not name:
        raise missing("DisplayName")
    if ":" in name:
        raise broken_rule("DisplayName must not contain a colon", element="DisplayName")
    if any(other["DisplayName"].lower() == name.lower() for other in call.book.all("customer")):
        detail = (
            "The name supplied already exists. : Another customer, vendor or employee is already "
            f"using the name {name}."
        )
        raise refusal("6240", "Duplicate Name Exists Error", detail)
    if address := _inside(sent, "PrimaryEmailAddr", "Address"):
        check_email(address)
    phone = str(_inside(sent, "PrimaryPhone", "FreeFormNumber") or "")
    if len(phone) > 30:
        raise _too_long("PrimaryPhone.FreeFormNumber", 30)
    given = {
        key: value
        for key, value in sent.items()
        if key in {"CompanyName", "GivenName", "FamilyName", "PrimaryEmailAddr", "PrimaryPhone"}
    }
    money = currency_of(call.company, _inside(sent, "CurrencyRef", "value") or call.company.currency).get(
        "CurrencyRef"
    )
    return new(
        call.book.new_id("record"),
        call.at.now(),
        **given,
        DisplayName=name,
        FullyQualifiedName=name,
        Active=True,
        Job=False,
        Taxable=False,
        CurrencyRef=money,
    )


def invoice(call: AuthorizedCall, sent: Mapping[str, Any]) -> Record:
    """A new invoice, posted at once in the customer's currency."""
    _known(sent, _INVOICE)
    payer = _customer_of(call, sent)
    day = day_of(sent["TxnDate"]) if sent.get("TxnDate") else call.at.today()
    due = day_of(sent["DueDate"]) if sent.get("DueDate") else (day + timedelta(days=30) if day else None)
    if day is None or due is None:
        raise refusal("2030", "Invalid ID", "Invalid date", element="TxnDate")
    if due < day:
        raise broken_rule("The due date can't be before the transaction date", element="DueDate")
    _open(call, day.isoformat())
    if address := _inside(sent, "BillEmail", "Address"):
        check_email(address)
    calculation = taxes.calculation_of(call.company, sent)
    lines = [_line(call, line, calculation) for line in _lines(sent)]
    tax = taxes.of_lines(call.book, lines) if calculation else {"TotalTax": 0}
    total = number(total_of(lines) + amount(tax, "TotalTax"))
    if total < 0:
        raise broken_rule("Transaction amount must be 0 or greater")
    numbers = [int(other["DocNumber"]) for other in call.book.all("invoice") if other["DocNumber"].isdigit()]
    code = _currency(call, sent, payer)
    return new(
        call.book.new_id("record"),
        call.at.now(),
        DocNumber=str(max(numbers, default=1000) + 1),
        TxnDate=day.isoformat(),
        DueDate=due.isoformat(),
        CustomerRef=ref(payer),
        CustomerMemo=sent.get("CustomerMemo"),
        BillEmail=sent.get("BillEmail"),
        EmailStatus="NotSet",
        PrintStatus="NeedToPrint",
        PrivateNote=sent.get("PrivateNote"),
        Line=with_subtotal(lines),
        TxnTaxDetail=tax,
        GlobalTaxCalculation=calculation,
        TotalAmt=total,
        Balance=total,
        LinkedTxn=[],
        **currency_of(call.company, code),
    )


def payment(call: AuthorizedCall, sent: Mapping[str, Any]) -> Record:
    """A new payment, applied to the invoices of its lines; the rest is credit."""
    _known(sent, _PAYMENT)
    payer = _customer_of(call, sent)
    total = decimal(sent.get("TotalAmt"))
    if total is None:
        raise missing("TotalAmt")
    if total < 0:
        raise broken_rule("Transaction amount must be 0 or greater", element="TotalAmt")
    day = day_of(sent["TxnDate"]) if sent.get("TxnDate") else call.at.today()
    if day is None:
        raise refusal("2030", "Invalid ID", "Invalid date", element="TxnDate")
    _open(call, day.isoformat())
    code = _currency(call, sent, payer)
    applied: list[tuple[Record, Decimal]] = []
    for line in sent.get("Line") or ():
        for linked in line.get("LinkedTxn") or ():
            owed = call.book.find("invoice", linked.get("TxnId"))
            if linked.get("TxnType") != "Invoice" or owed is None:
                raise bad_reference("Txn", linked.get("TxnId"))
            applied.append((owed, amount(line, "Amount")))
    for owed, part in applied:
        if owed["CustomerRef"]["value"] != payer["Id"]:
            raise broken_rule("The linked transaction belongs to another customer", element="LinkedTxn")
        if part > amount(owed, "Balance"):
            raise broken_rule(
                "The amount applied is more than the balance of the linked transaction", element="LinkedTxn"
            )
    rest = total - sum((part for _, part in applied), Decimal(0))
    if rest < 0:
        raise broken_rule("The amounts applied exceed the payment", element="TotalAmt")
    record = new(
        call.book.new_id("record"),
        call.at.now(),
        CustomerRef=ref(payer),
        TotalAmt=number(total),
        UnappliedAmt=number(rest),
        TxnDate=day.isoformat(),
        Line=list(sent.get("Line") or ()),
        **currency_of(call.company, code),
    )
    for owed, part in applied:
        pay(call.book, owed, record["Id"], part, call.at.now())
    return record


def check_email(address: Any) -> None:
    """Raises RequestRefused for an invalid e-mail address."""
    if not isinstance(address, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise refusal(
            "2210",
            "Invalid Email Address format",
            "Email Address does not conform to the syntax rules of RFC 822.",
            element="Address",
        )


def _known(sent: Mapping[str, Any], names: set[str]) -> None:
    for name, longest in _LONGEST.items():
        text = sent.get(name)
        if len(str(text.get("value", "") if isinstance(text, Mapping) else text or "")) > longest:
            raise _too_long(name, longest)
    if unknown := sorted(set(sent) - names - {"sparse"}):
        raise refusal(
            "2010",
            "Request has invalid or unsupported property",
            f"Property Name:{unknown[0]} specified is unsupported or invalid",
            element=unknown[0],
        )


def _too_long(name: str, longest: int) -> RequestRefused:
    detail = f"Max length allowed for {name} is {longest}"
    return refusal(
        "2050", "String length specified does not match the supported length", detail, element=name
    )


def _customer_of(call: AuthorizedCall, sent: Mapping[str, Any]) -> Record:
    id_ = _inside(sent, "CustomerRef", "value")
    if not id_:
        raise missing("CustomerRef")
    found = call.book.find("customer", id_)
    if found is None or not found["Active"]:
        raise bad_reference("Names", id_)
    return found


def _currency(call: AuthorizedCall, sent: Mapping[str, Any], payer: Record) -> str:
    """The customer's currency, which `CurrencyRef` must name where a company has several."""
    code: str = payer.get("CurrencyRef", {}).get("value", call.company.currency)
    given = _inside(sent, "CurrencyRef", "value")
    if call.company.several_currencies and not given:
        raise missing("CurrencyRef")
    if (given or code) != code:
        raise broken_rule("You can only use one foreign currency per transaction", element="CurrencyRef")
    return code


def _lines(sent: Mapping[str, Any]) -> list[Any]:
    lines = sent.get("Line")
    if not isinstance(lines, list) or not lines:
        raise missing("Line")
    return lines


def _line(call: AuthorizedCall, sent: Any, calculation: str | None) -> dict[str, Any]:
    if _inside(sent, "DetailType") != "SalesItemLineDetail":
        raise missing("Line.DetailType")
    worth = decimal(_inside(sent, "Amount"))
    if worth is None:
        raise missing("Line.Amount")
    item_id = _inside(sent, "SalesItemLineDetail", "ItemRef", "value")
    item = call.book.find("item", item_id)
    if item is None or not item["Active"]:
        raise bad_reference("Items", item_id)
    quantity = decimal(_inside(sent, "SalesItemLineDetail", "Qty"))
    price = decimal(_inside(sent, "SalesItemLineDetail", "UnitPrice"))
    if quantity is not None and price is not None and cents(quantity * price) != cents(worth):
        detail = (
            "Amount calculation incorrect in the request. : Amount is not equal to UnitPrice * Qty. "
            "Supplied value:"
        ) + str(worth)
        raise refusal("6070", "Amount calculation incorrect in the request", detail, element="Amount")
    tax_code = taxes.code_of_line(
        call.company, call.book, calculation, _inside(sent, "SalesItemLineDetail", "TaxCodeRef")
    )
    gross = decimal(_inside(sent, "SalesItemLineDetail", "TaxInclusiveAmt"))
    detail_ = {
        "ItemRef": ref(item),
        "UnitPrice": number(worth if price is None else price),
        "Qty": number(Decimal(1) if quantity is None else quantity),
        **({"TaxCodeRef": tax_code} if tax_code else {}),
        **({"TaxInclusiveAmt": number(gross)} if gross is not None and calculation == "TaxInclusive" else {}),
    }
    line = {
        "Amount": number(cents(worth)),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail_,
    }
    return {"Description": str(sent["Description"]), **line} if sent.get("Description") else line


def _open(call: AuthorizedCall, day: str) -> None:
    closed = call.book.find("settings", "closed")
    if closed is not None and day <= closed["until"]:
        detail = (
            "The account period has closed and the account books cannot be updated through the QBO "
            "Services API."
        )
        raise refusal("6210", "Account Period Closed, Cannot Update Through Services API", detail)


def _inside(node: Any, *names: str) -> Any:
    for name in names:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node
