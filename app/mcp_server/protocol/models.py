"""Table through which a handshake-era client's answer finds the worker that asked."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Reply(SQLModel, table=True):
    """What a client posted in answer to a request we sent it over a stream. Read once, then deleted."""

    __tablename__ = "mcp_replies"

    id_digest: str = Field(primary_key=True)
    principal: str  # (client, issuer, subject) of the caller the request went to
    # None until the answer is here
    body: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
