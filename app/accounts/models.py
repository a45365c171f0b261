"""Tables of people and of how they prove who they are."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class User(SQLModel, table=True):
    """A person. The email address is stored in lower case and is unique."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_created_at", "created_at", "id"),)

    id: str = Field(primary_key=True)
    email: str = Field(unique=True, max_length=320)
    name: str = Field(default="", max_length=200)
    password_hash: str | None = None
    is_operator: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # no code was ever read from this mailbox: an operator's account made from the command line
    email_unproved: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # counts up when browsers that signed in before are to be strangers again
    browser_epoch: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    time_zone: str = Field(default="", max_length=64)  # IANA name such as Europe/Berlin; "" is UTC
    # which mails the person does not want; None: the defaults
    notifications: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class LoginSession(SQLModel, table=True):
    """A signed-in browser. `id_digest` is the SHA-256 of the cookie's value."""

    __tablename__ = "login_sessions"

    id_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    workspace_id: str | None = Field(default=None, foreign_key="workspaces.id", ondelete="SET NULL")
    created_at: datetime = Field(sa_type=UtcDateTime)
    proved_at: datetime = Field(sa_type=UtcDateTime)  # last time a password or code was entered
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    user_agent: str = Field(default="", max_length=300)
    address: str = Field(default="", max_length=64)


class MailedCode(SQLModel, table=True):
    """A 6-digit code that was mailed. Bound to address, purpose and browser (or API caller)."""

    __tablename__ = "mailed_codes"

    id: str = Field(primary_key=True)
    email: str = Field(index=True, max_length=320)
    purpose: str = Field(max_length=32)  # register, sign_in, api_register …
    holder_digest: str  # digest of what the browser holds (a cookie), or "" for the JSON API
    code_hash: str
    attempts: int = 0
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Budget(SQLModel, table=True):
    """How often something happened lately: attempts, codes sent. The key holds no clear address.

    Times are in microseconds since the epoch. Rows whose `window_start` is not 0 are from the release before.
    """

    __tablename__ = "budgets"

    key: str = Field(primary_key=True, max_length=128)
    window_start: int = Field(default=0, primary_key=True)
    count: int = 0  # since the budget was last empty
    empty_at: int | None = Field(default=None, sa_type=BigInteger)  # when all of it is free again
    noted_at: int | None = Field(default=None, sa_type=BigInteger)  # when the trail got that it was spent


class GoogleAttempt(SQLModel, table=True):
    """A sign-in at Google in progress: ten minutes, once, in the browser that started it. Google's claims are
    stored here until it is finished.
    """

    __tablename__ = "google_attempts"

    id: str = Field(primary_key=True)
    state_digest: str = Field(unique=True)
    holder_digest: str  # digest of what the browser holds (a cookie)
    next_path: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # Google has answered
    subject: str = Field(default="", max_length=255)
    email: str = Field(default="", max_length=320)
    name: str = Field(default="", max_length=200)
    address_proved: bool = False  # the person in this browser can read this mailbox
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GoogleIdentity(SQLModel, table=True):
    """A Google account that signs in as a person. Issuer and subject identify it; email is for display."""

    __tablename__ = "google_identities"

    issuer: str = Field(primary_key=True, max_length=255)
    subject: str = Field(primary_key=True, max_length=255)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    email: str = Field(max_length=320)
    linked_at: datetime = Field(sa_type=UtcDateTime)


class FirebaseIdentity(SQLModel, table=True):
    """A Firebase login whose ID tokens are exchanged for a person's access; one per project and person."""

    __tablename__ = "firebase_identities"
    __table_args__ = (UniqueConstraint("issuer", "user_id"),)

    issuer: str = Field(primary_key=True, max_length=255)
    subject: str = Field(primary_key=True, max_length=128)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    email: str = Field(default="", max_length=320, sa_column_kwargs={"server_default": ""})
    linked_at: datetime = Field(sa_type=UtcDateTime)


class RemovedLogin(SQLModel, table=True):
    """A login that a person removed and that may not link itself to them again until they allow it."""

    __tablename__ = "removed_logins"

    issuer: str = Field(primary_key=True, max_length=255)
    subject: str = Field(primary_key=True, max_length=255)
    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", index=True)
    email: str = Field(max_length=320)
    removed_at: datetime = Field(sa_type=UtcDateTime)
