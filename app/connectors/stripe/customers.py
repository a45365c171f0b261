"""Customers."""

from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.stripe.records import create, dashboard, page_of
from app.connectors.stripe.values import After, Day, Limit, StripeRow, seconds_at, text_of
from app.errors import InvalidArguments


class Customer(StripeRow):
    """A customer."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    currency: str | None = None
    balance: int | None = Field(None, description="Smallest unit; negative is credit for the next invoice.")
    delinquent: bool | None = Field(None, description="True: the latest invoice is overdue.")
    created: Day = None

    balance_text: ClassVar[Any] = text_of("balance", "The balance as people write it.")


class CreatedCustomer(Customer):
    """The customer as Stripe saved it."""

    dashboard_url: str = ""


@tool(title="List Stripe customers", reads_only=True, pages_by="starting_after")
def list_customers(
    api: Api,
    email: Annotated[
        str | None,
        Field(max_length=512, description="Only customers with exactly this address, as it was written."),
    ] = None,
    created_after: Annotated[
        date | None, Field(description="First day of creation to include (UTC).")
    ] = None,
    limit: Limit = 20,
    starting_after: After = None,
) -> Page[Customer]:
    """List customers, newest first, or find one by its e-mail address.

    Use it to get the `customer` id other tools take. One address may belong to several customers. Names
    cannot be searched.
    """
    filters = {
        "email": email,
        "created": {"gte": seconds_at(created_after)},
        "limit": limit,
        "starting_after": starting_after,
    }
    return page_of(api, "/v1/customers", Customer, filters)


@tool(title="Create Stripe customer", destructive=False)
def create_customer(
    api: Api,
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=256, description="Person or company; this or an e-mail is needed."),
    ] = None,
    email: Annotated[
        str | None, Field(min_length=3, max_length=512, description="Where invoices are mailed.")
    ] = None,
    phone: Annotated[str | None, Field(max_length=20, description="Phone number.")] = None,
    description: Annotated[str | None, Field(max_length=350, description="A note only you see.")] = None,
    metadata: Annotated[
        dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]] | None,
        Field(max_length=50, description="Your own names and values, such as an order number."),
    ] = None,
) -> CreatedCustomer:
    """Create a customer. Needs a name or an e-mail address.

    Look first with stripe_list_customers: Stripe does not notice a customer that exists already. It charges
    and sends nothing.
    """
    if not name and not email:
        raise InvalidArguments(
            "name: give a name or an email, or both.", details={"fields": ["name", "email"]}
        )
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
