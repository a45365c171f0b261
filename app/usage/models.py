"""Tables of tool calls and of limit counters."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


@dataclass(slots=True, kw_only=True)
class Call:
    """One tool call (contract: limits and usage), on its way to the ledger. Times in milliseconds."""

    at: datetime
    workspace_id: str
    user_id: str
    grant_id: str
    client_name: str = ""
    tool: str
    slug: str = ""  # the connector, or "" for a built-in tool
    connection_id: str | None = None
    upstream_endpoint: str = ""  # method and path template of the last request, never a query string
    upstream_status: int | None = None
    outcome: str  # ok, or the error code of the envelope
    total_ms: float
    upstream_ms: float = 0.0
    bytes: int = 0  # size of the result as sent


class CallRow(SQLModel, table=True):
    """A call that was written down. See `Call` for what the columns mean."""

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_workspace_at", "workspace_id", "at"),)

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    )
    at: datetime = Field(sa_type=UtcDateTime)
    workspace_id: str
    user_id: str
    grant_id: str
    client_name: str = ""
    tool: str
    slug: str = ""
    connection_id: str | None = None
    upstream_endpoint: str = ""
    upstream_status: int | None = None
    outcome: str
    total_ms: float
    upstream_ms: float = 0.0
    bytes: int = 0


class LimitCounter(SQLModel, table=True):
    """Calls of a workspace in one minute or day, when Redis does not count them."""

    __tablename__ = "limit_counters"

    workspace_id: str = Field(primary_key=True)
    window: str = Field(primary_key=True, max_length=8)  # minute, day
    window_start: int = Field(primary_key=True)  # epoch seconds
    count: int = 0
