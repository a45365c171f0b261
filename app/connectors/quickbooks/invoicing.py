"""Creates, sends and voids invoices, and records payments."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.money import PositiveAmount
from app.connectors.quickbooks.accounting import home_currency, write
from app.connectors.quickbooks.errors import StaleRecord
from app.connectors.quickbooks.invoices import (
    Invoice,
    InvoiceRow,
    invoice_with_lines,
    is_voided,
    read_invoice,
    with_status,
)
from app.connectors.quickbooks.values import (
    EmailAddress,
    Identifier,
    InvoiceId,
    Money,
    OptionalDay,
    QuantityGiven,
    QuickBooksRow,
    UnitPrice,
    inside,
    money_text,
    read_as,
)
from app.connectors.rows import Row
from app.errors import InvalidArguments

_CENTS = Decimal("0.01")


class NewInvoiceLine(Row):
    """A line of a new invoice."""

    item_id: Annotated[Identifier, Field(description="From quickbooks_list_items; not a Category.")]
    quantity: Annotated[QuantityGiven, Field(description="Up to five decimals.")]
    unit_price: Annotated[
        UnitPrice, Field(description="Price of one, before tax, in the customer's currency.")
    ]
    description: Annotated[
        str | None, Field(min_length=1, max_length=4000, description="What the customer reads.")
    ] = None


class SentInvoice(QuickBooksRow):
    """That an invoice went out."""

    invoice_id: str = Field(validation_alias="Id")
    number: str | None = Field(None, validation_alias="DocNumber")
    email_status: str | None = Field(None, validation_alias="EmailStatus")
    sent_to: str | None = Field(None, validation_alias=AliasPath("BillEmail", "Address"))
    delivered_at: datetime | None = Field(None, validation_alias=AliasPath("DeliveryInfo", "DeliveryTime"))


class Payment(QuickBooksRow):
    """A payment as QuickBooks saved it."""

    payment_id: str = Field(validation_alias="Id")
    total: Money = Field(validation_alias="TotalAmt")
    unapplied: Money | None = Field(
        None, validation_alias="UnappliedAmt", description="What no invoice took; zero when all is well."
    )
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    customer_id: str | None = Field(None, validation_alias=AliasPath("CustomerRef", "value"))
    invoice_id: str | None = None


@tool(title="Create QuickBooks invoice", destructive=True)
def create_invoice(
    api: Api,
    customer_id: Annotated[Identifier, Field(description="Whom it is for, from quickbooks_list_customers.")],
    lines: Annotated[
        list[NewInvoiceLine], Field(min_length=1, max_length=100, description="What is invoiced.")
    ],
    date: Annotated[date | None, Field(description="Today in the company when left out.")] = None,
    due_date: Annotated[date | None, Field(description="By the customer's terms when left out.")] = None,
    customer_email: Annotated[
        EmailAddress | None, Field(description="Where quickbooks_send_invoice will send it.")
    ] = None,
    memo: Annotated[
        str | None,
        Field(min_length=1, max_length=1000, description="Message to the customer on the invoice."),
    ] = None,
) -> Invoice:
    """Create an invoice. QuickBooks has no drafts: it is in the ledger at once, and the customer owes it.

    Use it only when the person asked for this invoice. It is not sent: that is quickbooks_send_invoice. It
    cannot change an existing invoice.
    """
    if date and due_date and due_date < date:
        raise InvalidArguments(
            "due_date: it must be a day on or after the invoice's date.", details={"fields": ["due_date"]}
        )
    record = {
        "CustomerRef": {"value": customer_id},
        "TxnDate": date and date.isoformat(),
        "DueDate": due_date and due_date.isoformat(),
        "BillEmail": {"Address": customer_email} if customer_email else None,
        "CustomerMemo": {"value": memo} if memo else None,
        "Line": [_line(line) for line in lines],
    }
    invoice = invoice_with_lines(api, write(api, "/invoice", "Invoice", record), wrote=True)
    api.say("The invoice is in the ledger; it was not sent.")
    return invoice


@tool(title="Send QuickBooks invoice", destructive=True)
def send_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person has agreed that the mail goes out.")],
    send_to: Annotated[
        EmailAddress | None, Field(description="Another address than the invoice's own.")
    ] = None,
) -> SentInvoice:
    """E-mail an invoice to the customer, from QuickBooks. The mail cannot be taken back.

    Use it only after the person agreed to send this very invoice; look at it with quickbooks_get_invoice
    first.
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
    api.say("The invoice was mailed.")
    return read_as(SentInvoice, made, wrote=True)


@tool(title="Record QuickBooks payment", destructive=True)
def record_payment(
    api: Api,
    invoice_id: InvoiceId,
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency, at most its balance.")],
    date: Annotated[
        date | None, Field(description="When the money came; today in the company when left out.")
    ] = None,
) -> Payment:
    """Record in the ledger that a customer paid an invoice, in full or in part. It moves no money and cannot
    be undone here.

    Use it only when the person asked for it; check the balance with quickbooks_get_invoice first.
    """
    record = read_invoice(api, invoice_id)
    invoice = invoice_with_lines(api, record)
    if amount > invoice.balance:
        owed = f"{money_text(invoice.balance)} {invoice.currency or ''}".strip()
        raise InvalidArguments(
            f"amount: nothing was recorded, as no more than {owed} is still to be paid on this invoice.",
            details={"fields": ["amount"], "balance": money_text(invoice.balance)},
        )
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
    confirm: Annotated[
        bool, Field(description="true once the person has agreed that this invoice is voided.")
    ],
) -> InvoiceRow:
    """Void an invoice: it stays in the books with amounts of zero, and payments on it become credit. It
    cannot be undone.

    Use it only after the person agreed to void this very invoice; look at it with quickbooks_get_invoice
    first.
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
    api.say("The invoice was voided.")
    return with_status(api, read_as(InvoiceRow, made, wrote=True))


def _line(line: NewInvoiceLine) -> dict[str, Any]:
    """A line as QuickBooks takes it: JSON numbers from exact decimals, and their product as the amount."""
    amount = (line.quantity * line.unit_price).quantize(_CENTS, ROUND_HALF_UP)
    detail = {
        "ItemRef": {"value": line.item_id},
        "Qty": float(line.quantity),
        "UnitPrice": float(line.unit_price),
    }
    record = {"DetailType": "SalesItemLineDetail", "Amount": float(amount), "SalesItemLineDetail": detail}
    return {**record, "Description": line.description} if line.description else record
