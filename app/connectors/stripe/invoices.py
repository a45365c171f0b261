"""Invoices: created as drafts, and sent only on the person's word."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.records import dashboard, encoded, page_of
from app.connectors.stripe.values import (
    After,
    Currency,
    Day,
    Limit,
    StripeId,
    StripeRow,
    read_as,
    seconds_at,
    text_of,
)
from app.errors import InvalidArguments, ToolError

_MOST_LINES = 200
_AMOUNT = Field(ge=-99_999_999, le=99_999_999)


class InvoiceRow(StripeRow):
    """An invoice in a list. Amounts are in the smallest unit of the currency."""

    id: str
    number: str | None = Field(None, description="None while it is a draft.")
    status: str | None = None
    customer: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    currency: str
    total: int
    amount_remaining: int | None = None
    due_date: Day = None
    created: Day = None
    hosted_invoice_url: str | None = Field(None, description="Where the customer can pay it.")

    total_text: ClassVar[Any] = text_of("total", "The total as people write it.")

    remaining_text: ClassVar[Any] = text_of("amount_remaining", "What is still to pay, as people write it.")


class InvoiceLine(StripeRow):
    """A line of an invoice."""

    description: str | None = None
    quantity: int | None = None
    amount: int
    currency: str | None = None


class Invoice(InvoiceRow):
    """An invoice with its lines."""

    description: str | None = None
    subtotal: int | None = None
    amount_paid: int | None = None
    lines: list[InvoiceLine] = Field([], validation_alias=AliasPath("lines", "data"))
    more_lines: bool = Field(
        False, validation_alias=AliasPath("lines", "has_more"), description="True: not all lines are here."
    )
    invoice_pdf: str | None = None
    dashboard_url: str = ""


class Item(BaseModel):
    """A line of a new invoice: an amount, or a unit_amount and a quantity, or a price and a quantity."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, Field(min_length=1, max_length=500, description="What the customer reads.")]
    amount: Annotated[int | None, _AMOUNT] = Field(
        None, description="The whole line in the smallest unit: 1099 is 10.99 USD."
    )
    unit_amount: Annotated[int | None, _AMOUNT] = Field(
        None, description="Price of one in the smallest unit."
    )
    quantity: Annotated[int | None, Field(ge=1, le=1_000_000)] = Field(
        None, description="How many; 1 when left out."
    )
    price: StripeId | None = Field(None, description="Id of a price in Stripe, instead of amounts.")


