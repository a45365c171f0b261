"""Customers."""

from typing import Annotated

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import mailbox, plain_among
from app.connectors.preview import Preview, facts
from app.connectors.quickbooks.accounting import home_currency, list_page, read, write
from app.connectors.quickbooks.query import among, contains, where
from app.connectors.quickbooks.values import (
    EmailAddress,
    Limit,
    Money,
    Offset,
    QuickBooksRow,
    SearchText,
    read_as,
)
from app.connectors.rows import Page
from app.errors import InvalidArguments, ObjectNotFound

_MOST_NAMESAKES = 100


class Customer(QuickBooksRow):
    """A customer, or a job of one."""

    customer_id: str = Field(validation_alias="Id")
    display_name: str | None = Field(None, validation_alias="DisplayName")
    full_name: str | None = Field(
        None, validation_alias="FullyQualifiedName", description="Including the parent customer."
    )
    company_name: str | None = Field(None, validation_alias="CompanyName")
    email: str | None = Field(None, validation_alias=AliasPath("PrimaryEmailAddr", "Address"))
    phone: str | None = Field(None, validation_alias=AliasPath("PrimaryPhone", "FreeFormNumber"))
    balance: Money | None = Field(
        None, validation_alias="Balance", description="What the customer owes, jobs not included."
    )
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))
    active: bool | None = Field(None, validation_alias="Active")


@tool(title="List QuickBooks customers", reads_only=True, pages_by="offset")
def list_customers(
    api: Api,
    search: Annotated[SearchText | None, Field(description="Text in the display name.")] = None,
    active: Annotated[bool, Field(description="false: only inactive ones.")] = True,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[Customer]:
    """List customers by name, with the id that other tools take and the balance each owes.

    Balances may be in different currencies. For what is owed by age, use quickbooks_get_aged_receivables.
    """
    conditions = [where("Active", "=", active), *([contains("DisplayName", search)] if search else [])]
    page = list_page(api, Customer, "Customer", conditions, "DisplayName", limit=limit, offset=offset)
    for customer in page.items:
        customer.currency = customer.currency or home_currency(api)
    return page


def _preview_of_new_customer(
    api: Api, display_name: str, email: str | None, phone: str | None, company_name: str | None
) -> Preview:
    """Preview of `create_customer`. Raises InvalidArguments if any customer has the name."""
    conditions = [among("Active", (True, False)), contains("DisplayName", display_name)]
    found = list_page(api, Customer, "Customer", conditions, "DisplayName", limit=_MOST_NAMESAKES, offset=0)
    name = display_name.strip().casefold()
    if any(each.display_name and each.display_name.casefold() == name for each in found.items):
        raise InvalidArguments(
            "display_name: a customer with this name already exists. Find it with quickbooks_list_customers.",
            details={"fields": ["display_name"]},
        )
    who = mailbox(f"{display_name} ({company_name})" if company_name else display_name, email)
    return Preview(
        f"Create customer {who}",
        "Create customer",
        facts(("Other customers with this name", "none")),
        frozenset({"email"}) | plain_among(display_name=display_name),
    )


@tool(title="Create a QuickBooks customer", preview=_preview_of_new_customer)
def create_customer(
    api: Api,
    display_name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            pattern=r"^[^:\x00-\x1f\x7f]+$",
            description="Company or person; no colon.",
        ),
    ],
    email: Annotated[EmailAddress | None, Field(description="For invoices.")] = None,
    phone: Annotated[
        str | None, Field(min_length=1, max_length=30, description="At most 30 characters.")
    ] = None,
    company_name: Annotated[
        str | None, Field(min_length=1, max_length=100, description="If it differs.")
    ] = None,
) -> Customer:
    """Create a customer. First check quickbooks_list_customers, also with active false.

    Names are unique among customers, vendors and employees.
    """
    record = {
        "DisplayName": display_name,
        "CompanyName": company_name,
        "PrimaryEmailAddr": {"Address": email} if email else None,
        "PrimaryPhone": {"FreeFormNumber": phone} if phone else None,
    }
    customer = read_as(Customer, write(api, "/customer", "Customer", record), wrote=True)
    customer.currency = customer.currency or home_currency(api)
    return customer


def get_customer(api: Api, customer_id: str) -> Customer:
    """The customer of a new document. Raises InvalidArguments for one that QuickBooks does not know."""
    try:
        record = read(api, "/customer/{customer_id}", "Customer", parts={"customer_id": customer_id})
    except ObjectNotFound:
        raise _not_usable("QuickBooks does not know it") from None
    return read_as(Customer, record)


def check_active(customer: Customer) -> None:
    """Raises InvalidArguments for a customer that new documents cannot have."""
    if customer.active is False:
        raise _not_usable("this customer is inactive")


def _not_usable(reason: str) -> InvalidArguments:
    return InvalidArguments(
        f"customer_id: {reason}. Use the id of an active customer from quickbooks_list_customers.",
        details={"fields": ["customer_id"]},
    )
