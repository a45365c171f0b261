"""Invoices: list, read, write a draft."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.freshbooks.business_time import today
from app.connectors.freshbooks.clients import ClientName, find_client
from app.connectors.freshbooks.families import (
    create_accounting,
    dated_between,
    get_accounting,
    list_accounting,
    not_after,
    unconfirmed,
)
from app.connectors.freshbooks.values import (
    ClientId,
    CurrencyCode,
    FirstDay,
    FreshBooksRow,
    InvoiceId,
    LastDay,
    Number,
    OptionalDay,
    OptionalText,
    PageNumber,
    Quantity,
    Text,
    UnitCost,
    read_as,
)
from app.connectors.function_tool import tool
from app.connectors.lookups import long_day, mailbox, money, named
from app.connectors.money import Money
from app.connectors.preview import Fact, Preview, amount, counted, facts
from app.connectors.rows import Page, Row

PATH = "invoices/invoices"
READ = ("user:invoices:read",)
WRITE = ("user:invoices:write",)
_NEWEST_FIRST = "invoice_date_desc"
Status = Literal[
    "draft", "sent", "viewed", "paid", "autopaid", "auto-paid", "retry", "failed", "partial", "overdue"
]


class Invoice(FreshBooksRow):
    """An invoice in a list."""

    invoice_id: int = Field(validation_alias="invoiceid")
    invoice_number: Text = ""
    client_id: int | None = Field(None, validation_alias="customerid")
    client: Text = Field("", validation_alias="current_organization")
    create_date: OptionalDay = None
    due_date: OptionalDay = None
    amount: Money | None = Field(None, validation_alias=AliasPath("amount", "amount"))
    outstanding: Money | None = Field(
        None, validation_alias=AliasPath("outstanding", "amount"), description="Balance due."
    )
    currency: str | None = Field(None, validation_alias=AliasPath("amount", "code"))
    v3_status: str | None = Field(None, description="draft, sent, viewed, partial, paid, autopaid, overdue…")
    recipient: Text = Field("", validation_alias="email", exclude=True)
    vis_state: int = Field(0, exclude=True)

    @property
    def is_draft(self) -> bool:
        """Whether it was neither sent nor archived, by its own fields."""
        return self.v3_status == "draft" and self.vis_state == 0


class InvoiceLine(FreshBooksRow):
    """A line of an invoice."""

    name: Text = ""
    description: Text = ""
    qty: Number | None = None
    unit_cost: Money | None = Field(None, validation_alias=AliasPath("unit_cost", "amount"))
    amount: Money | None = Field(
        None, validation_alias=AliasPath("amount", "amount"), description="Before tax."
    )
    tax_name: OptionalText = Field(None, validation_alias="taxName1")
    tax_percent: Number | None = Field(None, validation_alias="taxAmount1")
    second_tax_name: OptionalText = Field(None, validation_alias="taxName2")
    second_tax_percent: Number | None = Field(None, validation_alias="taxAmount2")


class InvoiceDetail(Invoice):
    """One invoice with its lines."""

    lines: list[InvoiceLine] | None = Field(None, description="null: not read, not that there are none.")
    discount_percent: Number | None = Field(None, validation_alias="discount_value")
    paid: Money | None = Field(None, validation_alias=AliasPath("paid", "amount"))
    date_paid: OptionalDay = None
    payment_status: Text = ""
    notes: Text = ""
    terms: Text = ""
    recipient: Text = Field("", validation_alias="email", description="The client's email address on file.")


class LineItem(Row):
    """A line of a new invoice."""

    description: Annotated[str, Field(min_length=1, max_length=2000)]
    qty: Quantity
    unit_cost: Annotated[UnitCost, Field(description="In the invoice's currency.")]
    name: Annotated[str | None, Field(max_length=200)] = None


@tool(title="List invoices", reads_only=True, pages_by="page", needs_scopes=READ)
def list_invoices(
    api: Api,
    status: Annotated[Status | None, Field(description="auto-paid means autopaid.")] = None,
    client_id: ClientId = None,
    date_from: FirstDay = None,
    date_to: LastDay = None,
    page: PageNumber = 1,
    per_page: Annotated[int, Field(ge=1, le=100, description="Up to 100.")] = 50,
) -> Page[Invoice]:
    """List invoices, newest first, without their lines (freshbooks_get_invoice).

    Totals of a period are in freshbooks_get_revenue_report.
    """
    search = {
        "v3_status": "autopaid" if status == "auto-paid" else status,
        "customerid": client_id,
        **dated_between(date_from, date_to),
    }
    listed = list_accounting(
        api, PATH, "invoices", page=page, per_page=per_page, search=search, sort=_NEWEST_FIRST
    )
    return not_after(listed.read_as(Invoice), date_to, lambda row: row.create_date)


@tool(title="Get an invoice", reads_only=True, needs_scopes=READ)
def get_invoice(
    api: Api,
    invoice_id: InvoiceId,
) -> InvoiceDetail:
    """Get one invoice with its lines, taxes and status. Use it before sending or paying one.

    To find it use freshbooks_list_invoices.
    """
    return read_invoice(api, invoice_id)


def _preview_of_draft(
    api: Api,
    line_items: list[LineItem],
    client_id: int | None,
    client_name: str | None,
    currency_code: str | None,
    **_more: Any,
) -> Preview:
    """Preview of `create_invoice`, with the total of its lines. Raises like `find_client`."""
    client = find_client(api, client_id, client_name)
    worths = (item.qty * item.unit_cost for item in line_items)
    total = amount(
        sum((worth.quantize(Decimal("0.01"), ROUND_HALF_UP) for worth in worths), Decimal(0)),
        currency_code or client.currency or None,
    )
    lines = counted(len(line_items), "line")
    return Preview(
        f"Create draft invoice for {named(client.name)}: {lines}, {total} before tax",
        f"Create draft, {total}",
        facts(
            ("Client", mailbox(client.name, client.email)),
            ("Client's email", client.email or "none on file"),
            ("Client's currency", client.currency),
        ),
    )


@tool(title="Create a draft invoice", needs_scopes=WRITE, preview=_preview_of_draft)
def create_invoice(
    api: Api,
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=100, description="Up to 100.")],
    client_id: ClientId = None,
    client_name: ClientName = None,
    due_offset_days: Annotated[int, Field(ge=0, le=3650, description="Days until it is due.")] = 30,
    currency_code: Annotated[CurrencyCode | None, Field(description="Default: the client's.")] = None,
    notes: Annotated[str | None, Field(max_length=5000, description="Shown to the client.")] = None,
    terms: Annotated[str | None, Field(max_length=5000, description="Payment terms.")] = None,
    date: Annotated[date | None, Field(description="Default: the business's today.")] = None,
) -> InvoiceDetail:
    """Create a DRAFT invoice for a client (client_id or client_name). Nothing is sent.

    Send it with freshbooks_send_invoice once the person agrees.
    """
    client = find_client(api, client_id, client_name)
    currency = currency_code or client.currency or None
    fields = {
        "customerid": client.id,
        "create_date": (date or today(api)).isoformat(),
        "due_offset_days": due_offset_days,
        "currency_code": currency,
        "notes": notes,
        "terms": terms,
        "lines": [_line(item, currency) for item in line_items],
    }
    with unconfirmed(
        "FreshBooks did not confirm the new invoice. Look for it among the client's drafts with "
        "freshbooks_list_invoices before trying again.",
        client_id=client.id,
    ):
        record = create_accounting(api, PATH, "invoice", fields, include="lines")
        invoice = read_as(InvoiceDetail, record, wrote=True)
    api.say("Draft invoice created; it has not been sent.")
    return invoice


def read_invoice(api: Api, invoice_id: int) -> InvoiceDetail:
    """One invoice with its lines. Raises ObjectNotFound."""
    return read_as(InvoiceDetail, get_accounting(api, PATH, "invoice", invoice_id, include="lines"))


def invoice_facts(invoice: InvoiceDetail) -> tuple[Fact, ...]:
    """What a person should know of an invoice before they approve something about it."""
    return facts(
        ("Client", mailbox(invoice.client, invoice.recipient)),
        ("Status", invoice.v3_status),
        ("Total", money(invoice.amount, invoice.currency)),
        ("Balance due", money(invoice.outstanding, invoice.currency)),
        ("Due date", invoice.due_date and long_day(invoice.due_date)),
    )


def _line(item: LineItem, currency: str | None) -> dict[str, Any]:
    cost: dict[str, str] = {"amount": f"{item.unit_cost.quantize(Decimal('0.01')):f}"}
    if currency:
        cost["code"] = currency
    return {
        "type": 0,
        "name": item.name or "",
        "description": item.description,
        "qty": f"{item.qty.normalize():f}",
        "unit_cost": cost,
    }
