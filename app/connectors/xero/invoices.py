"""Sales invoices (ACCREC) and bills (ACCPAY)."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.connectors.xero.accounting import create, dated_between, read_one, read_page, send_empty
from app.connectors.xero.values import (
    AccountCode,
    CalendarDate,
    Identifier,
    Money,
    UnitAmount,
    XeroRow,
    read_as,
)
from app.errors import InvalidArguments

InvoiceType = Literal["ACCREC", "ACCPAY"]
Status = Literal["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED"]
_READ = ("accounting.invoices.read", "accounting.invoices")
_WRITE = ("accounting.invoices",)
_MOST_LINES = 200
_FOUR_DECIMALS = {"unitdp": 4}  # without it Xero rounds unit amounts to two decimals


class InvoiceRow(XeroRow):
    """An invoice or bill in a list."""

    invoice_id: str = Field(validation_alias="InvoiceID")
    number: str | None = Field(None, validation_alias="InvoiceNumber")
    type: str = Field(validation_alias="Type", description="ACCREC: sales invoice. ACCPAY: bill.")
    status: str = Field(validation_alias="Status")
    contact_id: str | None = Field(None, validation_alias=AliasPath("Contact", "ContactID"))
    contact_name: str | None = Field(None, validation_alias=AliasPath("Contact", "Name"))
    reference: str | None = Field(None, validation_alias="Reference")
    date: CalendarDate | None = Field(None, validation_alias=AliasChoices("DateString", "Date"))
    due_date: CalendarDate | None = Field(None, validation_alias=AliasChoices("DueDateString", "DueDate"))
    currency: str | None = Field(
        None, validation_alias="CurrencyCode", description="Of every amount in this row."
    )
    total: Money | None = Field(None, validation_alias="Total")
    amount_due: Money | None = Field(None, validation_alias="AmountDue")


class InvoiceLine(XeroRow):
    """A line of an invoice."""

    description: str | None = Field(None, validation_alias="Description")
    quantity: Money | None = Field(None, validation_alias="Quantity")
    unit_amount: Money | None = Field(None, validation_alias="UnitAmount")
    line_amount: Money | None = Field(None, validation_alias="LineAmount")
    tax_amount: Money | None = Field(None, validation_alias="TaxAmount")
    account_code: str | None = Field(None, validation_alias="AccountCode")
    tax_type: str | None = Field(None, validation_alias="TaxType")
    item_code: str | None = Field(None, validation_alias="ItemCode")


class InvoicePayment(XeroRow):
    """A payment made on an invoice."""

    payment_id: str = Field(validation_alias="PaymentID")
    date: CalendarDate | None = Field(None, validation_alias="Date")
    amount: Money | None = Field(None, validation_alias="Amount", description="In the invoice's currency.")
    reference: str | None = Field(None, validation_alias="Reference")


class Invoice(InvoiceRow):
    """An invoice with its lines and payments."""

    subtotal: Money | None = Field(None, validation_alias="SubTotal")
    total_tax: Money | None = Field(None, validation_alias="TotalTax")
    amount_paid: Money | None = Field(None, validation_alias="AmountPaid")
    amount_credited: Money | None = Field(None, validation_alias="AmountCredited")
    tax_in_lines: str | None = Field(
        None,
        validation_alias="LineAmountTypes",
        description="Whether line amounts are Exclusive, Inclusive or NoTax.",
    )
    sent_to_contact: bool | None = Field(None, validation_alias="SentToContact")
    lines: list[InvoiceLine] = Field([], validation_alias="LineItems")
    lines_left_out: int = Field(0, description="How many more lines there are in Xero.")
    payments: list[InvoicePayment] = Field([], validation_alias="Payments")


class LineItem(Row):
    """A line of a new invoice."""

    description: Annotated[str, Field(min_length=1, max_length=4000, description="What the customer reads.")]
    quantity: Annotated[UnitAmount, Field(description="Up to four decimals.")]
    unit_amount: Annotated[
        UnitAmount, Field(description="Price of one, before tax, in the organisation's base currency.")
    ]
    account_code: Annotated[AccountCode, Field(description="From xero_list_accounts, such as 200 for sales.")]
    tax_type: Annotated[
        str | None, Field(max_length=50, description="Such as OUTPUT; the account's own when left out.")
    ] = None


class CreatedInvoice(InvoiceRow):
    """The invoice as Xero saved it."""

    subtotal: Money | None = Field(None, validation_alias="SubTotal")
    total_tax: Money | None = Field(None, validation_alias="TotalTax")
    warnings: list[str] = Field([], description="What Xero remarked while saving.")


class EmailedInvoice(Row):
    """That an invoice went out."""

    invoice_id: str
    sent: bool


@tool(title="List Xero invoices", reads_only=True, pages_by="page", needs_scopes=_READ)
def list_invoices(
    api: Api,
    type: Annotated[
        InvoiceType | None, Field(description="ACCREC: sales invoices. ACCPAY: bills. Both when left out.")
    ] = None,
    status: Annotated[
        list[Status] | None,
        Field(max_length=5, description="Only these states; AUTHORISED means awaiting payment."),
    ] = None,
    contact_id: Annotated[
        Identifier | None, Field(description="Only this contact's, from xero_list_contacts.")
    ] = None,
    date_from: Annotated[date | None, Field(description="First invoice date to include.")] = None,
    date_to: Annotated[date | None, Field(description="Last invoice date to include.")] = None,
    search: Annotated[
        str | None, Field(max_length=200, description="Text in the number, reference or contact name.")
    ] = None,
    page: Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")] = 1,
    page_size: Annotated[int, Field(ge=1, le=100, description="Invoices a page.")] = 50,
) -> Page[InvoiceRow]:
    """List sales invoices and bills, newest first, without their lines.

    Use it to find invoices by state, contact, date or words. For one invoice with lines and payments use
    xero_get_invoice; for what a single customer owes by age use xero_get_aged_receivables. Amounts may be in
    different currencies: do not add them up.
    """
    where = [f'Type=="{type}"'] if type else []
    where += dated_between(date_from, date_to)
    filters = {
        "Statuses": ",".join(status or ()),
        "ContactIDs": contact_id,
        "searchTerm": search,
        "where": " AND ".join(where),
        "order": "Date DESC",
    }
    return read_page(api, "Invoices", InvoiceRow, filters, page=page, page_size=page_size)


@tool(title="Get Xero invoice", reads_only=True, needs_scopes=_READ)
def get_invoice(
    api: Api,
    invoice_id: Annotated[
        str, Field(min_length=1, max_length=255, description="Its id or its number, such as INV-0042.")
    ],
) -> Invoice:
    """Get one invoice or bill with its lines, tax and payments.

    Use it when the lines or payments matter, or to check an invoice before e-mailing or paying it.
    To find an invoice use xero_list_invoices.
    """
    invoice = read_as(
        Invoice,
        read_one(
            api, "/Invoices/{invoice_id}", "Invoices", params=_FOUR_DECIMALS, parts={"invoice_id": invoice_id}
        ),
    )
    invoice.lines_left_out = max(0, len(invoice.lines) - _MOST_LINES)
    invoice.lines = invoice.lines[:_MOST_LINES]
    return invoice


@tool(title="Create Xero invoice", destructive=False, needs_scopes=_WRITE)
def create_invoice(
    api: Api,
    contact_id: Annotated[Identifier, Field(description="Whom it is for, from xero_list_contacts.")],
    line_items: Annotated[
        list[LineItem], Field(min_length=1, max_length=100, description="What is invoiced.")
    ],
    type: Annotated[InvoiceType, Field(description="ACCREC: sales invoice. ACCPAY: bill.")] = "ACCREC",
    date: Annotated[date | None, Field(description="Today in the organisation when left out.")] = None,
    due_date: Annotated[date | None, Field(description="Needed when status is AUTHORISED.")] = None,
    reference: Annotated[
        str | None, Field(max_length=255, description="Free text, such as an order number.")
    ] = None,
    status: Annotated[
        Literal["DRAFT", "AUTHORISED"],
        Field(description="DRAFT can still be changed or deleted; AUTHORISED is in the books."),
    ] = "DRAFT",
) -> CreatedInvoice:
    """Create a sales invoice or a bill in the organisation's base currency. Line amounts are before tax.

    Use DRAFT unless the person asked for an approved invoice. It does not send the invoice: that is
    xero_email_invoice. It cannot change an existing invoice.
    """
    if status == "AUTHORISED" and due_date is None:
        raise InvalidArguments(
            "due_date: an AUTHORISED invoice needs a due date. Add one, or create a DRAFT.",
            details={"fields": ["due_date"]},
        )
    made = create(
        api,
        "/Invoices",
        "Invoices",
        {
            "Type": type,
            "Contact": {"ContactID": contact_id},
            "LineItems": [_line(line) for line in line_items],
            "Date": date and date.isoformat(),
            "DueDate": due_date and due_date.isoformat(),
            "Reference": reference,
            "LineAmountTypes": "Exclusive",
            "Status": status,
        },
        params=_FOUR_DECIMALS,
    )
    invoice = read_as(CreatedInvoice, made, wrote=True)
    invoice.warnings = [
        str(warning.get("Message", ""))[:300]
        for warning in made.get("Warnings") or ()
        if isinstance(warning, dict)
    ][:10]
    api.say(
        "The draft was created; nothing was sent."
        if status == "DRAFT"
        else "The invoice was created and approved; it was not sent."
    )
    return invoice


@tool(title="E-mail Xero invoice", destructive=True, needs_scopes=_WRITE)
def email_invoice(
    api: Api,
    invoice_id: Annotated[Identifier, Field(description="Its id (not its number), from xero_list_invoices.")],
    confirm: Annotated[bool, Field(description="true once the person has agreed that the mail goes out.")],
) -> EmailedInvoice:
    """E-mail a sales invoice to its contact, from Xero. The mail cannot be taken back.

    Use it only after the person agreed to send this very invoice. It works for SUBMITTED, AUTHORISED and PAID
    sales invoices, not for drafts or bills.
    """
    check_confirmed(confirm, "nothing was sent")
    send_empty(api, "/Invoices/{invoice_id}/Email", parts={"invoice_id": invoice_id})
    api.say("The invoice was sent to the contact's e-mail address.")
    return EmailedInvoice(invoice_id=invoice_id, sent=True)


def _line(line: LineItem) -> dict[str, Any]:
    """A line as Xero takes it: JSON numbers from exact decimals."""
    record: dict[str, Any] = {
        "Description": line.description,
        "Quantity": float(line.quantity),
        "UnitAmount": float(line.unit_amount),
        "AccountCode": line.account_code,
    }
    return {**record, "TaxType": line.tax_type} if line.tax_type else record
