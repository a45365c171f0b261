"""Reading invoices."""

import re
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.lookups import long_day, money
from app.connectors.preview import Fact, facts
from app.connectors.quickbooks.accounting import home_currency, list_page, read
from app.connectors.quickbooks.query import where
from app.connectors.quickbooks.values import (
    Identifier,
    InvoiceId,
    Limit,
    Money,
    Offset,
    OptionalDay,
    Quantity,
    QuickBooksRow,
    read_as,
    today,
)
from app.connectors.rows import Page

# Why QuickBooks could not deliver an email (DeliveryErrorTypeEnum of the official SDKs): Missing Info,
# Undeliverable, Delivery Server Down, Bounced Email.
Status = Literal["open", "overdue", "paid", "all"]
_MOST_LINES = 200
_VOIDED = re.compile(r"\s*voided\b", re.IGNORECASE)


class _Sold(QuickBooksRow):
    """What the lines of an invoice say about voiding."""

    kind: str | None = Field(None, validation_alias="DetailType")
    amount: Money | None = Field(None, validation_alias="Amount")
    quantity: Quantity | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "Qty"))
    unit_price: Money | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "UnitPrice"))
    bundled: list["_Sold"] = Field([], validation_alias=AliasPath("GroupLineDetail", "Line"))


class InvoiceRow(QuickBooksRow):
    """An invoice in a list."""

    invoice_id: str = Field(validation_alias="Id")
    number: str | None = Field(None, validation_alias="DocNumber")
    customer_id: str | None = Field(None, validation_alias=AliasPath("CustomerRef", "value"))
    customer: str | None = Field(None, validation_alias=AliasPath("CustomerRef", "name"))
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    due_date: OptionalDay = Field(None, validation_alias="DueDate")
    total: Money | None = Field(None, validation_alias="TotalAmt")
    balance: Money | None = Field(None, validation_alias="Balance", description="Balance due.")
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))
    status: str | None = Field(None, description="open, overdue (due before today, UTC), paid or voided.")
    email_status: str | None = Field(
        None, validation_alias="EmailStatus", description="NotSet, NeedToSend or EmailSent."
    )
    sold: list[_Sold] = Field([], validation_alias=AliasPath("Line"), exclude=True)
    private_note: str | None = Field(None, validation_alias=AliasPath("PrivateNote"), exclude=True)


class InvoiceLine(QuickBooksRow):
    """A line of an invoice."""

    item_id: str | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "ItemRef", "value"))
    item: str | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "ItemRef", "name"))
    description: str | None = Field(None, validation_alias="Description")
    quantity: Quantity | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "Qty"))
    unit_price: Money | None = Field(None, validation_alias=AliasPath("SalesItemLineDetail", "UnitPrice"))
    amount: Money | None = Field(None, validation_alias="Amount")
    tax_code: str | None = Field(
        None, validation_alias=AliasPath("SalesItemLineDetail", "TaxCodeRef", "value")
    )
    kind: str | None = Field(None, validation_alias="DetailType")


class Invoice(InvoiceRow):
    """An invoice with its lines."""

    billing_email: str | None = Field(
        None, validation_alias=AliasPath("BillEmail", "Address"), description="Where it is or would be sent."
    )
    memo: str | None = Field(
        None, validation_alias=AliasPath("CustomerMemo", "value"), description="Shown to the customer."
    )
    note: str | None = Field(None, validation_alias="PrivateNote", description="Not shown to the customer.")
    total_tax: Money | None = Field(None, validation_alias=AliasPath("TxnTaxDetail", "TotalTax"))
    delivery_error: str | None = Field(
        None,
        validation_alias=AliasPath("DeliveryInfo", "DeliveryErrorType"),
        description="Why its last email was not delivered.",
    )
    lines: list[InvoiceLine] = Field([], validation_alias="Line")
    lines_left_out: int = Field(0, description="How many more lines there are in QuickBooks.")


AnyInvoice = TypeVar("AnyInvoice", bound=InvoiceRow)


