"""Tables of endpoints, of what is to be delivered to them, and of every attempt."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

LONGEST_URL = 2_000
LONGEST_DESCRIPTION = 200
TEST = "webhook.test"
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"

_IS_PENDING = text("state = 'pending'")


class WebhookEndpoint(SQLModel, table=True):
    """A URL of a workspace that receives events, with the sealed secret that signs them."""

    __tablename__ = "webhook_endpoints"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    url: str = Field(max_length=LONGEST_URL)
    description: str = Field(default="", max_length=LONGEST_DESCRIPTION)
    # names of the events it receives
    events: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    secret_sealed: str = ""
    # the secret before the last rotation; signs as well until `previous_until`
    previous_secret_sealed: str | None = None
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # why we turned it off, a sentence of ours; "" if a person did
    disabled_reason: str = Field(default="", max_length=300)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # no success since
    failures: int = 0  # in a row
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # nothing is sent before
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the last attempt began
    claim: str | None = Field(default=None, max_length=40)  # of the process that is sending to it
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint: the outbox and, afterwards, the log."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "once"),
        Index("ix_webhook_deliveries_endpoint_created", "endpoint_id", "created_at"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
        Index(
            "ix_webhook_deliveries_pending",
            "endpoint_id",
            "next_at",
            sqlite_where=_IS_PENDING,
            postgresql_where=_IS_PENDING,
        ),
    )

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    endpoint_id: str = Field(foreign_key="webhook_endpoints.id", ondelete="CASCADE")
    event_id: str = Field(max_length=40)  # the header webhook-id, the same in every attempt
    type: str = Field(max_length=40)
    body: str = Field(sa_column=Column(Text, nullable=False))  # exactly what is signed and sent
    # whom it names: it is deleted with their account
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="CASCADE", index=True)
    # what may be delivered only once, such as a limit's window
    once: str | None = Field(default=None, max_length=120)
    state: str = Field(default=PENDING, max_length=12)
    tries: int = 0  # of the present schedule; "Send again" begins a new one
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class WebhookAttempt(SQLModel, table=True):
    """One request to an endpoint. The response's body is never stored."""

    __tablename__ = "webhook_attempts"

    number: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    delivery_id: str = Field(foreign_key="webhook_deliveries.id", ondelete="CASCADE", index=True)
    at: datetime = Field(sa_type=UtcDateTime)  # when it began
    status: int | None = None  # None: no response
    milliseconds: int = 0
    error: str = Field(default="", max_length=300)  # why it failed, a sentence of ours; "" for success
