"""Tables of tool calls, of their daily totals, and of limit counters."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


@dataclass(slots=True, kw_only=True)
class Call:
    """One tool call (contract: limits and usage), before it is stored. Times in milliseconds."""

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
    """A stored call. See `Call` for the columns."""

    __tablename__ = "calls"
    # SQLite must never reuse an id, not even after the newest rows were deleted: the roll-up goes by id.
    __table_args__ = (Index("ix_calls_workspace_id", "workspace_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
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


class UsageTally(SQLModel, table=True):
    """The total of one day's calls (UTC) that have the same key. Every filter is a column of the key."""

    __tablename__ = "usage_tallies"
    __table_args__ = (
        Index("ix_usage_tallies_day", "day", "workspace_id"),
        Index("ix_usage_tallies_user", "workspace_id", "user_id", "day"),
    )

    workspace_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    tool: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    client_name: str = Field(primary_key=True)
    slug: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    calls: int
    total_ms: float
    upstream_ms: float
    first_id: int = Field(sa_type=BigInteger)  # its rows have ids between these two
    last_id: int = Field(sa_type=BigInteger)
    histogram: list[list[float]] = Field(sa_column=Column(JSON, nullable=False))  # see `buckets.py`


class UsageTotal(SQLModel, table=True):
    """Calls of a day or a month (UTC) that agree in one facet, whatever else they are. See `totals.py`."""

    __tablename__ = "usage_totals"

    workspace_id: str = Field(primary_key=True)  # "" for all workspaces together
    facet: str = Field(primary_key=True, max_length=8)  # all, tool, client, member
    unit: str = Field(primary_key=True, max_length=1)  # d or m
    start: date = Field(primary_key=True)  # the day, or the first of the month
    value: str = Field(primary_key=True)
    slug: str = Field(primary_key=True)  # of a tool; else ""
    outcome: str = Field(primary_key=True)
    calls: int = Field(sa_type=BigInteger)
    first_id: int = Field(sa_type=BigInteger)  # its rows have ids between these two
    last_id: int = Field(sa_type=BigInteger)


class UsageTime(SQLModel, table=True):
    """Calls of a tool (of all tools if "") in a day or a month that took equally long. See `buckets.py`."""

    __tablename__ = "usage_times"

    workspace_id: str = Field(primary_key=True)
    unit: str = Field(primary_key=True, max_length=1)
    start: date = Field(primary_key=True)
    tool: str = Field(primary_key=True)
    slug: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    calls: int = Field(sa_type=BigInteger)
    total_ms: float
    upstream_ms: float


class UsageRank(SQLModel, table=True):
    """The calls of a workspace or a person in a month, or in the twelve months that end with it."""

    __tablename__ = "usage_ranks"
    __table_args__ = (Index("ix_usage_ranks_calls", "months", "last_month", "facet", "calls"),)

    months: int = Field(primary_key=True)  # 1 or 12
    last_month: date = Field(primary_key=True)
    facet: str = Field(primary_key=True, max_length=12)  # workspace or member
    value: str = Field(primary_key=True)
    calls: int = Field(sa_type=BigInteger)
    failed: int = Field(sa_type=BigInteger)


class UsageMark(SQLModel, table=True):
    """How far a roll-up is: every call up to this id is in the tallies (`calls`), or in the totals
    (`totals`). Each row is also the lock of its roll-up.
    """

    __tablename__ = "usage_marks"

    name: str = Field(primary_key=True, max_length=16)
    upto: int = Field(default=0, sa_type=BigInteger)
    # when old rows were last deleted
    swept_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LimitCounter(SQLModel, table=True):
    """Calls of a workspace in one minute or day, if Redis does not count them."""

    __tablename__ = "limit_counters"

    workspace_id: str = Field(primary_key=True)
    window: str = Field(primary_key=True, max_length=8)  # minute, day
    window_start: int = Field(primary_key=True)  # epoch seconds
    count: int = 0
