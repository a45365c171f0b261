"""Table that delivers a handshake-revision client's reply to the worker that waits for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class ClientReply(SQLModel, table=True):
    """A client's reply to a request we sent it over a stream. Read once, then deleted."""

    __tablename__ = "mcp_replies"

    id_digest: str = Field(primary_key=True)
    principal: str  # digest of the key of the principal the request went to
    # None until the reply arrives
    body: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
