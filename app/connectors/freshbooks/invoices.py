"""Invoices: list, read, write a draft, send one."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.freshbooks.clients import ClientName, find_client
from app.connectors.freshbooks.families import (
    change_accounting,
    create_accounting,
    dated_between,
    get_accounting,
    list_accounting,
    unconfirmed,
)
from app.connectors.freshbooks.values import (
    CurrencyCode,
    FreshBooksRow,
    Id,
    Money,
    OptionalDay,
    PageNumber,
    Quantity,
    Text,
    UnitCost,
    read_as,
    today,
)
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.errors import InvalidArguments

PATH = "invoices/invoices"
READ = ("user:invoices:read",)
WRITE = ("user:invoices:write",)
_NEWEST_FIRST = "invoice_date_desc"
Status = Literal[
    "draft", "sent", "viewed", "paid", "autopaid", "auto-paid", "retry", "failed", "partial", "overdue"
]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$", max_length=254)]


class Invoice(FreshBooksRow):
    """An invoice in a list."""

    invoice_id: int = Field(validation_alias="invoiceid")
    invoice_number: Text = ""
    client_id: int | None = Field(None, validation_alias="customerid")
    client: Text = Field("", validation_alias="current_organization")
    create_date: OptionalDay = None
    due_date: OptionalDay = None
    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    outstanding: Money = Field(
        validation_alias=AliasPath("outstanding", "amount"), description="Still to be paid."
    )
    currency: str = Field(
        validation_alias=AliasPath("amount", "code"), description="Of every amount in this row."
    )
    v3_status: str = Field(description="draft, sent, viewed, partial, paid, autopaid, overdue…")
    recipient: Text = Field("", validation_alias="email", exclude=True)
    vis_state: int = Field(0, exclude=True)


class InvoiceLine(FreshBooksRow):
    """A line of an invoice."""

    name: Text = ""
    description: Text = ""
    qty: Money
    unit_cost: Money = Field(validation_alias=AliasPath("unit_cost", "amount"))
    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    tax_name: str | None = Field(None, validation_alias="taxName1")
    tax_percent: Money | None = Field(None, validation_alias="taxAmount1")


class InvoiceDetail(Invoice):
    """One invoice with its lines."""

    lines: list[InvoiceLine] = []
    paid: Money = Field(validation_alias=AliasPath("paid", "amount"))
    date_paid: OptionalDay = None
    payment_status: Text = ""
    notes: Text = ""
    terms: Text = ""
    recipient: Text = Field("", validation_alias="email", description="The client's e-mail address on file.")


class SentInvoice(Row):
    """What became of an invoice that was to be sent."""

    invoice_id: int
    invoice_number: str
    v3_status: str
    recipients: list[str]


class LineItem(BaseModel):
    """A line of a new invoice."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, Field(min_length=1, max_length=2000)]
    qty: Quantity
    unit_cost: Annotated[UnitCost, Field(description="Price of one, in the invoice's currency.")]
    name: Annotated[str | None, Field(max_length=200, description="Short name of the item or service.")] = (
        None
    )


@tool(title="List invoices", reads_only=True, pages_by="page", needs_scopes=READ)
def list_invoices(
    api: Api,
    status: Annotated[
        Status | None, Field(description="Only invoices in this state; auto-paid means autopaid.")
    ] = None,
    client_id: Annotated[
        Id | None, Field(description="Only this client's, from freshbooks_list_clients.")
    ] = None,
    date_from: Annotated[date | None, Field(description="First invoice date, YYYY-MM-DD.")] = None,
    date_to: Annotated[date | None, Field(description="Last invoice date, YYYY-MM-DD.")] = None,
    page: PageNumber = 1,
    per_page: Annotated[int, Field(ge=1, le=100, description="Invoices a page.")] = 50,
) -> Page[Invoice]:
    """List the invoices of a FreshBooks business, newest first, by state, client or date.

    Use it to find invoices or see who owes money. For totals over a period use
    freshbooks_get_revenue_report; for an invoice's lines use freshbooks_get_invoice.
    """
    search = {
        "v3_status": "autopaid" if status == "auto-paid" else status,
        "customerid": client_id,
        **dated_between(date_from, date_to),
    }
    listed = list_accounting(
        api, PATH, "invoices", page=page, per_page=per_page, search=search, sort=_NEWEST_FIRST
    )
    return listed.read_as(Invoice)


