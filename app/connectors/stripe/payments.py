"""Payments received, and links to pay with."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS
from app.connectors.preview import Preview, facts, quoted
from app.connectors.preview import amount as spelled_out
from app.connectors.rows import Page
from app.connectors.stripe.amounts import (
    Amount,
    CurrencyCode,
    StripeMoney,
    StripeRow,
    in_smallest_units,
)
from app.connectors.stripe.prices import check_active, find_prices, name_of, per
from app.connectors.stripe.records import create, page_of
from app.connectors.stripe.values import (
    After,
    Currency,
    Limit,
    Moment,
    StripeId,
    seconds_at,
)
from app.errors import InvalidArguments


class Payment(StripeRow):
    """A payment, or a try at one."""

    id: str
    amount: StripeMoney = None
    amount_received: StripeMoney = None
    amount_capturable: StripeMoney = Field(None, description="Authorized, not yet captured.")
    currency: CurrencyCode = None
    status: str | None = None
    failure: str | None = Field(
        None,
        validation_alias=AliasPath("last_payment_error", "code"),
        description="Why the last attempt failed.",
    )
    cancellation_reason: str | None = None
    description: str | None = None
    customer: str | None = None
    latest_charge: str | None = None
    created: Moment = None


class PaymentLink(StripeRow):
    """An address where anyone can pay."""

    id: str
    url: str
    active: bool | None = None
    currency: CurrencyCode = None


@tool(title="List Stripe payments", reads_only=True, pages_by="starting_after")
def list_payments(
    api: Api,
    customer: Annotated[StripeId | None, Field(description="Id from stripe_list_customers.")] = None,
    created_after: Annotated[date | None, Field(description="First day to include (UTC).")] = None,
    created_before: Annotated[date | None, Field(description="First day to exclude (UTC).")] = None,
    status: Annotated[
        Literal[
            "succeeded",
            "processing",
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "requires_capture",
            "canceled",
        ]
        | None,
        Field(description="succeeded is money received."),
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Payment]:
    """List payments, newest first.

    Use it for income, failed payments, or to find what to refund. Refunds are not subtracted. A page filtered
    by status may be empty while next_cursor leads on.
    """
    check_order(created_after, created_before)
    filters = {
        "customer": customer,
        "created": {"gte": seconds_at(created_after), "lt": seconds_at(created_before)},
        "limit": limit,
        "starting_after": starting_after,
    }
    page = page_of(api, "/v1/payment_intents", Payment, filters)
    # Stripe's list has no filter for it.
    page.items = [payment for payment in page.items if status in {None, payment.status}]
    return page


def _preview_of_link(
    api: Api,
    price: str | None,
    product_name: str | None,
    unit_amount: Decimal | None,
    currency: str | None,
    quantity: int,
) -> Preview:
    """Preview of `create_payment_link`. Raises InvalidArguments for what Stripe would refuse."""
    _check_link(price, product_name, unit_amount, currency)
    times = f"{quantity:,} × " if quantity != 1 else ""
    covers = frozenset({"quantity"})
    if currency and unit_amount is not None:
        in_smallest_units(unit_amount, currency, "unit_amount")
        each = spelled_out(unit_amount, currency.upper())
        total = spelled_out(unit_amount * quantity, currency.upper())
        what, covers = quoted(product_name or ""), covers | {"product_name", "unit_amount", "currency"}
        known = facts()
    else:
        found = find_prices(api, [price or ""]).get(price or "")
        if found is not None:
            check_active(found, "price")
        name = name_of(api, found) if found else ""
        what = quoted(name) if name else "a product"
        each = found.described if found else ""
        total = each
        if found and found.is_plain:
            worth = (found.unit_amount or Decimal(0)) * quantity
            total = spelled_out(worth, found.currency) + per(found.interval, found.interval_count)
        known = facts(("Product", name), ("Price", each or NO_ACCESS))
    sold = f"{times}{each}" + (f" = {total}" if times and total != each else "")
    return Preview(
        f"Create payment link for {what}" + (f": {sold}" if each else ""),
        f"Create link, {total}" if each else "Create link",
        known,
        covers,
        "Anyone with the link can pay, as often as they like.",
    )


@tool(title="Create a Stripe payment link", destructive=False, preview=_preview_of_link)
def create_payment_link(
    api: Api,
    price: Annotated[StripeId | None, Field(description="Id of a price in Stripe.")] = None,
    product_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="What is sold, if it has no price id.")
    ] = None,
    unit_amount: Annotated[Amount | None, Field(description="Unit price, such as 12.50.")] = None,
    currency: Annotated[Currency | None, Field(description="Such as usd.")] = None,
    quantity: Annotated[int, Field(ge=1, le=999_999, description="Sold at once.")] = 1,
) -> PaymentLink:
    """Create a URL where anyone who has it can pay by card, as often as they like.

    Give price, or product_name with unit_amount and currency. To bill one customer use stripe_create_invoice.
    """
    _check_link(price, product_name, unit_amount, currency)
    line: dict[str, Any] = {"price": price, "quantity": quantity}
    if currency and unit_amount is not None:
        line["price_data"] = {
            "currency": currency.lower(),
            "unit_amount": in_smallest_units(unit_amount, currency, "unit_amount"),
            "product_data": {"name": product_name},
        }
    made = create(api, "/v1/payment_links", PaymentLink, {"line_items": [line]})
    api.say(
        "The link takes no payments: it is inactive."
        if made.active is False
        else "The link works at once; nothing was sent to anyone."
    )
    return made


def _check_link(
    price: str | None, product_name: str | None, unit_amount: Decimal | None, currency: str | None
) -> None:
    """Raises InvalidArguments unless there is either a price, or all that makes one."""
    parts = (product_name, unit_amount, currency)
    if (price is None) == (parts == (None, None, None)) or (price is None and None in parts):
        raise InvalidArguments(
            "price: give either a price, or product_name, unit_amount and currency together.",
            details={"fields": ["price", "product_name", "unit_amount", "currency"]},
        )
