"""Sends and voids invoices, and records payments."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.lookups import (
    email_headline,
    long_day,
    mailbox,
    money,
    named,
    named_invoice,
    send_button,
)
from app.connectors.money import PositiveAmount, as_text, decimals_of
from app.connectors.preview import Preview, facts
from app.connectors.preview import amount as spelled_out
from app.connectors.quickbooks.accounting import home_currency, write
from app.connectors.quickbooks.errors import StaleRecord
from app.connectors.quickbooks.invoices import (
    Invoice,
    InvoiceRow,
    invoice_facts,
    is_voided,
    read_invoice,
    with_status,
)
from app.connectors.quickbooks.values import (
    Day,
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

# What the official XSD calls an email that waits in QuickBooks, and one that went out.
_WAITING, _SENT = "NeedToSend", "EmailSent"


class SentInvoice(QuickBooksRow):
    """What became of the email with an invoice."""

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
        None, validation_alias="UnappliedAmt", description="Not applied to any invoice."
    )
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    customer_id: str | None = Field(None, validation_alias=AliasPath("CustomerRef", "value"))
    invoice_id: str | None = None


def _preview_of_email(api: Api, invoice_id: str, confirm: bool, send_to: str | None) -> Preview:
    """Preview of `send_invoice`. Raises what stops it."""
    check_confirmed(confirm, "nothing was sent")
    invoice = _read(api, invoice_id)
    _check_address(send_to or invoice.billing_email)
    whom = f"to {mailbox(invoice.customer, send_to or invoice.billing_email)}"
    total = money(invoice.total, invoice.currency)
    # Its id stays in the reference: QuickBooks lets several invoices have one number.
    return Preview(
        email_headline(named_invoice(invoice.number), total, whom),
        send_button(total),
        (*invoice_facts(invoice), *facts(("Email on the invoice", invoice.billing_email or "none"))),
        frozenset({"send_to"}),
        "This invoice is voided." if invoice.status == "voided" else "",
    )


@tool(title="Email a QuickBooks invoice", destructive=True, preview=_preview_of_email)
def send_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person has agreed.")],
    send_to: Annotated[
        EmailAddress | None, Field(description="Instead of the invoice's own address.")
    ] = None,
) -> SentInvoice:
    """Email an invoice to its customer, after the person agreed to this exact invoice. It can't be undone.

    Check it with quickbooks_get_invoice first.
    """
    check_confirmed(confirm, "nothing was sent")
    if not send_to:
        _check_address(inside(read_invoice(api, invoice_id), "BillEmail", "Address"))
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
    """What QuickBooks says of the email: taking the request is not sending it."""
    if sent.delivery_error:
        return "QuickBooks could not deliver the email: see delivery_error. Check the address first."
    if sent.email_status == _SENT:
        return "Invoice sent."
    if sent.email_status == _WAITING:
        return (
            "The email is queued in QuickBooks and has not been sent. Check quickbooks_get_invoice before "
            "sending it again."
        )
    return (
        "QuickBooks accepted the request but does not say whether it sent the email. Check email_status with "
        "quickbooks_get_invoice before sending it again."
    )


def _preview_of_payment(
    api: Api, invoice_id: str, amount: Decimal, date: Day | None, **_more: Any
) -> Preview:
    """Preview of `record_payment`. Raises what stops it."""
    invoice = _read(api, invoice_id)
    _check_payable(amount, invoice)
    total, due = spelled_out(amount, invoice.currency), invoice.balance
    customer = f" from {named(invoice.customer)}" if invoice.customer else ""
    received = f", received {long_day(date)}" if date else ""
    return Preview(
        f"Record payment of {total} on {named_invoice(invoice.number)}{customer}{received}",
        f"Record payment, {total}",
        (
            *invoice_facts(invoice),
            *facts(("Due after this payment", due and spelled_out(due - amount, invoice.currency))),
        ),
        frozenset({"amount", "date"}),
    )


@tool(title="Record a QuickBooks payment", destructive=True, preview=_preview_of_payment)
def record_payment(
    api: Api,
    invoice_id: InvoiceId,
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency, at most its balance.")],
    date: Annotated[date | None, Field(description="Day the money arrived. Default: today.")] = None,
) -> Payment:
    """Record in the ledger that a customer paid an invoice, if the person asked for it. It moves no money and
    can't be undone from here.

    Check the balance with quickbooks_get_invoice first.
    """
    record = read_invoice(api, invoice_id)
    invoice = with_status(api, read_as(InvoiceRow, record))
    _check_payable(amount, invoice)
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


def _preview_of_void(api: Api, invoice_id: str, confirm: bool) -> Preview:
    """Preview of `void_invoice`. Raises InvalidArguments without the person's agreement."""
    check_confirmed(confirm, "nothing was voided")
    invoice = _read(api, invoice_id)
    total = money(invoice.total, invoice.currency)
    what = ", ".join(filter(None, (named_invoice(invoice.number), total)))
    customer = f"{',' if total else ''} for {named(invoice.customer)}" if invoice.customer else ""
    paid = None if invoice.total is None or invoice.balance is None else invoice.total - invoice.balance
    return Preview(
        f"Void {what}{customer}",
        f"Void invoice, {total}" if total else "Void invoice",
        (*invoice_facts(invoice), *facts(("Paid so far", money(paid, invoice.currency)))),
        warning="This invoice is already voided; nothing changes."
        if invoice.status == "voided"
        else "Payments on it become credit."
        if paid
        else "",
    )


@tool(title="Void a QuickBooks invoice", destructive=True, idempotent=True, preview=_preview_of_void)
def void_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person has agreed.")],
) -> InvoiceRow:
    """Void an invoice, after the person agreed to this exact invoice. It can't be undone: it stays in the
    books with amounts of zero, and payments on it become credit.

    Check it with quickbooks_get_invoice first.
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
        api.say("The invoice was already voided.")
        return before
    sent = {"Id": invoice_id, "SyncToken": record.get("SyncToken")}
    made = write(api, "/invoice", "Invoice", sent, params={"operation": "void"})
    after = with_status(api, read_as(InvoiceRow, made, wrote=True))
    if after.total or after.balance:
        raise unreadable(wrote=True)  # it still has an amount, so this does not say that it is void
    after.status = "voided"
    api.say("The invoice was voided.")
    return after


def _read(api: Api, invoice_id: str) -> Invoice:
    """The invoice with its status. Raises ObjectNotFound."""
    return with_status(api, read_as(Invoice, read_invoice(api, invoice_id)))


def _check_address(address: object) -> None:
    """Raises InvalidArguments without an address to send to."""
    if not address:
        raise InvalidArguments(
            "send_to: nothing was sent, as the invoice has no email address.", details={"fields": ["send_to"]}
        )


def _check_payable(amount: Decimal, invoice: InvoiceRow) -> None:
    """Raises InvalidArguments for more than is owed, or more decimals than the currency has.

    Raises ProviderUnavailable for an invoice without a customer, who the payment is from.
    """
    if not invoice.customer_id:
        raise unreadable()
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
