"""Customers."""

from typing import Annotated

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.quickbooks.accounting import home_currency, list_page, write
from app.connectors.quickbooks.query import contains, where
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


class Customer(QuickBooksRow):
    """A customer, or a job of one."""

    customer_id: str = Field(validation_alias="Id")
    display_name: str | None = Field(None, validation_alias="DisplayName")
    full_name: str | None = Field(
        None, validation_alias="FullyQualifiedName", description="With the customer it is a job of."
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


@tool(title="Create QuickBooks customer")
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
    """Create a customer, after quickbooks_list_customers did not find it (also with active false).

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
