"""Xero's resources from stored records, and the totals of an invoice.

Records store days as `2026-11-05` and money as text, so that nothing is rounded.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import cents
from app.sandbox.services.xero.wire import day_string, number, wire_date, wire_moment
from app.sandbox.store import Book, Record


@dataclass(frozen=True)
class InvoiceTotals:
    """The money of an invoice, in its own currency."""

    subtotal: Decimal
    tax: Decimal
    paid: Decimal

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.subtotal + self.tax

    @property
    def due(self) -> Decimal:
        """Still to be paid."""
        return self.total - self.paid


def line_amount(line: Record) -> Decimal:
    """A line before tax."""
    return cents(Decimal(line["quantity"]) * Decimal(line["unit"]))


def line_tax(line: Record) -> Decimal:
    """The tax of a line."""
    return cents(line_amount(line) * Decimal(line["rate"]) / 100)


def payments_on(book: Book, invoice: Record) -> list[Record]:
    """The payments made on an invoice."""
    return [payment for payment in book.all("payment") if payment["invoice"] == invoice["id"]]


def sums(book: Book, invoice: Record) -> InvoiceTotals:
    """The totals of an invoice."""
    paid = sum((Decimal(payment["amount"]) for payment in payments_on(book, invoice)), Decimal(0))
    return InvoiceTotals(
        sum(map(line_amount, invoice["lines"]), Decimal(0)),
        sum(map(line_tax, invoice["lines"]), Decimal(0)),
        paid,
    )


def ledger_key(account: Record) -> str:
    """What the ledger calls an account. A bank account may have no code."""
    return str(account["code"] or account["id"])


def account_resource(account: Record) -> dict[str, Any]:
    """An account. Bank accounts have a number and a currency, and may have no code."""
    body = {
        "AccountID": account["id"],
        **({"Code": account["code"]} if account["code"] else {}),
        "Name": account["name"],
        "Status": account["status"],
        "Type": account["type"],
        "Class": account["class"],
        "TaxType": account["tax_type"],
        "EnablePaymentsToAccount": account["payments"],
        "ShowInExpenseClaims": False,
        "HasAttachments": False,
        "UpdatedDateUTC": wire_moment(account["updated"]),
    }
    if account["type"] == "BANK":
        body |= {
            "BankAccountNumber": account["number"],
            "BankAccountType": "BANK",
            "CurrencyCode": account["currency"],
        }
    return body


def contact_resource(contact: Record, *, summary: bool = False) -> dict[str, Any]:
    """A contact; a summary (`summaryOnly`) has neither its roles nor its addresses, phones and persons."""
    body: dict[str, Any] = {
        "ContactID": contact["id"],
        "ContactStatus": contact["status"],
        "Name": contact["name"],
        "FirstName": contact["first"],
        "LastName": contact["last"],
        "EmailAddress": contact["email"],
        "UpdatedDateUTC": wire_moment(contact["updated"]),
        "HasValidationErrors": False,
    }
    if not summary:
        body |= {
            "IsSupplier": contact["supplier"],
            "IsCustomer": contact["customer"],
            "Addresses": [
                {"AddressType": kind, "City": "", "Region": "", "PostalCode": "", "Country": ""}
                for kind in ("STREET", "POBOX")
            ],
            "Phones": [
                {
                    "PhoneType": kind,
                    "PhoneNumber": contact["phone"] if kind == "DEFAULT" else "",
                    "PhoneAreaCode": "",
                    "PhoneCountryCode": "",
                }
                for kind in ("DDI", "DEFAULT", "FAX", "MOBILE")
            ],
            "ContactGroups": [],
            "ContactPersons": contact.get("persons", []),
        }
    return body


def invoice_resource(book: Book, invoice: Record, *, lines: bool = True) -> dict[str, Any]:
    """An invoice, without its lines in a list without a page. A draft may have no due date."""
    contact = book.find("contact", invoice["contact"]) or {"name": ""}
    money = sums(book, invoice)
    return {
        "Type": invoice["type"],
        "InvoiceID": invoice["id"],
        "InvoiceNumber": invoice["number"],
        # Of sales invoices only (Xero-OpenAPI, Invoice.Reference): a bill's is its InvoiceNumber.
        **({"Reference": invoice["reference"]} if invoice["type"] == "ACCREC" else {}),
        "Payments": [
            {
                "PaymentID": payment["id"],
                "Date": wire_date(payment["date"]),
                "Amount": number(Decimal(payment["amount"])),
                "Reference": payment["reference"],
                "CurrencyRate": number(Decimal(invoice["rate"])),
                "HasAccount": False,
                "HasValidationErrors": False,
            }
            for payment in payments_on(book, invoice)
        ],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "AmountDue": number(money.due if invoice["status"] not in {"VOIDED", "DELETED"} else Decimal(0)),
        "AmountPaid": number(money.paid),
        "AmountCredited": 0.0,
        "SentToContact": invoice["sent"],
        "CurrencyRate": number(Decimal(invoice["rate"])),
        "HasErrors": False,
        "HasAttachments": False,
        "IsDiscounted": False,
        "Contact": {
            "ContactID": invoice["contact"],
            "Name": contact["name"],
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": False,
        },
        "DateString": day_string(invoice["date"]),
        "Date": wire_date(invoice["date"]),
        # Never null: the official SDK cannot read a date that is.
        **(
            {"DueDateString": day_string(invoice["due"]), "DueDate": wire_date(invoice["due"])}
            if invoice["due"]
            else {}
        ),
        "Status": invoice["status"],
        "LineAmountTypes": "Exclusive",
        "LineItems": [_line_resource(line) for line in invoice["lines"]] if lines else [],
        "SubTotal": number(money.subtotal),
        "TotalTax": number(money.tax),
        "Total": number(money.total),
        "UpdatedDateUTC": wire_moment(invoice["updated"]),
        "UpdatedDateUTCString": invoice["updated"][:19] + "Z",
        "CurrencyCode": invoice["currency"],
    }


def _line_resource(line: Record) -> dict[str, Any]:
    return {
        "LineItemID": line["id"],
        "Description": line["description"],
        "Quantity": number(Decimal(line["quantity"])),
        "UnitAmount": number(Decimal(line["unit"])),
        "AccountCode": line["account"],
        "TaxType": line["tax_type"],
        "TaxAmount": number(line_tax(line)),
        "LineAmount": number(line_amount(line)),
        "Tracking": [],
    }


def payment_resource(book: Book, payment: Record, *, saved: bool = False) -> dict[str, Any]:
    """A payment. Its date has no offset. After saving, its invoice has the amount due."""
    invoice = book.find("invoice", payment["invoice"]) or {}
    contact = book.find("contact", invoice.get("contact")) or {"name": ""}
    money = sums(book, invoice)
    paid_invoice = {
        "Type": invoice["type"],
        "InvoiceID": invoice["id"],
        "InvoiceNumber": invoice["number"],
        "Contact": {
            "ContactID": invoice["contact"],
            "Name": contact["name"],
            "Addresses": [],
            "Phones": [],
            "HasValidationErrors": False,
        },
        "LineItems": [],
        "IsDiscounted": False,
        "HasErrors": False,
        "CurrencyCode": invoice["currency"],
    }
    account = next(a for a in book.all("account") if ledger_key(a) == payment["account"])
    return {
        "PaymentID": payment["id"],
        "Date": wire_date(payment["date"], offset=""),
        "Amount": number(Decimal(payment["amount"])),
        "BankAmount": number(cents(Decimal(payment["amount"]) / Decimal(invoice["rate"]))),
        "Reference": payment["reference"],
        "CurrencyRate": number(Decimal(invoice["rate"])),
        "PaymentType": f"{invoice['type']}PAYMENT",
        "Status": "AUTHORISED",
        "IsReconciled": False,
        "HasAccount": True,
        "UpdatedDateUTC": wire_moment(payment["updated"]),
        "Account": {
            "AccountID": account["id"],
            **({"Code": account["code"]} if account["code"] else {}),
        },
        "Invoice": {**paid_invoice, "AmountDue": number(money.due), "AmountPaid": number(money.paid)}
        if saved
        else paid_invoice,
        "HasValidationErrors": False,
    }
