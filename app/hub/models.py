"""Table of handshakes with a service."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Handshake(SQLModel, table=True):
    """One handshake with a service. Found by the digest of `state`; consumed once, before the code is spent.

    It stays for a while after it ended, so that a reloaded page displays the same outcome.
    """

    __tablename__ = "handshakes"

    state_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    # the browser's login session when it left; the callback must arrive in the same one
    session_digest: str = Field(index=True)
    slug: str = Field(max_length=32)
    # set: reconnect this one; after the return: the connection that was created
    connection_id: str | None = None
    scopes: str = ""  # the requested scopes, space separated
    # permission level to set on return; None: leave it as it is
    level: str | None = Field(default=None, max_length=8)
    # the AI client whose chat sent the person here, if one did
    client_name: str = Field(default="", max_length=200)
    flow_sealed: str | None = None  # set: return to this flow of an AI client
    verifier_sealed: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = Field(default=None, max_length=16)  # connected, denied, failed
    sentence: str = Field(default="", max_length=500)  # why it failed, or an addition, in our words