@tool(title="List Stripe invoices", reads_only=True, pages_by="starting_after")
def list_invoices(
    api: Api,
    status: Annotated[
        Literal["draft", "open", "paid", "uncollectible", "void"] | None,
        Field(description="Only these; open means sent and not paid."),
    ] = None,
    customer: Annotated[
        StripeId | None, Field(description="Only this customer's, from stripe_list_customers.")
    ] = None,
    created_after: Annotated[
        date | None, Field(description="First day of creation to include (UTC).")
    ] = None,
    created_before: Annotated[
        date | None, Field(description="First day not to include any more (UTC).")
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[InvoiceRow]:
    """List invoices, newest first, without their lines.

    Use it to find invoices by state, customer or time. Overdue ones are open with a due_date in the past.
    For the lines of one use stripe_get_invoice. Currencies may differ: do not add them up.
    """
    filters = {
        "status": status,
        "customer": customer,
        "created": {"gte": seconds_at(created_after), "lt": seconds_at(created_before)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/invoices", InvoiceRow, filters)


@tool(title="Get Stripe invoice", reads_only=True)
def get_invoice(
    api: Api, invoice: Annotated[StripeId, Field(description="Its id (in_…), from stripe_list_invoices.")]
) -> Invoice:
    """Get one invoice with its lines and the address where it can be paid.

    Use it when the lines matter, or to check a draft before sending it. To find an invoice use
    stripe_list_invoices.
    """
    return _detailed(api, api.get("/v1/invoices/{id}", parts={"id": invoice}))


@tool(title="Create Stripe invoice", destructive=False)
def create_invoice(
    api: Api,
    customer: Annotated[StripeId, Field(description="Whom it is for, from stripe_list_customers.")],
    items: Annotated[list[Item], Field(min_length=1, max_length=50, description="Its lines.")],
    currency: Annotated[
        Currency | None,
        Field(description="Three letters, such as usd; needed unless every line has a price."),
    ] = None,
    days_until_due: Annotated[
        int, Field(ge=1, le=365, description="Days the customer has to pay once it is sent.")
    ] = 30,
    description: Annotated[str | None, Field(max_length=1500, description="A note on the invoice.")] = None,
) -> Invoice:
    """Create a draft invoice with its lines. Nothing is sent and nothing is charged.

    The draft can still be changed or deleted in Stripe. To make it final and mail it use stripe_send_invoice.
    """
    _check(items, currency)
    code = currency.lower() if currency else None
    draft = api.post(
        "/v1/invoices",
        form=encoded(
            {
                "customer": customer,
                "currency": code,
                "collection_method": "send_invoice",
                "days_until_due": days_until_due,
                "auto_advance": False,
                "description": description,
            }
        ),
    )
    id_ = read_as(InvoiceRow, draft, wrote=True).id
    try:
        for done, item in enumerate(items):
            api.progress(done, len(items), "Adding the lines")
            api.post(
                "/v1/invoiceitems", form=encoded({"customer": customer, "invoice": id_, **_line(item, code)})
            )
        made = _detailed(api, api.get("/v1/invoices/{id}", parts={"id": id_}))
    except ToolError as error:
        error.message = (
            "A draft was created, but not all of its lines: complete or delete the invoice named in the "
            f"details. {error.message}"
        )
        error.details = {**error.details, "invoice": id_}
        raise
    api.say("The draft was created; nothing was sent.")
    return made


@tool(title="Send Stripe invoice", destructive=True)
def send_invoice(
    api: Api,
    invoice: Annotated[StripeId, Field(description="Its id (in_…), from stripe_list_invoices.")],
    confirm: Annotated[
        bool, Field(description="true once the person has agreed that this invoice goes out.")
    ],
) -> Invoice:
    """Send an invoice to its customer by e-mail. A draft becomes final: it can then be voided, but not
    changed or deleted.

    Use it only after the person agreed to send this very invoice. In test mode Stripe sends no mail.
    """
    check_confirmed(confirm, "nothing was sent")
    sent = _detailed(api, api.post("/v1/invoices/{id}/send", parts={"id": invoice}), wrote=True)
    api.say(
        "The invoice is final and was mailed."
        if api.facts.get("livemode")
        else "The invoice is final. In test mode Stripe mails nothing."
    )
    return sent


def _detailed(api: Api, record: Any, *, wrote: bool = False) -> Invoice:
    invoice = read_as(Invoice, record, wrote=wrote)
    invoice.more_lines = invoice.more_lines or len(invoice.lines) > _MOST_LINES
    invoice.lines = invoice.lines[:_MOST_LINES]
    invoice.dashboard_url = dashboard(api, "invoices", invoice.id)
    return invoice


def _check(items: list[Item], currency: str | None) -> None:
    """Raises InvalidArguments for a line without exactly one kind of amount."""
    for number, item in enumerate(items):
        if sum(value is not None for value in (item.amount, item.unit_amount, item.price)) != 1:
            raise InvalidArguments(
                f"items.{number}: give exactly one of amount, unit_amount and price.",
                details={"fields": [f"items.{number}"]},
            )
        if item.amount is not None and item.quantity is not None:
            raise InvalidArguments(
                f"items.{number}: a quantity goes with unit_amount or price; amount is the whole line.",
                details={"fields": [f"items.{number}.quantity"]},
            )
    if currency is None and any(item.price is None for item in items):
        raise InvalidArguments(
            "currency: say which, unless every line has a price.", details={"fields": ["currency"]}
        )


def _line(item: Item, currency: str | None) -> Mapping[str, Any]:
    if item.price is not None:
        return {
            "description": item.description,
            "pricing": {"price": item.price},
            "quantity": item.quantity or 1,
        }
    if item.unit_amount is not None:
        return {
            "description": item.description,
            "unit_amount_decimal": str(item.unit_amount),
            "quantity": item.quantity or 1,
            "currency": currency,
        }
    return {"description": item.description, "amount": item.amount, "currency": currency}
