"""Tables of the authorization server. A `*_digest` is one-way; no clear token is ever stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Client(SQLModel, table=True):
    """An AI client: registered (RFC 7591), a metadata document (its id is a URL), or pinned in the code."""

    __tablename__ = "oauth_clients"
    __table_args__ = (Index("ix_oauth_clients_created_at", "created_at", "client_id"),)

    client_id: str = Field(primary_key=True, max_length=512)
    kind: str = Field(max_length=16)  # registered, document, pinned
    name: str = Field(max_length=200)
    redirect_uris: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    auth_method: str = Field(default="none", max_length=32)
    secret_digest: str | None = None
    # validated client metadata
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fresh_until: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # of a document: when to fetch it again
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Flow(SQLModel, table=True):
    """An authorization request that waits for its person: bound to them, 30 minutes, single use."""

    __tablename__ = "oauth_flows"

    id_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    session_digest: str
    client_id: str = Field(max_length=512)
    client_name: str = Field(max_length=200)
    redirect_uri: str
    redirect_uri_sent: bool = True  # False: the client omitted it because it has only one
    state: str | None = None
    scope: str = ""
    resource: str
    code_challenge: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    allowed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when the person consented
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # what the person selected for this client on the consent page; None: everything
    selection: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Consent(SQLModel, table=True):
    """A consent per client and redirect host. The person is asked again when its coverage changes."""

    __tablename__ = "oauth_consents"
    __table_args__ = (UniqueConstraint("user_id", "client_id", "redirect_host"),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    client_id: str = Field(max_length=512)
    redirect_host: str = Field(max_length=300)
    scope: str = ""
    client_digest: str  # digest of the client's name and redirect URIs when allowed
    allowed_at: datetime = Field(sa_type=UtcDateTime)


class Grant(SQLModel, table=True):
    """What a person gave one AI client in one workspace: the family of all its tokens."""

    __tablename__ = "oauth_grants"

    id: str = Field(primary_key=True)
    kind: str = Field(default="oauth", max_length=16)  # oauth, personal, api_key, identity
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    client_id: str | None = Field(default=None, max_length=512, index=True)
    client_name: str = Field(max_length=200)
    redirect_host: str = Field(default="", max_length=300)
    scope: str = ""
    resource: str
    # connection id -> business id
    active_businesses: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    # the connections and tools this client sees; None: all that the person may use
    selection: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # absolute end of the family
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_reason: str | None = Field(default=None, max_length=200)


class AuthorizationCode(SQLModel, table=True):
    """An authorization code (RFC 6749 section 4.1.2): minutes, single use, PKCE-bound."""

    __tablename__ = "oauth_codes"

    code_digest: str = Field(primary_key=True)
    grant_id: str = Field(foreign_key="oauth_grants.id", ondelete="CASCADE", index=True)
    client_id: str = Field(max_length=512)
    redirect_uri: str
    redirect_uri_sent: bool = True
    scope: str = ""
    resource: str
    code_challenge: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def get_redirect_uri(self) -> str | None:
        """For Authlib: what the token request must repeat."""
        return self.redirect_uri if self.redirect_uri_sent else None

    def get_scope(self) -> str:
        """For Authlib: what the token may do."""
        return self.scope


class AccessToken(SQLModel, table=True):
    """A bearer token for /mcp. Ends with its grant."""

    __tablename__ = "oauth_access_tokens"

    token_digest: str = Field(primary_key=True)
    grant_id: str = Field(foreign_key="oauth_grants.id", ondelete="CASCADE", index=True)
    scope: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RefreshToken(SQLModel, table=True):
    """A rotating refresh token. For 60 s its last replay gets the same sealed successor again."""

    __tablename__ = "oauth_refresh_tokens"

    token_digest: str = Field(primary_key=True)
    grant_id: str = Field(foreign_key="oauth_grants.id", ondelete="CASCADE", index=True)
    generation: int = 1
    scope: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)  # idle expiry, slides with every rotation
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    successor_digest: str | None = None
    answer_sealed: str | None = None  # the token response from when it was spent, for an honest retry


class ClientAssertion(SQLModel, table=True):
    """An assertion a client authenticated with (RFC 7523), kept until it expires so that it works once."""

    __tablename__ = "oauth_client_assertions"

    id_digest: str = Field(primary_key=True)  # of the client's id and the assertion's `jti`
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class AuthorizationStep(SQLModel, table=True):
    """One step of an authorization attempt, for /debug-oauth. Secrets are redacted before they get here."""

    __tablename__ = "oauth_steps"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    client_id: str = Field(default="", max_length=512, index=True)
    user_id: str | None = Field(default=None, index=True)
    step: str = Field(max_length=40)
    outcome: str = Field(default="ok", max_length=40)
    sentence: str = Field(default="", max_length=500)
    # digest of the sender's address
    origin: str = Field(default="", max_length=64, index=True, sa_column_kwargs={"server_default": ""})
    # the first product in the User-Agent
    program: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})
    # digest of the cookie of the browser that made it, before a sign-in
    browser: str = Field(default="", max_length=64, index=True, sa_column_kwargs={"server_default": ""})
