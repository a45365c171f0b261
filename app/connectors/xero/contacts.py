"""Customers and suppliers: Xero calls both contacts."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.xero.accounting import create, read, read_page
from app.connectors.xero.values import PageNumber, XeroRow, read_as
from app.errors import InvalidArguments, ObjectNotFound

_MOST_MATCHES = 50  # ids in the query of one request


class Contact(XeroRow):
    """A customer, a supplier, or both."""

    contact_id: str = Field(validation_alias="ContactID")
    name: str | None = Field(None, validation_alias="Name")
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
    page: PageNumber = 1,
    include_archived: Annotated[bool, Field(description="Also those put away.")] = False,
) -> Page[Contact]:
    """List customers and suppliers, or find the contact_id that other tools need.

    For what a contact owes use xero_get_aged_receivables or xero_list_invoices.
    """
    # Not summaryOnly: it leaves out IsCustomer and IsSupplier.
    filters = {
        "searchTerm": search,
        "includeArchived": "true" if include_archived else None,
        "order": "Name ASC,ContactID ASC",
    }
    return read_page(api, "Contacts", Contact, filters, page=page)


@tool(title="Create Xero contact", needs_scopes=("accounting.contacts",))
def create_contact(
    api: Api,
    name: Annotated[str, Field(min_length=1, max_length=255, description="Company or person.")],
    email: Annotated[
        str | None,
        Field(max_length=255, pattern=r"^[^@\s]+@[^@\s]+$", description="Where invoices are sent."),
    ] = None,
    first_name: Annotated[str | None, Field(max_length=255)] = None,
    last_name: Annotated[str | None, Field(max_length=255)] = None,
) -> Contact:
    """Create a contact for invoices or bills. Names are unique: look with xero_list_contacts first.

    An existing contact is never changed by this.
    """
    made = create(
        api,
        "/Contacts",
        "Contacts",
        {"Name": name, "EmailAddress": email, "FirstName": first_name, "LastName": last_name},
    )
    return read_as(Contact, made, wrote=True)


def ids_of(api: Api, text: str) -> list[str]:
    """The ids of the contacts that `text` names: those of exactly that name, else those it finds.

    Raises ObjectNotFound for none, InvalidArguments for too many.
    """
    params = {
        "searchTerm": text,
        "includeArchived": "true",
        "summaryOnly": "true",
        "page": 1,
        "pageSize": _MOST_MATCHES + 1,
    }
    found, _ = read(api, "/Contacts", "Contacts", params=params)
    contacts = [read_as(Contact, record) for record in found]
    named = [each for each in contacts if (each.name or "").casefold() == text.strip().casefold()]
    if not contacts:
        raise ObjectNotFound("No contact in Xero has that in its name. Look with xero_list_contacts.")
    if not named and len(contacts) > _MOST_MATCHES:
        raise InvalidArguments(
            f"contact: more than {_MOST_MATCHES} contacts fit. Give more of the name, or a contact_id.",
            details={"fields": ["contact"]},
        )
    return [each.contact_id for each in named or contacts]
