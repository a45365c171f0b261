"""Payments received, links to pay with, refunds."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed, check_order
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.amounts import (
    Amount,
    CurrencyCode,
    StripeMoney,
    StripeRow,
    in_smallest_units,
)
from app.connectors.stripe.records import create, page_of
from app.connectors.stripe.values import (
    After,
    Currency,
    Limit,
    Moment,
    StripeId,
    seconds_at,
    unreadable,
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
    """An address where anybody can pay."""

    id: str
    url: str
    active: bool | None = None
    currency: CurrencyCode = None


class Refund(StripeRow):
    """Money on its way back."""

    id: str
    amount: StripeMoney = None
    currency: CurrencyCode = None
    status: str | None = Field(None, description="Only succeeded has left the account.")
    failure_reason: str | None = None
    reason: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    created: Moment = None


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


@tool(title="Create Stripe payment link", destructive=False)
def create_payment_link(
    api: Api,
    price: Annotated[StripeId | None, Field(description="Id of a price in Stripe.")] = None,
    product_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="What is sold, if it has no price id.")
    ] = None,
    unit_amount: Annotated[Amount | None, Field(description="Price of one, such as 12.50.")] = None,
    currency: Annotated[Currency | None, Field(description="Such as usd.")] = None,
    quantity: Annotated[int, Field(ge=1, le=999_999, description="Sold at once.")] = 1,
) -> PaymentLink:
    """Create a URL where anybody who has it can pay by card, as often as they like.

    Give price, or product_name with unit_amount and currency. To bill one customer use stripe_create_invoice.
    """
    parts = (product_name, unit_amount, currency)
    if (price is None) == (parts == (None, None, None)) or (price is None and None in parts):
        raise InvalidArguments(
            "price: give either a price, or product_name, unit_amount and currency together.",
            details={"fields": ["price", "product_name", "unit_amount", "currency"]},
        )
    line: dict[str, Any] = {"price": price, "quantity": quantity}
    if currency and unit_amount is not None:
        line["price_data"] = {
            "currency": currency.lower(),
            "unit_amount": in_smallest_units(unit_amount, currency, "unit_amount"),
            "product_data": {"name": product_name},
        }
    made = create(api, "/v1/payment_links", PaymentLink, {"line_items": [line]})
    api.say(
        "The link does not take payments: it is not active."
        if made.active is False
        else "The link works at once; nothing was sent to anybody."
    )
    return made


@tool(title="Refund Stripe payment", destructive=True)
def create_refund(
    api: Api,
    confirm: Annotated[bool, Field(description="true once the person agreed to this refund.")],
    payment_intent: Annotated[
        StripeId | None, Field(description="Id from stripe_list_payments; or give charge.")
    ] = None,
    charge: Annotated[StripeId | None, Field(description="Charge id.")] = None,
    amount: Annotated[
        Amount | None,
        Field(description="In the payment's currency, such as 12.50; left out: all that is left."),
    ] = None,
    currency: Annotated[Currency | None, Field(description="Of amount, to be sure.")] = None,
    reason: Annotated[
        Literal["duplicate", "fraudulent", "requested_by_customer"] | None,
        Field(description="For Stripe's records."),
    ] = None,
) -> Refund:
    """Refund a payment, in full or in part. The money cannot be called back.

    Use it only after the person agreed to this very refund and amount.
    """
    if (payment_intent is None) == (charge is None):
        raise InvalidArguments(
            "payment_intent: name the payment either by payment_intent or by charge.",
            details={"fields": ["payment_intent", "charge"]},
        )
    check_confirmed(confirm, "nothing was refunded")
    sent: dict[str, Any] = {"payment_intent": payment_intent, "charge": charge, "reason": reason}
    if amount is not None or currency is not None:
        sent["amount"] = _part_of(api, payment_intent, charge, amount, currency)
    refund = create(api, "/v1/refunds", Refund, sent)
    api.say(_outcome(refund))
    return refund


def _part_of(
    api: Api, payment_intent: str | None, charge: str | None, amount: Decimal | None, currency: str | None
) -> int | None:
    """The amount in the smallest unit of the payment's own currency, which a refund is always in.

    Raises InvalidArguments if the caller thinks of another currency.
    """
    path, id_ = (
        ("/v1/payment_intents/{id}", payment_intent) if payment_intent else ("/v1/charges/{id}", charge)
    )
    record = api.get(path, parts={"id": id_})
    own = record.get("currency") if isinstance(record, Mapping) else None
    if not isinstance(own, str) or not own:
        raise unreadable()
    if currency and currency.lower() != own.lower():
        raise InvalidArguments(
            f"currency: the payment is in {own.upper()[:3]}, and so is its refund. Nothing was refunded.",
            details={"fields": ["currency"]},
        )
    return None if amount is None else in_smallest_units(amount, own, "amount")


def _outcome(refund: Refund) -> str:
    """What became of the refund. https://docs.stripe.com/refunds#refund-statuses"""
    return {
        "succeeded": "The refund was made.",
        "pending": "The refund is pending: Stripe has not paid it out yet.",
        "requires_action": "The refund waits for the customer, who has to tell Stripe where to send it.",
        "failed": "The refund failed: the money is still in the account.",
        "canceled": "The refund was canceled: the money is still in the account.",
    }.get(refund.status or "", "Stripe took the refund; check its status there.")
