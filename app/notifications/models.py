"""Tables of what people were emailed about, and whose turn it is to send."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

# kinds of a notice
BROKEN, RECOVERED, ENDS_IN_A_WEEK, ENDS_IN_TWO_DAYS = "broken", "recovered", "ends_7", "ends_2"
ENDING = (ENDS_IN_A_WEEK, ENDS_IN_TWO_DAYS)
# states: to be sent, sent, not sent (turned off, or no longer true), and refused (the address takes no mail)
PENDING, EMAILED, SKIPPED, REFUSED = "pending", "emailed", "skipped", "refused"


class ConnectionNotice(SQLModel, table=True):
    """One thing about a connection that one person is emailed, once."""

    __tablename__ = "connection_notices"
    __table_args__ = (
        UniqueConstraint("connection_id", "user_id", "kind", "about_at"),
        Index(
            "ix_connection_notices_pending",
            "state",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: str = Field(primary_key=True)
    connection_id: str = Field(foreign_key="connections.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    kind: str = Field(max_length=16)
    about_at: datetime = Field(sa_type=UtcDateTime)  # when it broke, or when its access ends
    state: str = Field(default=PENDING, max_length=8)
    may_heal: bool = False  # it was suspended, not ended
    created_at: datetime = Field(sa_type=UtcDateTime)
    emailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # of a broken connection: since when it works again, and when that was settled
    working_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MailTurn(SQLModel, table=True):
    """Who may send to a person now, and when their last digest left."""

    __tablename__ = "mail_turns"

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    claim: str | None = Field(default=None, max_length=40)
    claimed_until: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # also the pause after a failure
    failures: int = 0  # of the mail server, in a row
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the last of them
    digested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MailHealth(SQLModel, table=True):
    """Whether the mail server takes our mail: one row. Written when that changes, and with each delivery."""

    __tablename__ = "mail_health"

    id: int = Field(primary_key=True)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_set_up: bool = True  # False: MAIL_URL is not set
    reason: str = Field(default="", max_length=300)  # in our words, for operators
    failures: int = 0  # in a row
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the next try
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
