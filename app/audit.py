"""One trail of what people and programs did. Entries hold no secret and no text a service sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer
from sqlmodel import Field, Session, SQLModel

from app import clock
from app.database import UtcDateTime


class AuditEntry(SQLModel, table=True):
    """Who did what to which record, and when."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_workspace_at", "workspace_id", "at"),)

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    )
    at: datetime = Field(sa_type=UtcDateTime)
    workspace_id: str | None = None
    user_id: str | None = None
    action: str  # noun.verb, such as connection.disconnected
    subject: str = ""  # id of the record it happened to
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def record(
    db: Session, action: str, *, workspace_id: str | None = None, user_id: str | None = None, subject: str = "", **details: Any
) -> None:
    """Add an entry to the trail, in the same transaction as the act itself."""
    db.add(AuditEntry(at=clock.now(), workspace_id=workspace_id, user_id=user_id, action=action, subject=subject, details=details))
