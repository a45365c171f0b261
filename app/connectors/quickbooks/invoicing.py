"""Sends and voids invoices, and records payments."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.money import PositiveAmount, as_text, decimals_of
from app.connectors.quickbooks.accounting import home_currency, write
from app.connectors.quickbooks.errors import StaleRecord
from app.connectors.quickbooks.invoices import InvoiceRow, is_voided, read_invoice, with_status
from app.connectors.quickbooks.values import (
    EmailAddress,
    InvoiceId,
    Money,
    OptionalDay,
    QuickBooksRow,
    inside,
    read_as,
    unreadable,
)
from app.errors import InvalidArguments

# What the official XSD calls a mail that waits in QuickBooks, and one that went out.
_WAITING, _SENT = "NeedToSend", "EmailSent"


class SentInvoice(QuickBooksRow):
    """What became of the mail with an invoice."""

    invoice_id: str = Field(validation_alias="Id")
    number: str | None = Field(None, validation_alias="DocNumber")
    email_status: str | None = Field(None, validation_alias="EmailStatus")
    sent_to: str | None = Field(None, validation_alias=AliasPath("BillEmail", "Address"))
    delivered_at: datetime | None = Field(None, validation_alias=AliasPath("DeliveryInfo", "DeliveryTime"))
    delivery_error: str | None = Field(
        None,
        validation_alias=AliasPath("DeliveryInfo", "DeliveryErrorType"),
        description="Why it was not delivered.",
    )


class Payment(QuickBooksRow):
    """A payment as QuickBooks saved it."""

    payment_id: str = Field(validation_alias="Id")
    total: Money | None = Field(None, validation_alias="TotalAmt")
    unapplied: Money | None = Field(
        None, validation_alias="UnappliedAmt", description="What no invoice took."
    )
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    customer_id: str | None = Field(None, validation_alias=AliasPath("CustomerRef", "value"))
    invoice_id: str | None = None


@tool(title="Send QuickBooks invoice", destructive=True)
def send_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person has agreed.")],
    send_to: Annotated[
        EmailAddress | None, Field(description="Instead of the invoice's own address.")
    ] = None,
) -> SentInvoice:
    """E-mail an invoice to the customer, after the person agreed to send this very one. It cannot be taken
    back.

    See it with quickbooks_get_invoice first.
    """
    check_confirmed(confirm, "nothing was sent")
    if not send_to and not inside(read_invoice(api, invoice_id), "BillEmail", "Address"):
        raise InvalidArguments(
            "send_to: nothing was sent, as the invoice has no e-mail address.",
            details={"fields": ["send_to"]},
        )
    made = write(
        api,
        "/invoice/{invoice_id}/send",
        "Invoice",
        None,
        parts={"invoice_id": invoice_id},
        params={"sendTo": send_to},
        # QuickBooks requires it, though there is no body
        headers={"Content-Type": "application/octet-stream"},
    )
    sent = read_as(SentInvoice, made, wrote=True)
    api.say(_outcome_of_mail(sent))
    return sent


def _outcome_of_mail(sent: SentInvoice) -> str:
    """What QuickBooks says of the mail: taking the request is not sending it."""
    if sent.delivery_error:
        return "QuickBooks could not deliver the mail: delivery_error says why. Check the address first."
    if sent.email_status == _SENT:
        return "The invoice was mailed."
    if sent.email_status == _WAITING:
        return (
            "The mail waits in QuickBooks and has not gone out. Look again with quickbooks_get_invoice "
            "before sending once more."
        )
    return (
        "QuickBooks took the request but does not say that the mail went out. Look at email_status with "
        "quickbooks_get_invoice before sending once more."
    )


@tool(title="Record QuickBooks payment", destructive=True)
def record_payment(
    api: Api,
    invoice_id: InvoiceId,
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency, at most its balance.")],
    date: Annotated[date | None, Field(description="When the money came; today if left out.")] = None,
) -> Payment:
    """Record in the ledger that a customer paid an invoice, if the person asked for it. It moves no money and
    cannot be undone here.

    See the balance with quickbooks_get_invoice first.
    """
    record = read_invoice(api, invoice_id)
    invoice = with_status(api, read_as(InvoiceRow, record))
    if not invoice.customer_id:
        raise unreadable()
    _check_amount(amount, invoice)
    made = write(
        api,
        "/payment",
        "Payment",
        {
            "CustomerRef": {"value": invoice.customer_id},
            "CurrencyRef": inside(record, "CurrencyRef"),
            "TotalAmt": float(amount),
            "TxnDate": date and date.isoformat(),
            "Line": [{"Amount": float(amount), "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}],
        },
    )
    payment = read_as(Payment, made, wrote=True)
    payment.currency = payment.currency or home_currency(api)
    payment.invoice_id = invoice_id
    return payment


@tool(title="Void QuickBooks invoice", destructive=True, idempotent=True)
def void_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person has agreed.")],
) -> InvoiceRow:
    """Void an invoice, after the person agreed to void this very one. It cannot be undone: it stays in the
    books with amounts of zero, and payments on it become credit.

    See it with quickbooks_get_invoice first.
    """
    check_confirmed(confirm, "nothing was voided")
    try:
        return _void(api, invoice_id)
    except StaleRecord:
        return _void(api, invoice_id)  # somebody saved it between our read and our write


def _void(api: Api, invoice_id: str) -> InvoiceRow:
    record = read_invoice(api, invoice_id)
    before = with_status(api, read_as(InvoiceRow, record))
    if is_voided(before):
        api.say("The invoice was voided before.")
        return before
    sent = {"Id": invoice_id, "SyncToken": record.get("SyncToken")}
    made = write(api, "/invoice", "Invoice", sent, params={"operation": "void"})
    after = with_status(api, read_as(InvoiceRow, made, wrote=True))
    if after.total or after.balance:
        raise unreadable(wrote=True)  # it still has an amount, so this does not say that it is void
    after.status = "voided"
    api.say("The invoice was voided.")
    return after


def _check_amount(amount: Decimal, invoice: InvoiceRow) -> None:
    """Raises InvalidArguments for more than is owed, or more decimals than the currency has."""
    places = decimals_of(invoice.currency)
    if amount != round(amount, places):
        raise InvalidArguments(
            f"amount: nothing was recorded, as {invoice.currency} has {places or 'no'} decimals.",
            details={"fields": ["amount"]},
        )
    if invoice.balance is not None and amount > invoice.balance:
        balance = as_text(invoice.balance, invoice.currency)
        owed = f"{balance} {invoice.currency or ''}".strip()
        raise InvalidArguments(
            f"amount: nothing was recorded, as no more than {owed} is still to be paid on this invoice.",
            details={"fields": ["amount"], "balance": balance},
        )
