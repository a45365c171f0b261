"""Customers and the equipment that stands at them."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.preview import Preview, counted, facts, quoted
from app.connectors.rows import Page, Row
from app.connectors.servicefusion.records import create_record, one, page_of, present
from app.connectors.servicefusion.values import (
    FusionRow,
    LongText,
    Money,
    PageNumber,
    PerPage,
    RecordId,
    ShortText,
    Text,
    When,
    Whole,
    Word,
    read_as,
)
from app.errors import MissingRight

_EXPAND = ("contacts", "contacts.phones", "contacts.emails", "locations")


class CustomerRow(FusionRow):
    """A customer in a list."""

    id: int
    customer_name: Text = None
    parent_customer: Text = None
    account_number: Text = None
    account_balance: Money | None = None
    is_vip: bool | None = None
    last_serviced_date: When = None
    created_at: When = None
    updated_at: When = None


class Phone(FusionRow):
    """A phone number."""

    phone: Text = None
    ext: Text = None
    type: Text = None


class Email(FusionRow):
    """An email address."""

    email: Text = None


class Contact(FusionRow):
    """A person at a customer."""

    fname: Text = None
    lname: Text = None
    job_title: Text = None
    is_primary: bool | None = None
    phones: list[Phone] = []
    emails: list[Email] = []


class Location(FusionRow):
    """A place where work is done."""

    nickname: Text = None
    street_1: Text = None
    street_2: Text = None
    city: Text = None
    state_prov: Text = None
    postal_code: Text = None
    country: Text = None
    gate_instructions: Text = None
    is_primary: bool | None = None
    is_bill_to: bool | None = None


class Customer(CustomerRow):
    """A customer with its people and places."""

    public_notes: Text = None
    private_notes: Text = None
    payment_terms: Text = None
    referral_source: Text = None
    industry: Text = None
    is_taxable: bool | None = None
    contacts: list[Contact] = []
    locations: list[Location] = []


class NewPhone(Row):
    """A phone number of a new contact."""

    phone: Annotated[str, Field(min_length=3, max_length=40)]
    type: Literal["Mobile", "Home", "Work", "Other"] | None = None


class NewEmail(Row):
    """An email address of a new contact."""

    email: Annotated[str, Field(min_length=3, max_length=255)]


class NewContact(Row):
    """A person of a new customer."""

    fname: ShortText
    lname: ShortText
    job_title: ShortText | None = None
    is_primary: bool | None = None
    phones: Annotated[list[NewPhone] | None, Field(max_length=5)] = None
    emails: Annotated[list[NewEmail] | None, Field(max_length=5)] = None


class NewLocation(Row):
    """A place of a new customer."""

    street_1: ShortText
    street_2: ShortText | None = None
    city: ShortText | None = None
    state_prov: ShortText | None = None
    postal_code: Annotated[str | None, Field(max_length=20)] = None
    country: ShortText | None = None
    nickname: ShortText | None = None
    is_primary: bool | None = None
    is_bill_to: bool | None = None


class Equipment(FusionRow):
    """A machine at a customer."""

    id: int
    type: Text = None
    make: Text = None
    model: Text = None
    serial_number: Text = None
    location: Text = None
    notes: Text = None
    install_date: When = None
    warranty_date: When = None
    extended_warranty_date: When = None
    customer_id: Whole = None
    customer_name: Text = Field(None, validation_alias="customer")


@tool(title="List ServiceFusion customers", reads_only=True, pages_by="page")
def list_customers(
    api: Api,
    name: Annotated[Word | None, Field(description="Part of it.")] = None,
    email: Annotated[Word | None, Field(description="Exact.")] = None,
    phone: Annotated[str | None, Field(max_length=40, description="Part of it.")] = None,
    contact_last_name: Annotated[Word | None, Field(description="Part of it.")] = None,
    address: Annotated[Word | None, Field(description="Part of it.")] = None,
    city: Annotated[Word | None, Field(description="Exact.")] = None,
    postal_code: Annotated[str | None, Field(max_length=20, description="Exact.")] = None,
    last_serviced_from: Annotated[date | None, Field(description="First day.")] = None,
    last_serviced_to: Annotated[date | None, Field(description="Last day.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[CustomerRow]:
    """List customers by name, contact, address or last service.

    Contacts and addresses are in servicefusion_get_customer. Balances are in the company's currency, which
    ServiceFusion does not name.
    """
    check_order(last_serviced_from, last_serviced_to)
    filters = {
        "[name]": name,
        "[email]": email,
        "[phone]": phone,
        "[contact_last_name]": contact_last_name,
        "[address]": address,
        "[city]": city,
        "[postal_code]": postal_code,
        "[last_serviced_date][gte]": last_serviced_from,
        "[last_serviced_date][lte]": last_serviced_to,
    }
    return page_of(
        api,
        "/v1/customers",
        CustomerRow,
        page=page,
        per_page=per_page,
        sort="customer_name,id",
        filters=filters,
    )


@tool(title="Get ServiceFusion customer", reads_only=True)
def get_customer(
    api: Api, customer_id: Annotated[RecordId, Field(description="From servicefusion_list_customers.")]
) -> Customer:
    """Get one customer with contacts, phone numbers, email addresses, locations and notes."""
    return one(api, "/v1/customers/{id}", customer_id, Customer, _EXPAND)


def find_by_name(api: Api, name: str) -> list[CustomerRow]:
    """The customers of exactly that name, in any case of letters; none if they may not be read."""
    try:
        found = page_of(
            api,
            "/v1/customers",
            CustomerRow,
            page=1,
            per_page=50,
            sort="customer_name,id",
            filters={"[name]": name},
        )
    except MissingRight:
        return []
    return [row for row in found.items if (row.customer_name or "").casefold() == name.casefold()]


def _preview(api: Api, customer_name: str, **more: Any) -> Preview:
    same = find_by_name(api, customer_name)
    already = f"{counted(len(same), 'customer')} of this name" if same else "No customer of this name"
    return Preview(
        f"Create customer {quoted(customer_name)}",
        "Create customer",
        facts(("Already in ServiceFusion", already)),
        frozenset({"customer_name"}),
        f"{already} already there. It can't be changed or deleted from here."
        if same
        else "It can't be changed or deleted from here.",
    )


@tool(title="Create ServiceFusion customer", destructive=False, preview=_preview)
def create_customer(
    api: Api,
    customer_name: Annotated[ShortText, Field(description="Company or person.")],
    contacts: Annotated[list[NewContact] | None, Field(max_length=20, description="People there.")] = None,
    locations: Annotated[
        list[NewLocation] | None, Field(max_length=20, description="Where work is done.")
    ] = None,
    public_notes: Annotated[LongText | None, Field(description="Technicians see them.")] = None,
    private_notes: Annotated[LongText | None, Field(description="For the office.")] = None,
) -> Customer:
    """Create a customer. Check with servicefusion_list_customers first: names need not be unique.

    It can't be changed or deleted from here.
    """
    record = present(
        customer_name=customer_name,
        contacts=[contact.model_dump(exclude_none=True) for contact in contacts or ()],
        locations=[location.model_dump(exclude_none=True) for location in locations or ()],
        public_notes=public_notes,
        private_notes=private_notes,
    )
    made = create_record(api, "/v1/customers", Customer, record, _EXPAND)
    api.say("The customer was created.")
    return made


@tool(title="List ServiceFusion equipment", reads_only=True, pages_by="page")
def list_customer_equipment(
    api: Api,
    customer_id: Annotated[RecordId, Field(description="From servicefusion_list_customers.")],
    equipment_id: Annotated[RecordId | None, Field(description="Only this one.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[Equipment]:
    """List the equipment installed at a customer: type, make, model, serial number, warranty."""
    if equipment_id is not None:
        found = api.get(
            "/v1/customers/{customer}/equipment/{id}", parts={"customer": customer_id, "id": equipment_id}
        )
        return Page(items=[read_as(Equipment, found)], total=1)
    path, parts = "/v1/customers/{customer}/equipment", {"customer": customer_id}
    return page_of(api, path, Equipment, page=page, per_page=per_page, sort="id", parts=parts)
