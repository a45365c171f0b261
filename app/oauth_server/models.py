"""Tables of the authorization server. A `*_digest` is one-way; no clear token is ever stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class Client(SQLModel, table=True):
    """An AI client: registered (RFC 7591), from a metadata document (its id is a URL), or pinned with us."""

    __tablename__ = "oauth_clients"

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
    fresh_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # documents: when to fetch again
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Flow(SQLModel, table=True):
    """An authorization request waiting for its person: owner-bound, 30 minutes, single use."""

    __tablename__ = "oauth_flows"

    id_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    session_digest: str
    client_id: str = Field(max_length=512)
    client_name: str = Field(max_length=200)
    redirect_uri: str
    redirect_uri_sent: bool = True  # False: the client left it out because it has only one
    state: str | None = None
    scope: str = ""
    resource: str
    code_challenge: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    allowed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the consent was given
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Consent(SQLModel, table=True):
    """A person's "Allow", remembered per client and redirect host; asked again when what it covers
    changes.
    """

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
    """What a person gave one AI client in one workspace: the family every token belongs to."""

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
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # absolute end of the family
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_reason: str | None = Field(default=None, max_length=200)


class AuthorizationCode(SQLModel, table=True):
    """A code on its way through the browser (RFC 6749 section 4.1.2): minutes, once, PKCE-bound."""

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
    """A bearer token for /mcp. Dies with its grant."""

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
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)  # idle end, slides with every rotation
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    successor_digest: str | None = None
    answer_sealed: str | None = None  # the whole token answer given when it was spent, for an honest retry


class AuthorizationStep(SQLModel, table=True):
    """One step of an authorization attempt, for /debug-oauth. Secrets are masked before they get here."""

    __tablename__ = "oauth_steps"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    client_id: str = Field(default="", max_length=512, index=True)
    user_id: str | None = Field(default=None, index=True)
    step: str = Field(max_length=40)
    outcome: str = Field(default="ok", max_length=40)
    sentence: str = Field(default="", max_length=500)
    # digest of where it came from
    origin: str = Field(default="", max_length=64, index=True, sa_column_kwargs={"server_default": ""})
    # what the sender calls itself
    program: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})
