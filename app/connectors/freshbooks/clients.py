"""Clients: the people and companies a business invoices."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.freshbooks.families import create_accounting, get_accounting, list_accounting, unconfirmed
from app.connectors.freshbooks.values import CurrencyCode, FreshBooksRow, PageNumber, Text, read_as
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, look_up, mailbox, plain_among
from app.connectors.preview import Preview, facts, listed
from app.connectors.rows import Page
from app.errors import InvalidArguments, ObjectNotFound

_PATH = "users/clients"
_MOST_CANDIDATES = 10
Name = Annotated[str, Field(min_length=1, max_length=200)]
ClientName = Annotated[Name | None, Field(description="Name or email, instead of client_id.")]


class FreshBooksClient(FreshBooksRow):
    """A client of the business."""

    id: int = Field(description="Pass as `client_id`.")
    organization: Text = ""
    first_name: Text = Field("", validation_alias="fname")
    last_name: Text = Field("", validation_alias="lname")
    email: Text = ""
    currency: Text = Field("", validation_alias="currency_code")

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name(self) -> str:
        """What people call them."""
        return self.organization or self.person or self.email

    @property
    def names(self) -> set[str]:
        """Each whole name, in lower case."""
        return {each.casefold() for each in (self.organization, self.person, self.email)}


@tool(title="List clients", reads_only=True, pages_by="page", needs_scopes=("user:clients:read",))
def list_clients(
    api: Api,
    search: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="Part of a name, or a whole email address.",
        ),
    ] = None,
    page: PageNumber = 1,
) -> Page[FreshBooksClient]:
    """List clients, or find one's `client_id`.

    Not needed before tools that take a client_name.
    """
    listed = list_accounting(api, _PATH, "clients", page=page, search=_search(search) if search else None)
    return Page(
        items=[read_as(FreshBooksClient, record) for record in listed.records],
        next=listed.next,
        total=listed.total,
    )


def _preview_of_new_client(
    api: Api,
    organization: str | None,
    first_name: str | None,
    last_name: str | None,
    email: str | None,
    currency_code: str | None,
) -> Preview:
    """Preview of `create_client`. Warns of a client with the same name or email. Raises InvalidArguments."""
    _check_named(organization, first_name, last_name, email)
    person = " ".join(filter(None, (first_name, last_name)))
    name = organization or person
    same = look_up(lambda: _found(api, email or organization or last_name or first_name or ""))
    if same is not None and not email:
        same = [each for each in same if name.casefold() in each.names]
    who = mailbox(f"{organization} ({person})" if organization and person else name, email)
    known = NO_ACCESS if same is None else listed(mailbox(each.name, each.email) for each in same) or "none"
    return Preview(
        f"Create client {who}" + (f", invoiced in {currency_code}" if currency_code else ""),
        "Create client",
        facts(("Clients with this name or email", known)),
        frozenset({"email", "currency_code"}) | plain_among(organization=organization),
        "A client with this name or email already exists." if same else "",
    )


@tool(title="Create a client", needs_scopes=("user:clients:write",), preview=_preview_of_new_client)
def create_client(
    api: Api,
    organization: Name | None = None,
    first_name: Name | None = None,
    last_name: Name | None = None,
    email: Annotated[
        str | None,
        Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254, description="Where invoices are sent."),
    ] = None,
    currency_code: Annotated[
        CurrencyCode | None, Field(description="For their invoices. Default: the business's.")
    ] = None,
) -> FreshBooksClient:
    """Add a client; give at least an organization, a name or an email address.

    FreshBooks allows duplicates: check freshbooks_list_clients first.
    """
    _check_named(organization, first_name, last_name, email)
    fields = {
        "organization": organization,
        "fname": first_name,
        "lname": last_name,
        "email": email,
        "currency_code": currency_code,
    }
    with unconfirmed(
        "FreshBooks did not confirm the new client. Look for it with freshbooks_list_clients before "
        "trying again.",
    ):
        client = read_as(FreshBooksClient, create_accounting(api, _PATH, "client", fields), wrote=True)
    api.say("The client was added.")
    return client


def _check_named(*names: str | None) -> None:
    """Raises InvalidArguments for a client that nothing identifies."""
    if not any(names):
        raise InvalidArguments("Give an organization, a first or last name, or an email address.")


def find_client(api: Api, client_id: int | None, client_name: str | None) -> FreshBooksClient:
    """The client with that id or name.

    Raises InvalidArguments unless one of the two is given or when several clients match, ObjectNotFound when
    none does.
    """
    if (client_id is None) == (client_name is None):
        raise InvalidArguments("Give either client_id or client_name.")
    if client_id is not None:
        return read_as(FreshBooksClient, get_accounting(api, _PATH, "client", client_id))
    name = (client_name or "").strip()
    found = _found(api, name)
    if not found and " " in name and "@" not in name:  # a first and a last name
        last_name = name.split()[-1]
        found = [each for each in _found(api, last_name) if name.casefold() == each.person.casefold()]
    exact = [each for each in found if name.casefold() in each.names]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise ObjectNotFound(
            "No client of that name is in this FreshBooks business. Check freshbooks_list_clients, or create "
            "it."
        )
    candidates = [{"client_id": each.id, "name": each.name} for each in (exact or found)[:_MOST_CANDIDATES]]
    raise InvalidArguments(
        "Several clients match that name. Choose one from the details and give its client_id.",
        details={"clients": candidates},
    )


def _found(api: Api, name: str) -> list[FreshBooksClient]:
    listed = list_accounting(api, _PATH, "clients", page=1, per_page=100, search=_search(name))
    return [read_as(FreshBooksClient, record) for record in listed.records]


def _search(text: str) -> dict[str, str]:
    """The filter for a name, which matches in part, or an email address, which matches whole.

    `user_like` looks into the organization, the first name and the last name, each on its own
    (https://www.freshbooks.com/api/clients).
    """
    return {"email": text.strip()} if "@" in text else {"user_like": text.strip()}
