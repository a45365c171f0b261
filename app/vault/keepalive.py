"""Idle connections are refreshed before their service would end the sign-in for lack of use."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlmodel import col

from app import database
from app.config import Settings
from app.connectors import registry
from app.connectors.credential_forms import OAUTH
from app.errors import PatchbayError
from app.vault import credentials
from app.vault.models import Connection, Credential
from app.vault.refresh import source

_AT_ONCE = 4
_WARNING_DAYS = 7
_NOT_AGAIN_WITHIN = timedelta(hours=12)


@dataclass(frozen=True)
class Kept:
    """What became of one connection: `problem` is "" when it was refreshed."""

    connection: Connection
    problem: str


def run(
    settings: Settings, progress: Callable[[int, int, Kept], None] = lambda done, total, kept: None
) -> list[Kept]:
    """Refresh what is due, a few at once. `progress` hears of each one."""
    due, results = _due(), []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keepalive") as crew:
        for future in as_completed([crew.submit(_keep, settings, connection) for connection in due]):
            results.append(future.result())
            progress(len(results), len(due), results[-1])
    return results


def _keep(settings: Settings, connection: Connection) -> Kept:
    try:
        source(settings, connection).renew()
    except PatchbayError as error:
        return Kept(connection, error.message)
    return Kept(connection, "")


def _due() -> list[Connection]:
    """Connections of all workspaces that have used up two thirds of their idle time, or end within a week.

    A sign-in that ends on a fixed day is left alone: refreshing does not prolong it, and the card warns of
    its end.
    """
    with database.reading() as db:
        now = database.current().now(db)
        found: list[Connection] = list(
            db.execute(
                select(Connection)
                .join(Credential, col(Credential.connection_id) == col(Connection.id))
                .where(
                    col(Connection.state) == "connected",
                    or_(col(Credential.refresh_token_sealed).is_not(None), col(Connection.way) != OAUTH),
                    col(Credential.updated_at) < now - _NOT_AGAIN_WITHIN,
                    col(Connection.signin_ends_at).is_not(None),
                )
                .order_by(col(Connection.signin_ends_at))
            ).scalars()
        )
    return [connection for connection in found if _is_due(connection, now)]


def _is_due(connection: Connection, now: datetime) -> bool:
    connector = registry.CONNECTORS.get(connection.slug)
    if (
        connector is None
        or connection.signin_ends_at is None
        or not credentials.can_be_prolonged(connector, connection.way)
    ):
        return False
    idle = timedelta(days=connector.auth_of(connection.way).idle_days or 0)
    return connection.signin_ends_at - now < max(idle / 3, timedelta(days=_WARNING_DAYS))
