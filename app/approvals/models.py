"""Table of writes that wait for an approval, and of their outcomes."""

from datetime import datetime, timedelta

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"  # it was attempted and failed, or could not even be attempted
UNKNOWN = "unknown"  # it may or may not have been done
REJECTED = "rejected"
EXPIRED = "expired"

WAITING_LIMIT = timedelta(hours=24)  # for an approval, and then for the AI client to fetch the outcome
# a call lasts a minute at most; nothing can still be running it after this
RUNNING_LIMIT = timedelta(minutes=3)
RETENTION = timedelta(days=30)


class Approval(SQLModel, table=True):
    """One write an AI client requested on a connection set to ask first, with its sealed arguments."""

    __tablename__ = "approvals"
    __table_args__ = (
        Index("ix_approvals_workspace_state", "workspace_id", "state"),
        Index("ix_approvals_state_until", "state", "until"),
        Index("ix_approvals_workspace_created", "workspace_id", "created_at"),
        Index("ix_approvals_created_at", "created_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)  # whose AI client asks
    grant_id: str
    client_name: str = Field(default="", max_length=200)
    connection_id: str  # outlives the connection: what was done stays readable
    slug: str = Field(max_length=32)
    service: str = Field(max_length=100)
    account: str = Field(max_length=320)
    business_id: str | None = Field(default=None, max_length=200)
    business: str = Field(default="", max_length=200)
    tool: str = Field(max_length=64)
    tool_version: str = Field(default="", max_length=64)  # of the tool that was requested (`Tool.version`)
    title: str = Field(max_length=200)
    is_destructive: bool = False
    # JSON: what the tool's preview returned when it was requested (headline, button, facts, warning, time)
    preview_sealed: str | None = None
    arguments_sealed: str  # JSON: exactly what is displayed and executed
    idempotency_key: str = Field(max_length=64)  # made once; the service's keys follow from it
    # the same call finds this row by it, until the outcome was delivered
    open_key: str | None = Field(default=None, max_length=64, unique=True)
    state: str = Field(default="waiting", max_length=12)  # one of the constants above
    until: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # waiting: when it expires; running: when nothing can still be running it
    # why an approval could not be carried out; the request waits on
    problem: str | None = Field(default=None, max_length=500)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = None
    decided_by_name: str = Field(default="", max_length=200)
    via: str = Field(default="", max_length=8)  # page, chat
    claim: str | None = Field(default=None, max_length=64)  # who carries it out
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome_code: str | None = Field(default=None, max_length=32)  # ok, or the error code of the envelope
    outcome_sealed: str | None = None  # the envelope
    delivered_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # when the AI client received the outcome
    mailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
