"""Customers."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, look_up, mailbox, plain_among
from app.connectors.preview import Preview, facts, listed
from app.connectors.rows import Page
from app.connectors.stripe.amounts import CurrencyCode, StripeMoney, StripeRow
from app.connectors.stripe.records import create, dashboard, one, page_of
from app.connectors.stripe.values import After, Day, Limit, seconds_at
from app.errors import InvalidArguments, ObjectNotFound


class Customer(StripeRow):
    """A customer."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    currency: CurrencyCode = None
    balance: StripeMoney = Field(None, description="Negative: credit for the next invoice.")
    delinquent: bool | None = Field(None, description="True: the latest invoice is overdue.")
    created: Day = None
    deleted: bool = Field(False, exclude=True)

    @property
    def mailbox(self) -> str:
        """Name and email address, or the one of the two that there is."""
        return mailbox(self.name, self.email)


class CreatedCustomer(Customer):
    """The customer as Stripe saved it."""

    dashboard_url: str = ""


@tool(title="List Stripe customers", reads_only=True, pages_by="starting_after")
def list_customers(
    api: Api,
    email: Annotated[str | None, Field(max_length=512, description="Exact match, case-sensitive.")] = None,
    created_after: Annotated[date | None, Field(description="First day to include (UTC).")] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Customer]:
    """List customers, newest first, or find one by email address.

    Use it to get the `customer` id other tools take. Several customers may share an address. Names cannot be
    searched.
    """
    filters = {
        "email": email,
        "created": {"gte": seconds_at(created_after)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/customers", Customer, filters)


def _preview_of_new_customer(api: Api, name: str | None, email: str | None, **_more: Any) -> Preview:
    """Preview of `create_customer`. Warns of customers with the same email. Raises InvalidArguments."""
    _check_named(name, email)
    filters = {"email": email, "limit": 3}
    same = look_up(lambda: page_of(api, "/v1/customers", Customer, filters).items) if email else []
    known = NO_ACCESS if same is None else listed(each.mailbox or "no name" for each in same) or "none"
    return Preview(
        f"Create customer {mailbox(name, email)}",
        "Create customer",
        facts(("Customers with this email", known if email else "")),
        frozenset({"email"}) | plain_among(name=name),
        "A customer with this email already exists." if same else "",
    )


@tool(title="Create a Stripe customer", destructive=False, preview=_preview_of_new_customer)
def create_customer(
    api: Api,
    name: Annotated[
        str | None, Field(min_length=1, max_length=256, description="Name or email is needed.")
    ] = None,
    email: Annotated[
        str | None, Field(min_length=3, max_length=512, description="Where invoices are sent.")
    ] = None,
    phone: Annotated[str | None, Field(max_length=20, description="Phone number.")] = None,
    description: Annotated[str | None, Field(max_length=350, description="Internal note.")] = None,
    metadata: Annotated[
        dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]] | None,
        Field(max_length=50, description="Names and values of your own."),
    ] = None,
) -> CreatedCustomer:
    """Create a customer. Nothing is charged or sent.

    Check stripe_list_customers first: Stripe allows duplicates.
    """
    _check_named(name, email)
    sent: dict[str, Any] = {
        "name": name,
        "email": email,
        "phone": phone,
        "description": description,
        "metadata": metadata,
    }
    customer = create(api, "/v1/customers", CreatedCustomer, sent)
    customer.dashboard_url = dashboard(api, "customers", customer.id)
    return customer


def get_customer(api: Api, customer: str) -> Customer:
    """One customer. Raises ObjectNotFound for an unknown or deleted one."""
    found = one(api, "/v1/customers/{id}", Customer, customer)
    if found.deleted:
        raise ObjectNotFound("This Stripe customer was deleted. Use an id from stripe_list_customers.")
    return found


def _check_named(name: str | None, email: str | None) -> None:
    """Raises InvalidArguments for a customer that nothing identifies, or an impossible email address."""
    if not name and not email:
        raise InvalidArguments(
            "name: give a name or an email, or both.", details={"fields": ["name", "email"]}
        )
    if email and "@" not in email:
        raise InvalidArguments("email: this is not an email address.", details={"fields": ["email"]})
