"""The tools of Harbour CRM that change records. Each needs the scope `crm.write` (`service.WRITES`)."""

from datetime import date
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from app.sandbox.mcp_desk import McpDesk
from app.sandbox.services.harbour_crm.records import (
    ContactId,
    CrmContact,
    CrmDeleted,
    CrmNote,
    Deal,
    DealId,
    Stage,
    Task,
    TaskId,
    Text,
    books,
    found,
)

_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_SETS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_DESTROYS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=120)]


class NameChoice(BaseModel):
    """Which of two names a merged contact has."""

    name: Literal["first", "second"] = Field(
        description="Whose name stays: the first or the second contact's."
    )


def add_writing(server: MCPServer[Any], desk: McpDesk) -> None:
    """Register them."""
    _add_contact_tools(server, desk)
    _add_merging(server, desk)

    @server.tool(title="Add a note", annotations=_ADDS)
    def add_note(ctx: Context, contact_id: ContactId, text: Text) -> CrmNote:
        """Write down something about a contact."""
        with books(desk, ctx) as (at, book):
            found(book, "contact", contact_id)
            id_ = f"nt_{book.new_id('note')}"
            note = {"id": id_, "contact_id": contact_id, "text": text, "written_on": at.today().isoformat()}
            return CrmNote(**book.put("note", id_, note))

    @server.tool(title="Move a deal", annotations=_SETS)
    def move_deal(ctx: Context, deal_id: DealId, stage: Stage) -> Deal:
        """Move a deal to another stage."""
        with books(desk, ctx) as (_, book):
            return Deal(**book.put("deal", deal_id, {**found(book, "deal", deal_id), "stage": stage}))

    @server.tool(title="Create a task", annotations=_ADDS)
    def create_task(ctx: Context, title: Name, deal_id: DealId, due_on: date) -> Task:
        """Note something to do about a deal."""
        with books(desk, ctx) as (_, book):
            found(book, "deal", deal_id)
            id_ = f"tk_{book.new_id('task')}"
            task = {"id": id_, "title": title, "deal_id": deal_id, "due_on": str(due_on), "done": False}
            return Task(**book.put("task", id_, task))

    @server.tool(title="Complete a task", annotations=_SETS)
    def complete_task(ctx: Context, task_id: TaskId) -> Task:
        """Mark a task as done."""
        with books(desk, ctx) as (_, book):
            return Task(**book.put("task", task_id, {**found(book, "task", task_id), "done": True}))


def _add_contact_tools(server: MCPServer[Any], desk: McpDesk) -> None:
    @server.tool(title="Create a contact", annotations=_ADDS)
    def create_contact(ctx: Context, name: Name, email: Email, company_id: str, role: str = "") -> CrmContact:
        """Add a person to a company."""
        with books(desk, ctx) as (at, book):
            found(book, "company", company_id)
            if book.first("contact", email=email):
                raise ToolError(f"There is a contact with the address {email} already.")
            record = {
                "id": f"ct_{book.new_id('contact')}",
                "name": name,
                "email": email,
                "role": role,
                "company_id": company_id,
                "created_on": at.today().isoformat(),
            }
            return CrmContact(**book.put("contact", record["id"], record))

    @server.tool(title="Update a contact", annotations=_SETS)
    def update_contact(
        ctx: Context,
        contact_id: ContactId,
        name: Name | None = None,
        email: Email | None = None,
        role: str | None = None,
    ) -> CrmContact:
        """Change what is given, and leave the rest."""
        given = {k: v for k, v in {"name": name, "email": email, "role": role}.items() if v is not None}
        with books(desk, ctx) as (_, book):
            return CrmContact(**book.put("contact", contact_id, found(book, "contact", contact_id) | given))

    @server.tool(title="Delete a contact", annotations=_DESTROYS)
    def delete_contact(ctx: Context, contact_id: ContactId) -> CrmDeleted:
        """Delete a contact and the notes about it. This cannot be undone."""
        with books(desk, ctx) as (_, book):
            record = found(book, "contact", contact_id)
            book.remove("contact", contact_id)
            for id_, note in book.items("note"):
                if note["contact_id"] == contact_id:
                    book.remove("note", id_)
        return CrmDeleted(id=contact_id, name=record["name"])


def _add_merging(server: MCPServer[Any], desk: McpDesk) -> None:
    def choose_name(
        ctx: Context, first_id: str, second_id: str, keep_name: Literal["first", "second"] | None
    ) -> NameChoice | Elicit[NameChoice]:
        if keep_name:
            return NameChoice(name=keep_name)
        with books(desk, ctx) as (_, book):
            first, second = (found(book, "contact", id_)["name"] for id_ in (first_id, second_id))
        return Elicit(f"Which name should the merged contact have: {first} or {second}?", NameChoice)

    @server.tool(title="Merge contacts", annotations=_DESTROYS)
    def merge_contacts(
        ctx: Context,
        first_id: ContactId,
        second_id: ContactId,
        choice: Annotated[NameChoice, Resolve(choose_name)],
        keep_name: Annotated[
            Literal["first", "second"] | None,
            Field(description="Whose name stays. Left out: the person is asked."),
        ] = None,
    ) -> CrmContact:
        """Make one contact of two: the first one remains with the notes of both. This cannot be undone."""
        if first_id == second_id:
            raise ToolError("Name two different contacts.")
        with books(desk, ctx) as (_, book):
            first, second = (found(book, "contact", id_) for id_ in (first_id, second_id))
            for id_, note in book.items("note"):
                if note["contact_id"] == second_id:
                    book.put("note", id_, {**note, "contact_id": first_id})
            book.remove("contact", second_id)
            name = (first if choice.name == "first" else second)["name"]
            return CrmContact(**book.put("contact", first_id, {**first, "name": name}))