@tool(title="List QuickBooks invoices", reads_only=True, pages_by="offset")
def list_invoices(
    api: Api,
    customer_id: Annotated[Identifier | None, Field(description="From quickbooks_list_customers.")] = None,
    status: Annotated[
        Status,
        Field(description="open includes overdue; paid leaves out voided ones."),
    ] = "all",
    date_from: Annotated[date | None, Field(description="First invoice date.")] = None,
    date_to: Annotated[date | None, Field(description="Last invoice date.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[InvoiceRow]:
    """List invoices by status, customer or date, newest first. Lines are in quickbooks_get_invoice.

    Amounts may be in different currencies. For what customers owe by age, use
    quickbooks_get_aged_receivables.
    """
    check_order(date_from, date_to)
    conditions = [where("CustomerRef", "=", customer_id)] if customer_id else []
    conditions += [where("TxnDate", ">=", date_from)] if date_from else []
    conditions += [where("TxnDate", "<=", date_to)] if date_to else []
    conditions += {
        "open": [where("Balance", ">", "0")],
        "overdue": [where("Balance", ">", "0"), where("DueDate", "<", today())],
        "paid": [where("Balance", "=", "0")],
        "all": [],
    }[status]
    page = list_page(api, InvoiceRow, "Invoice", conditions, "TxnDate DESC", limit=limit, offset=offset)
    rows = [with_status(api, row) for row in page.items]
    # A voided invoice has a balance of zero too, but nobody paid it.
    return Page(items=[row for row in rows if status != "paid" or row.status == "paid"], next=page.next)


@tool(title="Get a QuickBooks invoice", reads_only=True)
def get_invoice(
    api: Api,
    invoice_id: InvoiceId,
) -> Invoice:
    """Get one invoice with its lines, tax, balance and email address."""
    invoice = invoice_with_lines(api, read_invoice(api, invoice_id))
    invoice.lines_left_out = max(0, len(invoice.lines) - _MOST_LINES)
    invoice.lines = invoice.lines[:_MOST_LINES]
    return invoice


def read_invoice(api: Api, invoice_id: str) -> Any:
    """QuickBooks' record of an invoice. Raises ObjectNotFound."""
    return read(api, "/invoice/{invoice_id}", "Invoice", parts={"invoice_id": invoice_id})


def invoice_with_lines(api: Api, record: Any, *, wrote: bool = False) -> Invoice:
    """An invoice with its lines, without the subtotal line QuickBooks adds."""
    invoice = with_status(api, read_as(Invoice, record, wrote=wrote))
    invoice.lines = [line for line in invoice.lines if line.kind != "SubTotalLineDetail"]
    return invoice


def with_status(api: Api, invoice: AnyInvoice) -> AnyInvoice:
    """The invoice with its currency and status, which QuickBooks leaves to the reader."""
    invoice.currency = invoice.currency or home_currency(api)
    if is_voided(invoice):
        invoice.status = "voided"
    elif invoice.balance is None:
        invoice.status = None
    elif invoice.balance == 0:
        invoice.status = "paid"
    else:
        invoice.status = "overdue" if invoice.due_date and invoice.due_date < today() else "open"
    return invoice


def is_voided(invoice: InvoiceRow) -> bool:
    """Whether it was voided, which no member of the record says.

    Voiding sets every amount and quantity of an invoice to zero and writes "Voided" before its private note.
    So an invoice is voided if its total, its balance and the amounts of all its lines are zero and

    - it has quantities and each is zero, or nonzero at a price that would give an amount; or
    - its lines name no quantity, or it has none (only descriptions, say), and its note begins with "Voided".

    A line with a quantity and no price was free from the start, whatever the note says. The note alone is no
    proof, as QuickBooks translates it and anybody can write it: a void that only a translated note shows is
    "paid", with a total of zero.
    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#void-an-invoice
    """
    lines = [inner for line in invoice.sold for inner in (line, *line.bundled)]
    if invoice.total != 0 or invoice.balance or any(line.amount for line in lines):
        return False
    counted = [line for line in lines if line.kind == "SalesItemLineDetail" and line.quantity is not None]
    if counted:
        return all(not line.quantity or bool(line.unit_price) for line in counted)
    return _VOIDED.match(invoice.private_note or "") is not None


def invoice_facts(invoice: Invoice) -> tuple[Fact, ...]:
    """What a person should know of an invoice before they approve something about it."""
    return facts(
        ("Customer", invoice.customer),
        ("Status", invoice.status),
        ("Total", money(invoice.total, invoice.currency)),
        ("Balance due", money(invoice.balance, invoice.currency)),
        ("Due date", invoice.due_date and long_day(invoice.due_date)),
        ("Last email not delivered", invoice.delivery_error),
    )
