"""The end of each chain of audit entries, signed, so that a cut-off end is noticed too."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

NOTHING = "0" * 64  # the link before the first entry of a chain


class AuditChain(SQLModel, table=True):
    """The length of a workspace's chain (`chain` is its id), or of the installation's ("")."""

    __tablename__ = "audit_chains"

    chain: str = Field(primary_key=True)
    count: int = Field(default=0, sa_type=BigInteger)  # linked entries
    hash: str = Field(default=NOTHING, max_length=64)  # of the last of them
    began_at: datetime = Field(sa_type=UtcDateTime)
    signature: str = Field(default="", max_length=80)  # over all of the above
    # The result of the last verification, for the page: anybody can run it again.
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    verified_count: int | None = Field(default=None, sa_type=BigInteger)
    problem: str = ""
