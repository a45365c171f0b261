"""The account itself: who it is, what it holds, what was paid out of it."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.connectors.stripe.amounts import CurrencyCode, StripeMoney, StripeRow
from app.connectors.stripe.identity import is_live
from app.connectors.stripe.records import page_of
from app.connectors.stripe.values import After, Day, Limit, read_as, seconds_at, unreadable


class StripeAccount(StripeRow):
    """The connected Stripe account."""

    id: str
    name: str | None = Field(None, validation_alias=AliasPath("settings", "dashboard", "display_name"))
    business_name: str | None = Field(None, validation_alias=AliasPath("business_profile", "name"))
    email: str | None = None
    country: str | None = None
    default_currency: CurrencyCode = None
    timezone: str | None = Field(None, validation_alias=AliasPath("settings", "dashboard", "timezone"))
    charges_enabled: bool | None = None
    payouts_enabled: bool | None = None
    live: bool = Field(False, description="False: test mode, no real money.")


class Sum(StripeRow):
    """Money in one currency."""

    amount: StripeMoney = None
    currency: CurrencyCode = None


class Balance(Row):
    """What the account holds, by currency."""

    available: list[Sum] = Field([], description="Can be paid out now.")
    pending: list[Sum] = Field([], description="Not yet available.")


class Payout(StripeRow):
    """A payout from Stripe to the bank."""

    id: str
    amount: StripeMoney = None
    currency: CurrencyCode = None
    status: str | None = None
    arrival_date: Day = None
    created: Day = None
    method: str | None = None
    failure_code: str | None = Field(None, description="Why it failed.")


@tool(title="Get the Stripe account", reads_only=True)
def get_account(api: Api) -> StripeAccount:
    """Get the connected account: name, country, default currency, test or live mode."""
    account = read_as(StripeAccount, api.get("/v1/account"))
    account.live = is_live(api)
    return account


@tool(title="Get the Stripe balance", reads_only=True)
def get_balance(api: Api) -> Balance:
    """Get the money held in Stripe by currency, available and pending.

    For payments received use stripe_list_payments.
    """
    body = api.get("/v1/balance")
    if not isinstance(body, Mapping) or not isinstance(body.get("available"), list):
        raise unreadable()
    return Balance(available=_sums(body["available"]), pending=_sums(body.get("pending")))


@tool(title="List Stripe payouts", reads_only=True, pages_by="starting_after")
def list_payouts(
    api: Api,
    status: Annotated[
        Literal["pending", "in_transit", "paid", "failed", "canceled"] | None,
        Field(description="Only these."),
    ] = None,
    arrival_after: Annotated[date | None, Field(description="First day at the bank (UTC).")] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Payout]:
    """List payouts to the bank account, newest first.

    Use it to match bank entries or to see when money arrives.
    """
    filters = {
        "status": status,
        "arrival_date": {"gte": seconds_at(arrival_after)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/payouts", Payout, filters)


def _sums(found: Any) -> list[Sum]:
    entries = found if isinstance(found, list) else []
    return [read_as(Sum, each) for each in entries if isinstance(each, Mapping)]
