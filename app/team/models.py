"""The table of invitations. A link contains a token of which only the digest is stored."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Invitation(SQLModel, table=True):
    """One address invited to one workspace. Sending it again creates a new token and another seven days."""

    __tablename__ = "invitations"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    email: str = Field(max_length=320, index=True)
    role: str = Field(max_length=16)  # admin, member
    token_digest: str = Field(unique=True)
    # who sent it last
    invited_by: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_by: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
