"""Subscriptions."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BeforeValidator, Field, model_validator

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, UNKNOWN, long_day, look_up, look_up_related, named
from app.connectors.preview import Preview, counted, facts
from app.connectors.preview import amount as spelled_out
from app.connectors.rows import Page
from app.connectors.stripe.amounts import CurrencyCode, StripeRow
from app.connectors.stripe.customers import get_customer
from app.connectors.stripe.prices import SubscriptionItem, name_of, per
from app.connectors.stripe.records import encoded, one, page_of
from app.connectors.stripe.values import After, Day, Limit, StripeId, read_as
from app.errors import InvalidArguments, ObjectNotFound

_ENDED = frozenset({"canceled", "incomplete_expired"})


def _has_any(value: Any) -> bool | None:
    return bool(value) if isinstance(value, list) else None


class Subscription(StripeRow):
    """A subscription."""

    id: str
    customer: str | None = None
    status: str | None = None
    currency: CurrencyCode = None
    items: list[SubscriptionItem] = Field([], validation_alias=AliasPath("items", "data"))
    more_items: bool = Field(
        False, validation_alias=AliasPath("items", "has_more"), description="True: not all items are here."
    )
    discounted: Annotated[bool | None, BeforeValidator(_has_any)] = Field(
        None, validation_alias="discounts", description="True: less is billed than amount."
    )
    collection_paused: str | None = Field(
        None,
        validation_alias=AliasPath("pause_collection", "behavior"),
        description="What happens to invoices while collection is paused.",
    )
    trial_end: Day = None
    cancel_at_period_end: bool | None = None
    cancel_at: Day = None
    canceled_at: Day = None
    created: Day = None

    @model_validator(mode="before")
    @classmethod
    def _with_discounts_of_items(cls, record: Any) -> Any:
        """The record with the discounts of its items among its own: they are applied before those."""
        items = record.get("items") if isinstance(record, Mapping) else None
        entries = items.get("data") if isinstance(items, Mapping) else None
        found = [
            each.get("discounts")
            for each in (entries if isinstance(entries, list) else ())
            if isinstance(each, Mapping)
        ]
        of_items = next((each for each in found if isinstance(each, list) and each), None)
        return {**record, "discounts": of_items} if of_items else record


@tool(title="List Stripe subscriptions", reads_only=True, pages_by="starting_after")
def list_subscriptions(
    api: Api,
    customer: Annotated[StripeId | None, Field(description="Id from stripe_list_customers.")] = None,
    price: Annotated[StripeId | None, Field(description="Price id.")] = None,
    status: Annotated[
        Literal[
            "active",
            "trialing",
            "past_due",
            "unpaid",
            "paused",
            "incomplete",
            "incomplete_expired",
            "canceled",
            "ended",
            "all",
        ]
        | None,
        Field(description="Default: all but canceled. ended: canceled and incomplete_expired."),
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Subscription]:
    """List subscriptions, newest first: items, prices, end of the paid period.

    Use it for recurring income or to find what to cancel. An item's amount is billed once per interval_count
    intervals: divide 300 every 3 months by 3 for a month.
    """
    filters = {
        "customer": customer,
        "price": price,
        "status": status,
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/subscriptions", Subscription, filters)


def _preview_of_cancellation(api: Api, subscription: str, confirm: bool, at_period_end: bool) -> Preview:
    """Preview of `cancel_subscription`, with its plan and customer. Raises what stops it."""
    check_confirmed(confirm, "nothing was canceled")
    found = look_up(lambda: one(api, "/v1/subscriptions/{id}", Subscription, subscription))
    if found is not None and found.status in _ENDED:
        raise InvalidArguments("subscription: it has already ended.", details={"fields": ["subscription"]})
    customer_id = found.customer if found else None
    customer = look_up_related(lambda: get_customer(api, customer_id)) if customer_id else None
    plan = _plan(api, found) if found else "a subscription that could not be looked up"
    whose = named(customer.name or customer.email) if customer else ""
    end = next((item.current_period_end for item in found.items), None) if found else None
    paid_until = long_day(date.fromisoformat(end)) if end else ""
    when = "at once"
    if at_period_end:
        when = (
            f"at the end of the paid period, {paid_until}" if paid_until else "at the end of the paid period"
        )
    return Preview(
        f"Cancel {plan}{f' of {whose}' if whose else ''} {when}",
        "Cancel subscription" if at_period_end else "Cancel subscription now",
        facts(
            ("Customer", customer.mailbox if customer else UNKNOWN),
            ("Status", found.status if found else NO_ACCESS),
            ("Paid until", paid_until),
            (
                "Already set to end",
                found and found.cancel_at and long_day(date.fromisoformat(found.cancel_at)),
            ),
        ),
        frozenset({"at_period_end"}),
        "Nothing is refunded.",
    )


def _plan(api: Api, subscription: Subscription) -> str:
    """ "subscription Pro (20.00 USD per month)", of several items the first and the number of the others."""
    if not subscription.items:
        return "a subscription"
    item, *others = subscription.items
    price = ""
    if item.amount is not None and not others:
        price = f" ({spelled_out(item.amount, item.currency)}{per(item.interval, item.interval_count)})"
    more = f" and {counted(len(others), 'more item')}" if others else ""
    return (
        f"subscription {name}{price}{more}"
        if (name := named(name_of(api, item)))
        else f"a subscription{price}{more}"
    )


@tool(title="Cancel a Stripe subscription", destructive=True, preview=_preview_of_cancellation)
def cancel_subscription(
    api: Api,
    subscription: Annotated[StripeId, Field(description="Id from stripe_list_subscriptions.")],
    confirm: Annotated[bool, Field(description="true once the person agreed to this cancellation.")],
    at_period_end: Annotated[
        bool, Field(description="true: at the end of the paid period. false: now.")
    ] = True,
) -> Subscription:
    """Cancel a subscription. Once ended it can't be restarted.

    Use it only after the person agreed. It refunds nothing: use stripe_create_refund for that.
    """
    check_confirmed(confirm, "nothing was canceled")
    path, parts = "/v1/subscriptions/{id}", {"id": subscription}
    if at_period_end:
        ended = api.post(path, parts=parts, form=encoded({"cancel_at_period_end": True}))
    else:
        ended = _end_now(api, path, parts)
    canceled = read_as(Subscription, ended, wrote=True)
    api.say(_outcome(canceled, at_period_end))
    return canceled


def _outcome(subscription: Subscription, at_period_end: bool) -> str:
    """What Stripe's answer says became of it."""
    if subscription.status == "canceled":
        return "It has ended."
    if at_period_end and (subscription.cancel_at_period_end or subscription.cancel_at):
        return "It runs until the end of the paid period."
    return "Stripe accepted the request, but does not list the subscription as canceled: check it there."


def _end_now(api: Api, path: str, parts: dict[str, str]) -> Any:
    """A DELETE takes no idempotency key: a retry after a lost answer may find its own cancellation."""
    try:
        return api.delete(path, parts=parts)
    except ObjectNotFound:
        record = api.get(path, parts=parts)
        if isinstance(record, Mapping) and record.get("status") == "canceled":
            return record
        raise
