"""Tables of companies and memberships."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Workspace(SQLModel, table=True):
    """A company or team: owns connections, limits and usage."""

    __tablename__ = "workspaces"
    __table_args__ = (Index("ix_workspaces_created_at", "created_at", "id"),)

    id: str = Field(primary_key=True)
    name: str = Field(max_length=200)
    tier: str = Field(default="free", max_length=16)
    per_minute: int | None = None  # the operator's override; None means the limit of the tier
    per_day: int | None = None
    timezone: str = Field(default="UTC", max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    deactivated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # grows with every change of the services that the workspace brought itself (`app/workspace_versions.py`)
    services_version: int = 0
    # who may add MCP servers: managers (owners and admins), owners, nobody
    who_adds_servers: str = Field(default="managers", max_length=16)


class Membership(SQLModel, table=True):
    """A person in a workspace, with a role: owner, admin or member."""

    __tablename__ = "memberships"

    workspace_id: str = Field(primary_key=True, foreign_key="workspaces.id", ondelete="CASCADE")
    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", index=True)
    role: str = Field(default="member", max_length=16)
    created_at: datetime = Field(sa_type=UtcDateTime)
    # when the last step of "Getting started" was done or the list was dismissed
    getting_started_done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
