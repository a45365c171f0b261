"""Table of answers that were too long for one result."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class StoredAnswer(SQLModel, table=True):
    """What a tool returned, for the person whose call it was to read on. Deleted after an hour."""

    __tablename__ = "stored_answers"

    id_digest: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    connection_id: str = Field(foreign_key="connections.id", ondelete="CASCADE", index=True)
    text_sealed: str | None = None  # compressed
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
