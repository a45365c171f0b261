"""Invoices created as drafts, and sent only on the person's word."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.stripe.amounts import SignedAmount, StripeRow, in_decimal_units, in_smallest_units
from app.connectors.stripe.invoices import Invoice, InvoiceId, InvoiceRow, detailed, read_with_lines
from app.connectors.stripe.records import create, encoded
from app.connectors.stripe.values import Currency, StripeId, read_as
from app.errors import InvalidArguments, ToolError


class Item(BaseModel):
    """A line of a new invoice: an amount, or a unit_amount and a quantity, or a price and a quantity."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, Field(min_length=1, max_length=500)]
    amount: SignedAmount | None = Field(None, description="The whole line, such as 12.50.")
    unit_amount: SignedAmount | None = Field(None, description="Price of one.")
    quantity: Annotated[int | None, Field(ge=1, le=999_999_999)] = None
    price: StripeId | None = Field(None, description="Price id, instead of amounts.")


class _AddedLine(StripeRow):
    """What Stripe answers when a line was added."""

    id: str


@tool(title="Create Stripe invoice", destructive=False)
def create_invoice(
    api: Api,
    customer: Annotated[StripeId, Field(description="Id from stripe_list_customers.")],
    items: Annotated[
        list[Item],
        Field(min_length=1, max_length=50, description="Each with one of amount, unit_amount and price."),
    ],
    currency: Annotated[
        Currency | None, Field(description="Such as usd; needed unless every line has a price.")
    ] = None,
    days_until_due: Annotated[int, Field(ge=1, le=3650, description="Days to pay.")] = 30,
    description: Annotated[str | None, Field(max_length=1500, description="Note on the invoice.")] = None,
) -> Invoice:
    """Create a draft invoice with its lines. Nothing is sent or charged.

    To make it final and mail it use stripe_send_invoice.
    """
    _check(items, currency)
    code = currency.lower() if currency else None
    lines = [_line(number, item, code) for number, item in enumerate(items)]
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
    done = 0
    try:
        for line in lines:
            api.progress(done, len(lines), "Adding the lines")
            create(api, "/v1/invoiceitems", _AddedLine, {"customer": customer, "invoice": id_, **line})
            done += 1
        made = read_with_lines(api, id_)
    except ToolError as error:
        error.message = (
            f"A draft was created with {done} of {len(lines)} lines: complete or delete the invoice named in "
            f"the details. {error.message}"
            if done < len(lines)
            else "The draft was created with all its lines, but reading it failed: get the invoice named in "
            f"the details. {error.message}"
        )
        error.args = (error.message,)
        error.details = {**error.details, "invoice": id_}
        raise
    api.say("The draft was created; nothing was sent.")
    return made


@tool(title="Send Stripe invoice", destructive=True)
def send_invoice(
    api: Api,
    invoice: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person agreed to send this invoice.")],
) -> Invoice:
    """Mail an invoice to its customer. A draft becomes final: it can be voided, not changed or deleted.

    Use it only after the person agreed. In test mode Stripe mails nothing.
    """
    check_confirmed(confirm, "nothing was sent")
    sent = detailed(api, api.post("/v1/invoices/{id}/send", parts={"id": invoice}), wrote=True)
    api.say(_outcome(sent, live=api.facts.get("livemode") is True))
    return sent


def _outcome(invoice: Invoice, *, live: bool) -> str:
    """What Stripe's answer says became of it."""
    if invoice.status == "draft":
        return "Stripe took the request, but the invoice is still a draft: check it there."
    if not live:
        return "The invoice is final. In test mode Stripe mails nothing."
    if not invoice.customer_email:
        return (
            "The invoice is final, but its customer has no e-mail address: check there whether it went out."
        )
    return "The invoice is final, and Stripe was told to mail it to its customer."


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


def _line(number: int, item: Item, currency: str | None) -> Mapping[str, Any]:
    line: dict[str, Any] = {"description": item.description}
    if item.price is not None or currency is None:
        return {**line, "pricing": {"price": item.price}, "quantity": item.quantity or 1}
    if item.unit_amount is not None:
        quantity = item.quantity or 1
        unit_amount = in_decimal_units(item.unit_amount, quantity, currency, f"items.{number}.unit_amount")
        return {**line, "unit_amount_decimal": unit_amount, "quantity": quantity, "currency": currency}
    amount = in_smallest_units(item.amount or Decimal(0), currency, f"items.{number}.amount")
    return {**line, "amount": amount, "currency": currency}
