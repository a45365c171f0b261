"""Customers and suppliers: Xero calls both contacts."""

from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import look_up, mailbox, plain_among
from app.connectors.preview import Preview, facts
from app.connectors.rows import Page
from app.connectors.xero.accounting import create, read, read_one, read_page
from app.connectors.xero.values import PageNumber, XeroRow, read_as
from app.errors import InvalidArguments, ObjectNotFound

_MOST_MATCHES = 50  # ids in the query of one request


class ContactPerson(XeroRow):
    """Somebody at a contact."""

    email: str | None = Field(None, validation_alias="EmailAddress")
    is_included: bool = Field(False, validation_alias="IncludeInEmails")


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
    persons: list[ContactPerson] = Field([], validation_alias="ContactPersons", exclude=True)

    @property
    def recipients(self) -> list[str]:
        """Whom Xero emails: the contact, and the contact persons included in emails."""
        included = [person.email for person in self.persons if person.is_included]
        return [email for email in dict.fromkeys((self.email, *included)) if email]


@tool(
    title="List Xero contacts",
    reads_only=True,
    pages_by="page",
    needs_scopes=("accounting.contacts.read", "accounting.contacts"),
)
def list_contacts(
    api: Api,
    search: Annotated[
        str | None, Field(max_length=200, description="Text in the name, email or contact person.")
    ] = None,
    page: PageNumber = 1,
    include_archived: Annotated[bool, Field(description="Also archived ones.")] = False,
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


def _preview_of_new_contact(
    api: Api, name: str, email: str | None, first_name: str | None, last_name: str | None
) -> Preview:
    """Preview of `create_contact`. Raises InvalidArguments if an active contact has the name."""
    found = look_up(lambda: _search(api, name, archived=False))
    if any(each.name and each.name.casefold() == name.strip().casefold() for each in found or ()):
        raise InvalidArguments(
            "name: an active contact in Xero has this name. Find it with xero_list_contacts, or choose "
            "another name.",
            details={"fields": ["name"]},
        )
    person = " ".join(filter(None, (first_name, last_name)))
    return Preview(
        f"Create contact {mailbox(f'{name} ({person})' if person else name, email)}",
        "Create contact",
        facts(("Other contacts with this name", "none" if found is not None else "")),
        frozenset({"email"}) | plain_among(name=name),
    )


@tool(title="Create a Xero contact", needs_scopes=("accounting.contacts",), preview=_preview_of_new_contact)
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
    """Create a contact for invoices or bills. Names are unique: check xero_list_contacts first.

    This never changes an existing contact.
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
    contacts = _search(api, text, archived=True)
    named = [each for each in contacts if (each.name or "").casefold() == text.strip().casefold()]
    if not contacts:
        raise ObjectNotFound("No contact in Xero has that in its name. Check xero_list_contacts.")
    if not named and len(contacts) > _MOST_MATCHES:
        raise InvalidArguments(
            f"contact: more than {_MOST_MATCHES} contacts match. Give more of the name, or a contact_id.",
            details={"fields": ["contact"]},
        )
    return [each.contact_id for each in named or contacts]


def get_contact(api: Api, contact_id: str) -> Contact:
    """One contact with its persons. Raises ObjectNotFound."""
    return read_as(Contact, read_one(api, "/Contacts/{id}", "Contacts", parts={"id": contact_id}))


def _search(api: Api, text: str, *, archived: bool) -> list[Contact]:
    """The contacts that Xero finds for a text, one more than `ids_of` takes at most."""
    params: dict[str, Any] = {
        "searchTerm": text,
        "includeArchived": "true" if archived else None,
        "summaryOnly": "true",
        "page": 1,
        "pageSize": _MOST_MATCHES + 1,
    }
    found, _ = read(api, "/Contacts", "Contacts", params=params)
    return [read_as(Contact, record) for record in found]
