"""Subscriptions."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.records import encoded, page_of
from app.connectors.stripe.values import After, Day, Limit, StripeId, StripeRow, read_as, text_of
from app.errors import ObjectNotFound


class SubscriptionItem(StripeRow):
    """What is subscribed to."""

    price: str | None = Field(None, validation_alias=AliasPath("price", "id"))
    unit_amount: int | None = Field(None, validation_alias=AliasPath("price", "unit_amount"))
    currency: str | None = Field(None, validation_alias=AliasPath("price", "currency"))
    interval: str | None = Field(None, validation_alias=AliasPath("price", "recurring", "interval"))
    quantity: int | None = None
    # Stripe has the period on the items, not on the subscription.
    current_period_end: Day = None

    unit_amount_text: ClassVar[Any] = text_of("unit_amount", "The price of one as people write it.")


class Subscription(StripeRow):
    """A subscription."""

    id: str
    customer: str | None = None
    status: str
    items: list[SubscriptionItem] = Field([], validation_alias=AliasPath("items", "data"))
    cancel_at_period_end: bool | None = None
    cancel_at: Day = None
    canceled_at: Day = None
    created: Day = None


@tool(title="List Stripe subscriptions", reads_only=True, pages_by="starting_after")
def list_subscriptions(
    api: Api,
    customer: Annotated[
        StripeId | None, Field(description="Only this customer's, from stripe_list_customers.")
    ] = None,
    price: Annotated[StripeId | None, Field(description="Only those to this price.")] = None,
    status: Annotated[
        Literal["active", "past_due", "trialing", "canceled", "unpaid", "paused", "all"] | None,
        Field(description="Only those in this state; left out: all but the canceled ones."),
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Subscription]:
    """List subscriptions, newest first, with what they are for, their price and when the paid period ends.

    Use it for recurring income or to find what to cancel. Canceled ones appear only with status canceled or
    all.
    """
    filters = {
        "customer": customer,
        "price": price,
        "status": status,
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/subscriptions", Subscription, filters)


@tool(title="Cancel Stripe subscription", destructive=True)
def cancel_subscription(
    api: Api,
    subscription: Annotated[StripeId, Field(description="Its id, from stripe_list_subscriptions.")],
    confirm: Annotated[
        bool, Field(description="true once the person has agreed to cancel this subscription.")
    ],
    at_period_end: Annotated[
        bool, Field(description="true: it runs until the paid period ends. false: it ends now, for good.")
    ] = True,
) -> Subscription:
    """Cancel a subscription, at the end of the paid period or at once. A subscription that has ended cannot
    be started again.

    Use it only after the person agreed. It refunds nothing: that is stripe_create_refund.
    """
    check_confirmed(confirm, "nothing was canceled")
    path, parts = "/v1/subscriptions/{id}", {"id": subscription}
    if at_period_end:
        ended = api.post(path, parts=parts, form=encoded({"cancel_at_period_end": True}))
        api.say("It runs until the end of the paid period.")
    else:
        ended = _end_now(api, path, parts)
        api.say("It has ended.")
    return read_as(Subscription, ended, wrote=True)


def _end_now(api: Api, path: str, parts: dict[str, str]) -> Any:
    """A DELETE takes no idempotency key: a retry after a lost answer may find its own cancellation."""
    try:
        return api.delete(path, parts=parts)
    except ObjectNotFound:
        record = api.get(path, parts=parts)
        if isinstance(record, dict) and record.get("status") == "canceled":
            return record
        raise