@tool(title="Get an invoice", reads_only=True, needs_scopes=READ)
def get_invoice(
    api: Api,
    invoice_id: Annotated[Id, Field(description="From freshbooks_list_invoices; not the invoice number.")],
) -> InvoiceDetail:
    """Read one FreshBooks invoice with its lines, amounts and state.

    Use it before sending or recording a payment. To find an invoice use freshbooks_list_invoices.
    """
    return read_invoice(api, invoice_id)


@tool(title="Create a draft invoice", needs_scopes=WRITE)
def create_invoice(
    api: Api,
    line_items: Annotated[
        list[LineItem], Field(min_length=1, max_length=100, description="What is invoiced.")
    ],
    client_id: Annotated[Id | None, Field(description="Who is invoiced; or give client_name.")] = None,
    client_name: ClientName = None,
    due_offset_days: Annotated[int, Field(ge=0, le=3650, description="Days until it is due.")] = 30,
    currency_code: Annotated[
        CurrencyCode | None, Field(description="Left out: the client's currency.")
    ] = None,
    notes: Annotated[str | None, Field(max_length=5000, description="Shown to the client.")] = None,
    terms: Annotated[
        str | None, Field(max_length=5000, description="Payment terms shown to the client.")
    ] = None,
    date: Annotated[
        date | None, Field(description="Invoice date, YYYY-MM-DD; left out: today (UTC).")
    ] = None,
) -> InvoiceDetail:
    """Write a new DRAFT invoice in FreshBooks. It is not sent to anybody.

    Send it afterwards with freshbooks_send_invoice once the person agrees. Name the client by
    client_id or client_name; an unknown one must be made with freshbooks_create_client first.
    """
    client = find_client(api, client_id, client_name)
    currency = currency_code or client.currency or None
    fields = {
        "customerid": client.id,
        "create_date": (date or today()).isoformat(),
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
        record = create_accounting(api, PATH, "invoice", fields)
    api.say("A draft invoice was made; it has not been sent.")
    return read_as(InvoiceDetail, record, wrote=True)


@tool(title="Send an invoice by e-mail", destructive=True, needs_scopes=WRITE)
def send_invoice(
    api: Api,
    invoice_id: Annotated[Id, Field(description="From freshbooks_list_invoices.")],
    confirm: Annotated[
        bool, Field(description="true once the person has agreed to this mail; anything else sends nothing.")
    ],
    recipients: Annotated[
        list[EmailAddress] | None,
        Field(min_length=1, max_length=10, description="Left out: the client's own address."),
    ] = None,
    subject: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[^\r\n]*$",
            description="Left out: FreshBooks' usual one.",
        ),
    ] = None,
    message: Annotated[
        str | None, Field(min_length=1, max_length=5000, description="Left out: FreshBooks' usual one.")
    ] = None,
) -> SentInvoice:
    """Mail one FreshBooks invoice to the client now; a draft becomes sent. This cannot be taken back.

    Read it with freshbooks_get_invoice and ask the person first. For all drafts at once use
    freshbooks_send_saturday_invoices.
    """
    check_confirmed(confirm, "nothing was sent")
    invoice = read_invoice(api, invoice_id)
    if not recipients and not invoice.recipient:
        raise InvalidArguments("Nothing was sent: the client has no e-mail address on file. Give recipients.")
    custom = {key: value for key, value in (("subject", subject), ("body", message)) if value}
    fields = {
        "action_email": True,
        "email_recipients": recipients,
        "email_include_pdf": False,
        "invoice_customized_email": custom or None,
    }
    with unconfirmed(
        "FreshBooks did not confirm the mail. Look at the invoice's state with freshbooks_get_invoice "
        "before trying again: a second try may mail it twice."
    ):
        sent = read_as(Invoice, change_accounting(api, PATH, "invoice", invoice_id, fields), wrote=True)
    api.say("The invoice was mailed.")
    return SentInvoice(
        invoice_id=sent.invoice_id,
        invoice_number=sent.invoice_number,
        v3_status=sent.v3_status,
        recipients=list(recipients) if recipients else [invoice.recipient],
    )


def read_invoice(api: Api, invoice_id: int) -> InvoiceDetail:
    """One invoice with its lines. Raises ObjectNotFound."""
    return read_as(InvoiceDetail, get_accounting(api, PATH, "invoice", invoice_id, include="lines"))


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
