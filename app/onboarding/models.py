"""The table of setup tokens."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class SetupToken(SQLModel, table=True):
    """Lets a proved address activate its company: for an hour, once. Only the token's digest is stored."""

    __tablename__ = "setup_tokens"

    token_digest: str = Field(primary_key=True)
    email: str = Field(max_length=320)
    company: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
