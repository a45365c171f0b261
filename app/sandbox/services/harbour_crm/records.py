"""The records as the tools return them. Their output schemas are made from these models."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from app.sandbox.current import Here
from app.sandbox.mcp_desk import McpDesk, caller
from app.sandbox.store import Book, Record

Stage = Literal["lead", "qualified", "proposal", "negotiation", "won", "lost"]
ContactId = Annotated[str, Field(pattern=r"^ct_\d+$", description="Id of a contact, from search_contacts.")]
DealId = Annotated[str, Field(pattern=r"^dl_\d+$", description="Id of a deal, from list_deals.")]
TaskId = Annotated[str, Field(pattern=r"^tk_\d+$", description="Id of a task, from list_tasks.")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class CrmAccount(BaseModel):
    """Whose CRM this is."""

    company: str
    signed_in_as: str
    scopes: list[str]


class CrmCompany(BaseModel):
    """A customer or prospect."""

    id: str
    name: str
    website: str
    industry: str


class CrmContact(BaseModel):
    """A person at a company."""

    id: str
    name: str
    email: str
    role: str
    company_id: str
    created_on: str


class CrmNote(BaseModel):
    """What somebody wrote down about a contact."""

    id: str
    contact_id: str
    text: str
    written_on: str


class ContactDetails(CrmContact):
    """A contact with the notes about it, the latest first."""

    notes: list[CrmNote]


class Deal(BaseModel):
    """A sale that may come. `amount` is decimal text."""

    id: str
    title: str
    company_id: str
    stage: Stage
    amount: str
    currency: str
    expected_on: str


class Task(BaseModel):
    """Something to do about a deal."""

    id: str
    title: str
    deal_id: str
    due_on: str
    done: bool


class Contacts(BaseModel):
    """A page of contacts. `next_page` is absent from the last one."""

    contacts: list[CrmContact]
    total: int
    next_page: int | None = None


class Companies(BaseModel):
    """Every company."""

    companies: list[CrmCompany]


class Deals(BaseModel):
    """The deals that were asked for."""

    deals: list[Deal]


class Tasks(BaseModel):
    """The tasks that were asked for, by date."""

    tasks: list[Task]


class Duplicates(BaseModel):
    """Contacts that may be the same person."""

    pairs: list[list[str]]
    compared: int


class CrmDeleted(BaseModel):
    """What was deleted."""

    id: str
    name: str


@contextmanager
def books(desk: McpDesk, context: "Context[Any, Any]") -> Iterator[tuple[Here, Book]]:
    """The service and the records of the caller's company, under the lock."""
    access = caller(context.request_context)
    with desk.open() as at:
        yield at, at.book(access.company)


def found(book: Book, kind: str, id_: str) -> Record:
    """The record of that id. Raises ToolError, which the caller reads."""
    record = book.find(kind, id_)
    if record is None:
        raise ToolError(f"There is no {kind} {id_}.")
    return record
