"""The table of Firebase logins linked to people."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class FirebaseIdentity(SQLModel, table=True):
    """A Firebase login linked to a person. Issuer and subject identify it, never the email address."""

    __tablename__ = "firebase_identities"
    __table_args__ = (UniqueConstraint("issuer", "user_id"),)

    issuer: str = Field(primary_key=True, max_length=255)
    subject: str = Field(primary_key=True, max_length=128)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    linked_at: datetime = Field(sa_type=UtcDateTime)
