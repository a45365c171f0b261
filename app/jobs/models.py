"""The table of periodic jobs: when each is due, who runs it, and how it went."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

LONGEST_ERROR = 300


class JobState(SQLModel, table=True):
    """One periodic job. Whoever holds its claim runs it."""

    __tablename__ = "job_turns"

    name: str = Field(primary_key=True, max_length=64)
    next_at: datetime = Field(sa_type=UtcDateTime)
    period_seconds: int = 0  # 0: of a job that this release does not know
    claim: str | None = Field(default=None, max_length=40)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seconds: float | None = None  # how long the last run took
    failures: int = 0  # in a row
    error: str = Field(default="", max_length=LONGEST_ERROR)  # of the last run, "" if it succeeded
