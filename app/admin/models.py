"""Table of operators' decisions about connectors."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.database import UtcDateTime

LONGEST_BADGE = 60
LONGEST_CREDENTIAL = 500


class ConnectorApp(SQLModel, table=True):
    """How this installation offers one service. The environment and the connector decide where a value is
    empty.
    """

    __tablename__ = "connector_apps"

    slug: str = Field(primary_key=True, max_length=32)
    offer: str = Field(
        default="yes", max_length=8
    )  # yes, soon (listed, cannot be connected), no (not listed)
    badge: str | None = Field(default=None, max_length=LONGEST_BADGE)  # None: the connector's own; "": none
    client_id: str | None = Field(default=None, max_length=LONGEST_CREDENTIAL)
    client_secret_sealed: str | None = None
    secret_set_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class RunningHost(SQLModel, table=True):
    """A host with web processes on this database, as it said itself last."""

    __tablename__ = "running_hosts"

    name: str = Field(primary_key=True, max_length=255)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    untrusted_proxy_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # last forwarded request
