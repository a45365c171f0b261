"""Payments received, links to pay with, refunds."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.records import create, page_of
from app.connectors.stripe.values import (
    After,
    Currency,
    Limit,
    MinorUnits,
    Moment,
    StripeId,
    StripeRow,
    seconds_at,
    text_of,
)
from app.errors import InvalidArguments


class Payment(StripeRow):
    """A payment, or a try at one."""

    id: str
    amount: int = Field(description="In the smallest unit of the currency.")
    amount_received: int | None = None
    currency: str
    status: str
    description: str | None = None
    customer: str | None = None
    latest_charge: str | None = None
    created: Moment = None

    amount_text: ClassVar[Any] = text_of("amount", "The amount as people write it.")


class PaymentLink(StripeRow):
    """An address where anybody can pay."""

    id: str
    url: str
    active: bool
    currency: str | None = None


class Refund(StripeRow):
    """Money on its way back."""

    id: str
    amount: int = Field(description="In the smallest unit of the currency.")
    currency: str
    status: str | None = None
    reason: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    created: Moment = None

    amount_text: ClassVar[Any] = text_of("amount", "The amount as people write it.")


@tool(title="List Stripe payments", reads_only=True, pages_by="starting_after")
def list_payments(
    api: Api,
    customer: Annotated[
        StripeId | None, Field(description="Only this customer's, from stripe_list_customers.")
    ] = None,
    created_after: Annotated[date | None, Field(description="First day to include (UTC).")] = None,
    created_before: Annotated[
        date | None, Field(description="First day not to include any more (UTC).")
    ] = None,
    status: Annotated[
        Literal["succeeded", "processing", "requires_payment_method", "canceled"] | None,
        Field(description="Only payments in this state; succeeded is money received."),
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Payment]:
    """List payments, newest first: amount, state, customer, what for.

    Use it for income, failed payments, or to find what to refund. Only succeeded ones brought money; refunds
    are not subtracted. Currencies may differ: do not add them up. A page filtered by status may hold fewer
    records, even none, while next_cursor leads on.
    """
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
    price: Annotated[
        StripeId | None, Field(description="Id of a price in Stripe; or give the three fields below.")
    ] = None,
    product_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="What is sold, if there is no price yet.")
    ] = None,
    unit_amount: Annotated[
        MinorUnits | None, Field(description="Price of one in the smallest unit: 1099 is 10.99 USD.")
    ] = None,
    currency: Annotated[Currency | None, Field(description="Three letters, such as usd.")] = None,
    quantity: Annotated[int, Field(ge=1, le=999_999, description="How many are sold at once.")] = 1,
) -> PaymentLink:
    """Create an address where customers can pay by card. Anybody who has it can pay, as often as they like.

    Use it when the person wants to be paid without an invoice. For a bill to one customer use
    stripe_create_invoice.
    """
    parts = (product_name, unit_amount, currency)
    if (price is None) == (parts == (None, None, None)) or (price is None and None in parts):
        raise InvalidArguments(
            "price: give either a price, or product_name, unit_amount and currency together.",
            details={"fields": ["price", "product_name", "unit_amount", "currency"]},
        )
    line: dict[str, Any] = {"price": price, "quantity": quantity}
    if price is None and currency:
        line["price_data"] = {
            "currency": currency.lower(),
            "unit_amount": unit_amount,
            "product_data": {"name": product_name},
        }
    made = create(api, "/v1/payment_links", PaymentLink, {"line_items": [line]})
    api.say("The link works at once; nothing was sent to anybody.")
    return made


@tool(title="Refund Stripe payment", destructive=True)
def create_refund(
    api: Api,
    confirm: Annotated[
        bool, Field(description="true once the person has agreed to this refund and its amount.")
    ],
    payment_intent: Annotated[
        StripeId | None, Field(description="The payment, from stripe_list_payments; or a charge.")
    ] = None,
    charge: Annotated[StripeId | None, Field(description="The charge, if there is no payment id.")] = None,
    amount: Annotated[
        MinorUnits | None, Field(description="In the smallest unit; all that is left when left out.")
    ] = None,
    reason: Annotated[
        Literal["duplicate", "fraudulent", "requested_by_customer"] | None,
        Field(description="Why, for Stripe's records."),
    ] = None,
) -> Refund:
    """Give a payment back, in full or in part. The money leaves the account and cannot be called back.

    Use it only after the person agreed to this very refund. Say which payment, by payment_intent or charge.
    """
    if (payment_intent is None) == (charge is None):
        raise InvalidArguments(
            "payment_intent: name the payment either by payment_intent or by charge.",
            details={"fields": ["payment_intent", "charge"]},
        )
    check_confirmed(confirm, "nothing was refunded")
    sent = {"payment_intent": payment_intent, "charge": charge, "amount": amount, "reason": reason}
    return create(api, "/v1/refunds", Refund, sent)
