"""Sales invoices (ACCREC) and bills (ACCPAY): reading them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasChoices, AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, long_day, money, named_invoice
from app.connectors.money import Money
from app.connectors.preview import Fact, facts
from app.connectors.rows import Page
from app.connectors.xero.accounting import dated_between, read_one, read_page
from app.connectors.xero.contacts import ids_of
from app.connectors.xero.values import CalendarDate, Identifier, Number, PageNumber, XeroRow, read_as
from app.errors import InvalidArguments

InvoiceType = Literal["ACCREC", "ACCPAY"]
# Xero-OpenAPI, Invoice.Status
Status = Literal["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"]
_READ = ("accounting.invoices.read", "accounting.invoices")
_MOST_LINES = 200
FOUR_DECIMALS = {"unitdp": 4}  # without it Xero rounds unit amounts to two decimals


class InvoiceRow(XeroRow):
    """An invoice or bill in a list."""

    invoice_id: str = Field(validation_alias="InvoiceID")
    number: str | None = Field(
        None, validation_alias="InvoiceNumber", description="Of a bill: the supplier's number."
    )
    type: str | None = Field(
        None, validation_alias="Type", description="ACCREC: sales invoice. ACCPAY: bill."
    )
    status: str | None = Field(None, validation_alias="Status")
    contact_id: str | None = Field(None, validation_alias=AliasPath("Contact", "ContactID"))
    contact_name: str | None = Field(None, validation_alias=AliasPath("Contact", "Name"))
    reference: str | None = Field(None, validation_alias="Reference")
    date: CalendarDate | None = Field(None, validation_alias=AliasChoices("DateString", "Date"))
    due_date: CalendarDate | None = Field(None, validation_alias=AliasChoices("DueDateString", "DueDate"))
    currency: str | None = Field(None, validation_alias="CurrencyCode")
    total: Money | None = Field(None, validation_alias="Total")
    amount_due: Money | None = Field(None, validation_alias="AmountDue")


class InvoiceLine(XeroRow):
    """A line of an invoice."""

    description: str | None = Field(None, validation_alias="Description")
    quantity: Number | None = Field(None, validation_alias="Quantity")
    unit_amount: Money | None = Field(None, validation_alias="UnitAmount")
    discount_rate: Number | None = Field(None, validation_alias="DiscountRate", description="Percent.")
    discount_amount: Money | None = Field(None, validation_alias="DiscountAmount")
    line_amount: Money | None = Field(None, validation_alias="LineAmount", description="After discount.")
    tax_amount: Money | None = Field(None, validation_alias="TaxAmount")
    account_code: str | None = Field(None, validation_alias="AccountCode")
    tax_type: str | None = Field(None, validation_alias="TaxType")
    item_code: str | None = Field(None, validation_alias="ItemCode")


class InvoicePayment(XeroRow):
    """A payment made on an invoice."""

    payment_id: str | None = Field(None, validation_alias="PaymentID")
    date: CalendarDate | None = Field(None, validation_alias="Date")
    amount: Money | None = Field(None, validation_alias="Amount")
    reference: str | None = Field(None, validation_alias="Reference")


class Invoice(InvoiceRow):
    """An invoice with its lines and payments."""

    subtotal: Money | None = Field(None, validation_alias="SubTotal")
    total_tax: Money | None = Field(None, validation_alias="TotalTax")
    total_discount: Money | None = Field(None, validation_alias="TotalDiscount")
    cis_deduction: Money | None = Field(
        None, validation_alias="CISDeduction", description="UK construction: withheld from what is due."
    )
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

    @property
    def is_unique(self) -> bool:
        """Whether its number stands for it: a bill has its supplier's number, which another may have too."""
        return bool(self.number) and self.type == "ACCREC"


@tool(title="List Xero invoices", reads_only=True, pages_by="page", needs_scopes=_READ)
def list_invoices(
    api: Api,
    type: Annotated[InvoiceType | None, Field(description="ACCREC: sales invoices. ACCPAY: bills.")] = None,
    status: Annotated[
        list[Status] | None, Field(max_length=6, description="AUTHORISED means awaiting payment.")
    ] = None,
    contact_id: Annotated[Identifier | None, Field(description="From xero_list_contacts.")] = None,
    contact: Annotated[
        str | None,
        Field(min_length=2, max_length=200, description="Contact's name or part of it, for contact_id."),
    ] = None,
    date_from: Annotated[date | None, Field(description="First invoice date.")] = None,
    date_to: Annotated[date | None, Field(description="Last one.")] = None,
    search: Annotated[
        str | None, Field(max_length=200, description="Text in the number or reference; no names.")
    ] = None,
    page: PageNumber = 1,
    page_size: Annotated[int, Field(ge=1, le=100, description="Up to 100.")] = 50,
) -> Page[InvoiceRow]:
    """List sales invoices and bills, newest first, without their lines.

    For one with lines and payments use xero_get_invoice; for what a customer owes by age
    xero_get_aged_receivables. Currencies may differ: do not add amounts up.
    """
    check_order(date_from, date_to)
    if contact and contact_id:
        raise InvalidArguments(
            "Give contact_id or contact, not both.", details={"fields": ["contact", "contact_id"]}
        )
    where = [f'Type=="{type}"'] if type else []
    where += dated_between(date_from, date_to)
    filters = {
        "Statuses": ",".join(status or ()),
        "ContactIDs": ",".join(ids_of(api, contact)) if contact else contact_id,
        "searchTerm": search,
        "where": " AND ".join(where),
        # Without the id, invoices of one day may repeat or vanish between pages.
        "order": "Date DESC,InvoiceID DESC",
    }
    found = read_page(api, "Invoices", InvoiceRow, filters, page=page, page_size=page_size)
    if search and not found.items and page == 1:
        api.say("Nothing has that in its number or reference. To find by a contact's name use `contact`.")
    return found


@tool(title="Get a Xero invoice", reads_only=True, needs_scopes=_READ)
def get_invoice(
    api: Api,
    invoice_id: Annotated[
        str, Field(min_length=1, max_length=255, description="Id, or number such as INV-0042.")
    ],
) -> Invoice:
    """Get one invoice or bill with its lines, tax and payments.

    Use it before emailing or paying one. To find it use xero_list_invoices.
    """
    invoice = read_invoice(api, invoice_id)
    invoice.lines_left_out = max(0, len(invoice.lines) - _MOST_LINES)
    invoice.lines = invoice.lines[:_MOST_LINES]
    return invoice


def read_invoice(api: Api, invoice_id: str) -> Invoice:
    """One invoice or bill by id or number. Raises ObjectNotFound."""
    parts = {"invoice_id": invoice_id}
    record = read_one(api, "/Invoices/{invoice_id}", "Invoices", params=FOUR_DECIMALS, parts=parts)
    return read_as(Invoice, record)


def document_name(invoice: Invoice | None) -> str:
    """ "invoice INV-0042" or "bill PD 7"."""
    if invoice is None:
        return "an invoice that could not be looked up"
    return named_invoice(invoice.number, "bill" if invoice.type == "ACCPAY" else "invoice")


def invoice_facts(invoice: Invoice | None) -> tuple[Fact, ...]:
    """What a person should know of a document before they approve something about it."""
    if invoice is None:
        return facts(("Invoice", NO_ACCESS))
    return facts(
        ("Contact", invoice.contact_name),
        ("Status", invoice.status and invoice.status.lower()),
        ("Total", money(invoice.total, invoice.currency)),
        ("Amount due", money(invoice.amount_due, invoice.currency)),
        ("Due date", invoice.due_date and long_day(invoice.due_date)),
    )
