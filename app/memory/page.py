"""The data of the saved notes page: the newest notes, or the results of a search, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.database import reading
from app.memory.notebook import LONGEST_QUERY, Notebook, NoteView, Reader
from app.workspaces.guard import Member

_PAGE_SIZE = 20


@dataclass(frozen=True)
class NotesPage:
    """The page. `further` is the URL of the next one, or None."""

    notes: list[NoteView]
    query: str
    count: int
    further: str | None


def reader_of(member: Member) -> Reader:
    """The member as a reader of notes."""
    return Reader(member.workspace.id, member.user.id, member.manages)


def load(member: Member, arguments: Mapping[str, str]) -> NotesPage:
    """The page for `?q=`, with `?skip=` or `?before=` as the cursor. Invalid values are ignored."""
    query = arguments.get("q", "").strip()[:LONGEST_QUERY]
    skip, before = _number(arguments.get("skip")) or 0, _number(arguments.get("before"))
    with reading() as db:
        notebook = Notebook(db, reader_of(member))
        found = (
            notebook.search(query, _PAGE_SIZE + 1, skip=skip)
            if query
            else notebook.latest(_PAGE_SIZE + 1, before=before)
        )
        count = notebook.count()
    further = None
    if len(found) > _PAGE_SIZE:
        found = found[:_PAGE_SIZE]
        on: dict[str, str | int | None] = (
            {"q": query, "skip": skip + _PAGE_SIZE} if query else {"before": found[-1].note.number}
        )
        further = f"/memory?{urlencode(on)}"
    return NotesPage(found, query, count, further)


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) <= 18 else None
