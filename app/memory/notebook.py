"""A person's notes in one workspace: saved, found, edited, shared, deleted. Every query is bound to both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlmodel import Session, col

from app import clock
from app.accounts.models import User
from app.connectors.rows import plain
from app.crypto import new_id
from app.errors import Forbidden, InvalidInput, NotFound
from app.memory import search
from app.memory.models import LONGEST_TEXT, LONGEST_TITLE, Note
from app.workspaces.models import Membership

MOST_NOTES = 1_000
LONGEST_QUERY = 500


@dataclass(frozen=True)
class Reader:
    """Who reads the notebook. `manages`: an owner or admin of the workspace."""

    workspace_id: str
    user_id: str
    manages: bool


@dataclass(frozen=True)
class NoteView:
    """A note as this person sees it."""

    note: Note
    author: str
    mine: bool
    may_delete: bool
    snippet: str = ""

    @property
    def heading(self) -> str:
        """The title, else the beginning of the text."""
        first = self.note.text.split("\n", 1)[0].strip()
        return self.note.title or (first if len(first) <= 80 else first[:79].rstrip() + "…")


class Notebook:
    """The notes a person may read: their own and those shared in the workspace."""

    def __init__(self, db: Session, reader: Reader) -> None:
        self._db = db
        self._reader = reader

    def latest(self, most: int, *, before: int | None = None) -> list[NoteView]:
        """The newest notes; `before` is the number of the last one on the previous page."""
        found = self._visible() if before is None else self._visible().where(col(Note.number) < before)
        return self._views(found.order_by(col(Note.number).desc()).limit(most))

    def search(self, query: str, most: int, *, skip: int = 0) -> list[NoteView]:
        """Notes with any word of the query, the best first. Empty for a query without words."""
        terms = search.terms_of(query[:LONGEST_QUERY])
        return (
            self._views(search.matching(self._visible(), terms).limit(most).offset(skip), terms)
            if terms
            else []
        )

    def get(self, note_id: str) -> NoteView:
        """One note. Raises NotFound for any other id, whatever the reason."""
        views = self._views(self._visible().where(col(Note.id) == note_id))
        if not views:
            raise NotFound(
                "There is no saved note with that id. It may have been deleted. List the notes again."
            )
        return views[0]

    def count(self) -> int:
        """How many notes of their own the person has here."""
        mine = select(func.count()).select_from(Note).where(col(Note.owner_id) == self._reader.user_id)
        counted: int = self._db.execute(
            mine.where(col(Note.workspace_id) == self._reader.workspace_id)
        ).scalar_one()
        return counted

    def save(
        self, text: str, *, title: str = "", shared: bool = False, client_name: str = ""
    ) -> tuple[NoteView, bool]:
        """Save a note; for the same text and title, the existing one and False. Raises InvalidInput."""
        title, text = _checked(title, text)
        me = (
            col(Membership.workspace_id) == self._reader.workspace_id,
            col(Membership.user_id) == self._reader.user_id,
        )
        # Two saves at once must not pass the limit together, nor make one note twice.
        self._db.execute(select(col(Membership.role)).where(*me).with_for_update())
        same = self._mine().where(col(Note.text) == text, col(Note.title) == title)
        known = self._db.execute(same.order_by(col(Note.number)).limit(1)).scalar_one_or_none()
        if known is not None:
            known.shared = known.shared or shared
            return self.get(known.id), False
        if self.count() >= MOST_NOTES:
            raise InvalidInput(f"You have {MOST_NOTES:,} notes here, which is the limit. Delete some first.")
        at = clock.now()
        note = Note(
            id=new_id("note"),
            workspace_id=self._reader.workspace_id,
            owner_id=self._reader.user_id,
            title=title,
            text=text,
            words=search.words_of(title, text),
            shared=shared,
            client_name=client_name[:200],
            created_at=at,
            updated_at=at,
        )
        self._db.add(note)
        self._db.flush()
        return self.get(note.id), True

    def edit(self, note_id: str, *, title: str, text: str) -> NoteView:
        """Change the reader's own note. Raises NotFound, Forbidden, InvalidInput."""
        note = self._own(note_id)
        note.title, note.text = _checked(title, text)
        note.words = search.words_of(note.title, note.text)
        note.updated_at = clock.now()
        return self.get(note_id)

    def share(self, note_id: str, shared: bool) -> NoteView:
        """Share the reader's own note with the workspace, or stop. Raises NotFound, Forbidden."""
        self._own(note_id).shared = shared
        return self.get(note_id)

    def delete(self, note_id: str) -> NoteView:
        """Delete the reader's own note, or as owner or admin a shared one. Raises NotFound, Forbidden."""
        view = self.get(note_id)
        if not view.may_delete:
            raise Forbidden(
                f"This note is {view.author}'s. They can delete it, or an owner or admin of the workspace."
            )
        self._db.delete(view.note)
        self._db.flush()
        return view

    def _own(self, note_id: str) -> Note:
        view = self.get(note_id)
        if not view.mine:
            raise Forbidden(f"This note is {view.author}'s, so only they can change it.")
        return view.note

    def _mine(self) -> Select[Any]:
        return select(Note).where(
            col(Note.workspace_id) == self._reader.workspace_id, col(Note.owner_id) == self._reader.user_id
        )

    def _visible(self) -> Select[Any]:
        found: Any = (
            select(Note, col(User.name), col(User.email))
            .join(User, col(User.id) == col(Note.owner_id))
            .where(
                col(Note.workspace_id) == self._reader.workspace_id,
                or_(col(Note.owner_id) == self._reader.user_id, col(Note.shared).is_(True)),
            )
        )
        return found  # type: ignore[no-any-return]

    def _views(self, query: Select[Any], terms: Sequence[str] = ()) -> list[NoteView]:
        self._db.flush()
        views = []
        for note, name, email in self._db.execute(query):
            mine = note.owner_id == self._reader.user_id
            views.append(
                NoteView(
                    note,
                    name or email,
                    mine,
                    mine or (note.shared and self._reader.manages),
                    search.snippet(note.text, terms),
                )
            )
        return views


def _checked(title: str, text: str) -> tuple[str, str]:
    title, text = " ".join(str(plain(title)).split()), str(plain(text.replace("\r\n", "\n"))).strip()
    if not text:
        raise InvalidInput("The note is empty. Write down what to remember.")
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            f"A note holds at most {LONGEST_TEXT:,} characters; this one has {len(text):,}. Split it into "
            "several."
        )
    if len(title) > LONGEST_TITLE:
        raise InvalidInput(f"A title has at most {LONGEST_TITLE} characters.")
    return title, text
