"""What the page of saved notes shows: the newest, or what a search found, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.database import reading
from app.memory.notebook import LONGEST_QUERY, Notebook, Reader, Seen
from app.workspaces.guard import Member

_A_PAGE = 20


@dataclass(frozen=True)
class Shown:
    """The page. `further` is the address of the next one, or None."""

    notes: list[Seen]
    query: str
    count: int
    further: str | None


def reader_of(member: Member) -> Reader:
    """The member as a reader of notes."""
    return Reader(member.workspace.id, member.user.id, member.manages)


def load(member: Member, asked: Mapping[str, str]) -> Shown:
    """The page for `?q=`, with `?skip=` or `?before=` to go on. What makes no sense there is left out."""
    query = asked.get("q", "").strip()[:LONGEST_QUERY]
    skip, before = _number(asked.get("skip")) or 0, _number(asked.get("before"))
    with reading() as db:
        notebook = Notebook(db, reader_of(member))
        found = (
            notebook.search(query, _A_PAGE + 1, skip=skip)
            if query
            else notebook.latest(_A_PAGE + 1, before=before)
        )
        count = notebook.count()
    further = None
    if len(found) > _A_PAGE:
        found = found[:_A_PAGE]
        on: dict[str, str | int | None] = (
            {"q": query, "skip": skip + _A_PAGE} if query else {"before": found[-1].note.number}
        )
        further = f"/memory?{urlencode(on)}"
    return Shown(found, query, count, further)


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) <= 18 else None
