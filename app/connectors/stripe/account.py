"""The account itself: who it is, what it holds, what was paid out of it."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.connectors.stripe.records import page_of
from app.connectors.stripe.values import After, Day, Limit, StripeRow, read_as, seconds_at, text_of


class StripeAccount(StripeRow):
    """The connected Stripe account."""

    id: str
    name: str | None = Field(None, validation_alias=AliasPath("settings", "dashboard", "display_name"))
    business_name: str | None = Field(None, validation_alias=AliasPath("business_profile", "name"))
    email: str | None = None
    country: str | None = None
    default_currency: str | None = None
    timezone: str | None = Field(None, validation_alias=AliasPath("settings", "dashboard", "timezone"))
    charges_enabled: bool | None = None
    payouts_enabled: bool | None = None
    live: bool = Field(False, description="False: test mode, no real money.")


class Sum(StripeRow):
    """Money in one currency."""

    amount: int = Field(description="In the smallest unit of the currency.")
    currency: str

    text: ClassVar[Any] = text_of("amount", "The amount as people write it.")


class Balance(Row):
    """What the account holds, by currency."""

    available: list[Sum] = Field(description="Can be paid out now.")
    pending: list[Sum] = Field(description="On its way.")


class Payout(StripeRow):
    """A payout from Stripe to the bank."""

    id: str
    amount: int = Field(description="In the smallest unit of the currency.")
    currency: str
    status: str
    arrival_date: Day = None
    created: Day = None
    method: str | None = None

    amount_text: ClassVar[Any] = text_of("amount", "The amount as people write it.")


@tool(title="Get Stripe account", reads_only=True)
def get_account(api: Api) -> StripeAccount:
    """Get the connected Stripe account: name, country, default currency, whether it may take payments, test
    or live mode.

    Use it to see which account and mode you work with. For money held use stripe_get_balance.
    """
    account = read_as(StripeAccount, api.get("/v1/account"))
    account.live = bool(api.facts.get("livemode"))
    return account


@tool(title="Get Stripe balance", reads_only=True)
def get_balance(api: Api) -> Balance:
    """Get what the account holds: available and pending, one sum for each currency.

    Use it for "how much is in Stripe". It is no income report: for payments received use
    stripe_list_payments.
    """
    body = api.get("/v1/balance")
    return Balance(available=_sums(body, "available"), pending=_sums(body, "pending"))


@tool(title="List Stripe payouts", reads_only=True, pages_by="starting_after")
def list_payouts(
    api: Api,
    status: Annotated[
        Literal["pending", "in_transit", "paid", "failed", "canceled"] | None,
        Field(description="Only payouts in this state."),
    ] = None,
    arrival_after: Annotated[
        date | None, Field(description="First day of arrival at the bank to include (UTC).")
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Payout]:
    """List payouts from Stripe to the bank account, newest first.

    Use it to match bank entries or to see when money arrives. It cannot start a payout: no tool here moves
    money out.
    """
    filters = {
        "status": status,
        "arrival_date": {"gte": seconds_at(arrival_after)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/payouts", Payout, filters)


def _sums(body: Any, key: str) -> list[Sum]:
    found = body.get(key) if isinstance(body, Mapping) else None
    return [read_as(Sum, each) for each in found] if isinstance(found, list) else []
