"""Invoices as they are read, with their lines."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.amounts import CurrencyCode, StripeMoney, StripeRow
from app.connectors.stripe.records import dashboard, page_of
from app.connectors.stripe.values import After, Day, Limit, StripeId, read_as, seconds_at

_MOST_LINES = 100  # one page of the lines, more than which no tool here creates

InvoiceId = Annotated[StripeId, Field(description="Id (in_…) from stripe_list_invoices.")]


class InvoiceRow(StripeRow):
    """An invoice in a list."""

    id: str
    number: str | None = Field(None, description="None while it is a draft.")
    status: str | None = None
    collection_method: str | None = None
    customer: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    currency: CurrencyCode = None
    total: StripeMoney = None
    total_excluding_tax: StripeMoney = None
    amount_remaining: StripeMoney = None
    due_date: Day = None
    created: Day = None
    hosted_invoice_url: str | None = Field(None, description="Where the customer can pay it.")


class InvoiceLine(StripeRow):
    """A line of an invoice."""

    description: str | None = None
    quantity: int | None = None
    unit_amount: StripeMoney = Field(None, validation_alias=AliasPath("pricing", "unit_amount_decimal"))
    amount: StripeMoney = Field(None, description="Before discounts and tax.")
    currency: CurrencyCode = None


class Invoice(InvoiceRow):
    """An invoice with its lines."""

    description: str | None = None
    subtotal: StripeMoney = None
    amount_due: StripeMoney = None
    amount_paid: StripeMoney = None
    lines: list[InvoiceLine] = Field([], validation_alias=AliasPath("lines", "data"))
    more_lines: bool = Field(
        False,
        validation_alias=AliasPath("lines", "has_more"),
        description="True: use stripe_list_invoice_lines.",
    )
    invoice_pdf: str | None = None
    dashboard_url: str = ""


@tool(title="List Stripe invoices", reads_only=True, pages_by="starting_after")
def list_invoices(
    api: Api,
    status: Annotated[
        Literal["draft", "open", "paid", "uncollectible", "void"] | None,
        Field(description="open: final and not paid."),
    ] = None,
    customer: Annotated[StripeId | None, Field(description="Id from stripe_list_customers.")] = None,
    created_after: Annotated[date | None, Field(description="First day to include (UTC).")] = None,
    created_before: Annotated[date | None, Field(description="First day to exclude (UTC).")] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[InvoiceRow]:
    """List invoices, newest first, without their lines.

    Use it to find invoices by status, customer or time. Overdue ones are open with a due_date in the past.
    """
    check_order(created_after, created_before)
    filters = {
        "status": status,
        "customer": customer,
        "created": {"gte": seconds_at(created_after), "lt": seconds_at(created_before)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/invoices", InvoiceRow, filters)


@tool(title="Get a Stripe invoice", reads_only=True)
def get_invoice(api: Api, invoice: InvoiceId) -> Invoice:
    """Get one invoice with its lines and the URL where it can be paid.

    Use it when the lines matter, or to check a draft before sending it.
    """
    return read_with_lines(api, invoice)


@tool(title="List Stripe invoice lines", reads_only=True, pages_by="starting_after")
def list_invoice_lines(
    api: Api, invoice: InvoiceId, limit: Limit = 50, starting_after: After = None
) -> Page[InvoiceLine]:
    """List all lines of an invoice. Use it when stripe_get_invoice has more_lines."""
    return _lines(api, invoice, limit, starting_after)


def read_with_lines(api: Api, id_: str) -> Invoice:
    """The invoice with up to a page of its lines: Stripe embeds only the first handful.

    https://docs.stripe.com/api/invoices/invoice_lines
    """
    invoice = detailed(api, api.get("/v1/invoices/{id}", parts={"id": id_}))
    if invoice.more_lines:
        page = _lines(api, id_, _MOST_LINES, None)
        invoice.lines, invoice.more_lines = page.items, page.next is not None
    return invoice


def detailed(api: Api, record: Any, *, wrote: bool = False) -> Invoice:
    """Stripe's invoice as a row. Raises like `read_as`."""
    invoice = read_as(Invoice, record, wrote=wrote)
    invoice.more_lines = invoice.more_lines or len(invoice.lines) > _MOST_LINES
    invoice.lines = invoice.lines[:_MOST_LINES]
    invoice.dashboard_url = dashboard(api, "invoices", invoice.id)
    return invoice


def _lines(api: Api, invoice: str, limit: int, after: str | None) -> Page[InvoiceLine]:
    filters = {"limit": limit, "starting_after": after}
    return page_of(api, "/v1/invoices/{id}/lines", InvoiceLine, filters, parts={"id": invoice})
