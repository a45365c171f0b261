"""Table of sign-ins under way at a service."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Handshake(SQLModel, table=True):
    """One trip to a service and back. Found by the digest of `state`; consumed once, before the code is
    spent.

    It stays for a while after it ended, so that a reloaded page says the same again.
    """

    __tablename__ = "handshakes"

    state_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    # the login session of the browser that left; the callback must come back in it
    session_digest: str = Field(index=True)
    slug: str = Field(max_length=32)
    # set: reconnect this one; after the return: the connection that was made
    connection_id: str | None = None
    scopes: str = ""  # what we asked the service for, space separated
    # permission level wanted on return; None: leave it as it is
    level: str | None = Field(default=None, max_length=8)
    # the AI client whose chat sent the person here, if one did
    client_name: str = Field(default="", max_length=200)
    flow_sealed: str | None = None  # set: return to this step of an AI client's authorization
    verifier_sealed: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = Field(default=None, max_length=16)  # connected, failed
    sentence: str = Field(default="", max_length=500)  # why it failed, or what else to know, in our words
