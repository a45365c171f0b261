"""Refresh idle connections before their service ends the access for lack of use."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlmodel import col

from app import database
from app.config import Settings
from app.connectors.credential_forms import OAUTH
from app.connectors.services import services_of
from app.errors import PatchbayError
from app.vault import connection_state, credentials
from app.vault.models import Connection, Credential
from app.vault.refresh import source

_AT_ONCE = 4
_WARNING_DAYS = 7
_NOT_AGAIN_WITHIN = timedelta(hours=12)


@dataclass(frozen=True)
class KeepaliveResult:
    """The result for one connection: `problem` is "" when it was refreshed."""

    connection: Connection
    problem: str


def run(
    settings: Settings,
    progress: Callable[[int, int, KeepaliveResult], None] = lambda done, total, result: None,
) -> list[KeepaliveResult]:
    """Refresh what is due, a few in parallel. Calls `progress` for each result."""
    due, results = _due(), []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keepalive") as crew:
        for future in as_completed([crew.submit(_refresh, settings, connection) for connection in due]):
            results.append(future.result())
            progress(len(results), len(due), results[-1])
    return results


def _refresh(settings: Settings, connection: Connection) -> KeepaliveResult:
    try:
        source(settings, connection).renew()
    except PatchbayError as error:
        return KeepaliveResult(connection, error.message)
    return KeepaliveResult(connection, "")


def _due() -> list[Connection]:
    """Connections of all workspaces that have used up two thirds of their idle time, or end within a week.

    Access that ends on a fixed day is not refreshed: that would not prolong it, and the card warns of its
    end.
    """
    with database.reading() as db:
        now = database.current().now(db)
        found: list[Connection] = list(
            db.execute(
                select(Connection)
                .join(Credential, col(Credential.connection_id) == col(Connection.id))
                .where(
                    col(Connection.state) == connection_state.CONNECTED,
                    or_(
                        col(Credential.refresh_token_sealed).is_not(None),
                        col(Connection.auth_method) != OAUTH,
                    ),
                    col(Credential.updated_at) < now - _NOT_AGAIN_WITHIN,
                    col(Connection.signin_ends_at).is_not(None),
                )
                .order_by(col(Connection.signin_ends_at))
            ).scalars()
        )
    return [connection for connection in found if _is_due(connection, now)]


def _is_due(connection: Connection, now: datetime) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    if (
        connector is None
        or connection.signin_ends_at is None
        or not credentials.can_be_prolonged(connector, connection.auth_method)
    ):
        return False
    idle = timedelta(days=connector.auth_of(connection.auth_method).idle_days or 0)
    return connection.signin_ends_at - now < max(idle / 3, timedelta(days=_WARNING_DAYS))
