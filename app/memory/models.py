"""Table of saved notes. The migration adds its full-text index, different in each database."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

LONGEST_TITLE = 120
LONGEST_TEXT = 8_000


class Note(SQLModel, table=True):
    """What a person wants remembered in one workspace."""

    __tablename__ = "memory_notes"
    __table_args__ = (Index("ix_memory_notes_workspace_owner", "workspace_id", "owner_id"),)

    # The row of the full-text index, and the order of saving.
    number: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    id: str = Field(unique=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    owner_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    title: str = Field(default="", max_length=LONGEST_TITLE)
    text: str
    words: str  # title and text in the searched form, see `search.words_of`
    shared: bool = False  # readable by every member of the workspace
    client_name: str = Field(default="", max_length=200)  # the AI client that saved it; "" for the page
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


def is_described(name: str | None, _kind: str, _parents: object) -> bool:
    """Alembic's `include_name`: False for the full-text index, which only the migration describes."""
    return name is None or "memory_notes_fts" not in name
