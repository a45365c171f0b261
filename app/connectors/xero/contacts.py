"""Customers and suppliers: Xero calls both contacts."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.xero.accounting import create, read_page
from app.connectors.xero.values import XeroRow, read_as


class Contact(XeroRow):
    """A customer, a supplier, or both."""

    contact_id: str = Field(validation_alias="ContactID")
    name: str = Field(validation_alias="Name")
    email: str | None = Field(None, validation_alias="EmailAddress")
    first_name: str | None = Field(None, validation_alias="FirstName")
    last_name: str | None = Field(None, validation_alias="LastName")
    status: str | None = Field(
        None, validation_alias="ContactStatus", description="ACTIVE, ARCHIVED or GDPRREQUEST."
    )
    is_customer: bool | None = Field(None, validation_alias="IsCustomer")
    is_supplier: bool | None = Field(None, validation_alias="IsSupplier")


@tool(
    title="List Xero contacts",
    reads_only=True,
    pages_by="page",
    needs_scopes=("accounting.contacts.read", "accounting.contacts"),
)
def list_contacts(
    api: Api,
    search: Annotated[
        str | None, Field(max_length=200, description="Text in the name, e-mail or contact person.")
    ] = None,
    page: Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")] = 1,
    include_archived: Annotated[bool, Field(description="Also contacts put away in Xero.")] = False,
) -> Page[Contact]:
    """List customers and suppliers with their ids, optionally by name or e-mail.

    Use it to find the contact_id other tools need. For what a contact owes use xero_list_invoices or
    xero_get_aged_receivables.
    """
    filters = {
        "searchTerm": search,
        "includeArchived": "true" if include_archived else None,
        "summaryOnly": "true",
    }
    return read_page(api, "Contacts", Contact, filters, page=page)


@tool(title="Create Xero contact", needs_scopes=("accounting.contacts",))
def create_contact(
    api: Api,
    name: Annotated[
        str, Field(min_length=1, max_length=255, description="Company or person; must not be taken yet.")
    ],
    email: Annotated[
        str | None,
        Field(max_length=255, pattern=r"^[^@\s]+@[^@\s]+$", description="Where invoices are sent."),
    ] = None,
    first_name: Annotated[str | None, Field(max_length=255, description="Of the primary person.")] = None,
    last_name: Annotated[str | None, Field(max_length=255, description="Of the primary person.")] = None,
) -> Contact:
    """Create a contact for invoices or bills.

    Use it only after xero_list_contacts did not find the contact: names are unique, and an existing one is
    never changed by this.
    """
    made = create(
        api,
        "/Contacts",
        "Contacts",
        {"Name": name, "EmailAddress": email, "FirstName": first_name, "LastName": last_name},
    )
    return read_as(Contact, made, wrote=True)
