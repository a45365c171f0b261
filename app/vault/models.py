"""Tables of connections, their sealed credentials, and pending revocations."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Connection(SQLModel, table=True):
    """One authorized account of a service in a workspace. Holds no secret."""

    __tablename__ = "connections"
    __table_args__ = (
        Index("ix_connections_workspace_slug", "workspace_id", "slug"),
        # for notifications, which look every few seconds
        Index(
            "ix_connections_broken_at",
            "broken_at",
            sqlite_where=text("broken_at IS NOT NULL"),
            postgresql_where=text("broken_at IS NOT NULL"),
        ),
        Index("ix_connections_signin_ends_at", "signin_ends_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    owner_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    slug: str = Field(max_length=32)
    label: str = Field(default="", max_length=80)  # the person's own name for it
    account_name: str = Field(default="", max_length=200)  # what the service calls the account
    account_key: str = Field(default="", max_length=200)  # the service's stable id of the account
    auth_method: str = Field(
        default="oauth", max_length=32
    )  # how it was authorized: oauth, or the key of a form
    visibility: str = Field(default="shared", max_length=16)  # shared, personal
    permission: str = Field(default="read", max_length=8)  # off, read, ask, write
    state: str = Field(default="connected", max_length=24)  # connected, reconnect_needed
    last_error: str | None = Field(default=None, max_length=500)  # the true reason, one sentence of ours
    broken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # since when it is not connected
    scopes: str = ""  # granted by the service, space separated
    # [{"id","name",…}]
    businesses: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    # connector's own, not secret
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    hidden_tools: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    # level `ask`: approved on the page only, never in the AI client's chat
    approve_on_page: bool = False
    connected_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # last successful call
    # when the access ends unless it is refreshed
    signin_ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # how long it lasted from when that moment was set: a third of it left is time to act
    signin_life_seconds: int | None = None
    # when it ends however often it is refreshed
    hard_ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # set while a reconnect is needed, but the access may come back by itself: a call may try again from then
    try_again_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def audit_details(self) -> dict[str, Any]:
        """How audit entries name it. The name of a personal one concerns only its owner: left out."""
        shared = self.visibility == "shared"
        return {"slug": self.slug, "account": (self.label or self.account_name)[:200] if shared else ""}


class Credential(SQLModel, table=True):
    """The sealed tokens of a connection and the state of their refresh. `*_sealed` is ciphertext."""

    __tablename__ = "credentials"

    connection_id: str = Field(primary_key=True, foreign_key="connections.id", ondelete="CASCADE")
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    generation: int = 1  # grows by one with every stored token
    access_token_sealed: str | None = None
    refresh_token_sealed: str | None = None
    key_sealed: str | None = None  # what a person filled in and the access is renewed with (JSON)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # None: does not expire
    life_seconds: int | None = None  # lifetime of the access token when it was issued
    claim_owner: str | None = None  # who is refreshing now
    claim_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    claim_generation: int | None = None
    # first attempt without an answer
    claim_started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0  # refreshes in a row without tokens
    cooldown_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_failure: str | None = Field(default=None, max_length=500)  # why it cools down, a sentence of ours
    refusals: int = 0  # of those failures, clear refusals that may not be the service's last word
    refused_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rejections: int = 0  # times in a row that the API did not take a fresh token
    updated_at: datetime = Field(sa_type=UtcDateTime)  # when the tokens were stored


class McpSession(SQLModel, table=True):
    """What a connection to an MCP server agreed on: its revision, and the session to name in each request.

    `purpose` keeps sessions with a state of their own apart, such as FlowPOS' active business.
    """

    __tablename__ = "mcp_sessions"

    connection_id: str = Field(primary_key=True, foreign_key="connections.id", ondelete="CASCADE")
    purpose: str = Field(primary_key=True, max_length=80, default="")
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    revision: str = Field(max_length=16)
    session_id_sealed: str | None = None  # None: the server has no sessions
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PendingRevocation(SQLModel, table=True):
    """A disconnected token to revoke at its service: retried until confirmed, also without its workspace."""

    __tablename__ = "pending_revocations"

    id: str = Field(primary_key=True)
    # no foreign key: deleting a workspace must not forget what is still to be revoked
    workspace_id: str = Field(index=True)
    slug: str = Field(max_length=32)
    connection_id: str  # of the connection that is gone; the ciphertext stays bound to it
    account_key: str = Field(default="", max_length=200)
    token_field: str = Field(max_length=32)  # the column of Credential the ciphertext came from
    token_sealed: str
    attempts: int = 0
    next_try_at: datetime = Field(sa_type=UtcDateTime, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)

    def sealed_place(self, column: str) -> tuple[str, str, str]:
        """Where the token was sealed: it moved here from the credential without being opened."""
        return self.workspace_id, self.connection_id, f"credentials.{self.token_field}"


class RefreshFailure(SQLModel, table=True):
    """How often refreshing failed at a service within one hour, for the operator's health page."""

    __tablename__ = "refresh_failures"

    slug: str = Field(primary_key=True, max_length=32)
    hour: int = Field(primary_key=True)  # epoch seconds at which it began
    # refused (the access ended), unreachable (tried again later)
    kind: str = Field(primary_key=True, max_length=16)
    count: int = 0


class ConnectLink(SQLModel, table=True):
    """A one-time link sent in a chat: opens the connect page for the same person, signed in."""

    __tablename__ = "connect_links"

    id_digest: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    slug: str = Field(max_length=32)
    connection_id: str | None = None  # set: reconnect this one
    # permission level that the calling tool needs: read, ask, write
    wants: str = Field(default="read", max_length=8)
    client_name: str = Field(default="", max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class VaultKeyProof(SQLModel, table=True):
    """A known value, encrypted with one of the vault keys when that key first sealed something here.

    The column's name does not end in `_sealed` on purpose: rotating must not encrypt it with another key.
    """

    __tablename__ = "vault_key_proofs"

    key_id: str = Field(primary_key=True, max_length=100)
    proof: str
    created_at: datetime = Field(sa_type=UtcDateTime)
