"""The notebook as tools of an AI client. They need no service, so they work with nothing connected."""

from typing import Annotated, Any, Protocol

from pydantic import Field
from sqlmodel import Session

from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.database import reading, transaction
from app.errors import InvalidArguments, InvalidInput, NotFound, ObjectNotFound
from app.memory.models import LONGEST_TEXT, LONGEST_TITLE
from app.memory.notebook import LONGEST_QUERY, Notebook, NoteView, Reader
from app.oauth_server.callers import AuthenticatedCaller

ListCursor = Annotated[str | None, Field(pattern=r"^[0-9]{1,18}$", description="Where the list goes on.")]
PAGE_SIZE = 20


class NoteContext(Protocol):
    """The context of a built-in tool: who calls, and the message of the answer."""

    @property
    def caller(self) -> AuthenticatedCaller:
        """The verified caller."""

    def say(self, sentence: str) -> None:
        """Set the answer's message: what the call did."""


class NoteRow(Row):
    """A saved note."""

    id: str
    title: str
    text: str
    shared: bool = Field(description="Every member of the workspace can read it.")
    mine: bool
    author: str
    saved_by: str = Field(description="The AI client that saved it; empty for the person's own hand.")
    created_at: str
    updated_at: str


class Hit(NoteRow):
    """A note that was found."""

    snippet: str = Field(description="The part that fits the query best.")


class Deleted(Row):
    """What was deleted."""

    id: str
    title: str


@tool(title="Save a note", destructive=False, idempotent=True, open_world=False)
def memory_save(
    context: NoteContext,
    text: Annotated[
        str, Field(min_length=1, max_length=LONGEST_TEXT, description="What to remember, complete in itself.")
    ],
    title: Annotated[str, Field(max_length=LONGEST_TITLE, description="A short name to find it by.")] = "",
    shared: Annotated[bool, Field(description="Let the whole workspace read it.")] = False,
) -> NoteRow:
    """Remember something for later conversations: a fact, a preference, a decision.

    Use it when the person asks to remember something; share it only when they ask for that. Do not save
    passwords
    or keys. It only adds notes: to correct one, save the new note and delete the old one with memory_delete.
    """
    try:
        with transaction() as db:
            view, is_new = _notebook(db, context).save(
                text, title=title, shared=shared, client_name=context.caller.client_name
            )
    except InvalidInput as error:
        raise InvalidArguments(error.message) from None
    context.say(
        ("Saved" if is_new else "This was saved before")
        + (", shared with the workspace." if view.note.shared else ", for you alone.")
    )
    return NoteRow(**_facts(view))


@tool(title="Search notes", reads_only=True, open_world=False, pages_by="place")
def memory_search(
    context: NoteContext,
    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY, description="Words to look for.")],
    place: ListCursor = None,
) -> Page[Hit]:
    """Search the person's saved notes and those shared in the workspace, best match first.

    Any of the words may match. Use it before answering about preferences, decisions or facts that may have
    been saved. To see all notes use memory_list.
    """
    skip = int(place or 0)
    with reading() as db:
        found = _notebook(db, context).search(query, PAGE_SIZE + 1, skip=skip)
    context.say(f"{_counted(len(found[:PAGE_SIZE]), more=len(found) > PAGE_SIZE)} found.")
    rows = [Hit(snippet=view.snippet, **_facts(view)) for view in found[:PAGE_SIZE]]
    return Page(items=rows, next=str(skip + PAGE_SIZE) if len(found) > PAGE_SIZE else None)


@tool(title="List notes", reads_only=True, open_world=False, pages_by="place")
def memory_list(context: NoteContext, place: ListCursor = None) -> Page[NoteRow]:
    """List the person's saved notes and those shared in the workspace, newest first.

    Use it to review or tidy up notes. To find something use memory_search.
    """
    with reading() as db:
        found = _notebook(db, context).latest(PAGE_SIZE + 1, before=int(place) if place else None)
    context.say(f"{_counted(len(found[:PAGE_SIZE]), more=len(found) > PAGE_SIZE)}.")
    rows = [NoteRow(**_facts(view)) for view in found[:PAGE_SIZE]]
    return Page(items=rows, next=str(found[PAGE_SIZE - 1].note.number) if len(found) > PAGE_SIZE else None)


@tool(title="Delete a note", destructive=True, open_world=False)
def memory_delete(
    context: NoteContext,
    note_id: Annotated[
        str, Field(max_length=64, description="`id` of the note, from memory_list or memory_search.")
    ],
) -> Deleted:
    """Delete a saved note for good.

    Use it when the person asks to forget something, or after saving a corrected note. Other people's notes
    can only be deleted by them, or by an owner or admin of the workspace.
    """
    try:
        with transaction() as db:
            view = _notebook(db, context).delete(note_id)
    except NotFound as error:
        raise ObjectNotFound(error.message) from None
    context.say("Deleted.")
    return Deleted(id=note_id, title=view.heading)


TOOLS = (memory_save, memory_search, memory_list, memory_delete)


def _notebook(db: Session, context: NoteContext) -> Notebook:
    caller = context.caller
    return Notebook(db, Reader(caller.workspace_id, caller.user_id, caller.role in {"owner", "admin"}))


def _facts(view: NoteView) -> dict[str, Any]:
    note = view.note
    return {
        "id": note.id,
        "title": view.heading,
        "text": note.text,
        "shared": note.shared,
        "mine": view.mine,
        "author": view.author,
        "saved_by": note.client_name,
        "created_at": note.created_at.isoformat(timespec="seconds"),
        "updated_at": note.updated_at.isoformat(timespec="seconds"),
    }


def _counted(count: int, *, more: bool) -> str:
    return f"{count} note{'' if count == 1 else 's'}" + (", and more behind next_cursor" if more else "")
