"""Refresh idle connections before their service ends the access for lack of use.

A connection is due when a third of its life is left, or when it might not live until the next run, which is
taken to be a day away. For a sign-in of a day that leaves no margin: run it every eight hours where such a
service is connected. `needed_hours` says so.
"""

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
from app.vault import access_end, connection_state
from app.vault.models import Connection, Credential
from app.vault.refresh import source

_AT_ONCE = 4
_UNTIL_NEXT_RUN = timedelta(hours=25)  # a daily run, an hour late
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


def needed_hours() -> int | None:
    """At most how many hours may lie between two runs, if that is less than a day; else None.

    A third of the shortest life among the connections that refreshing keeps alive.
    """
    lives = [c.signin_life_seconds for c, _ in _alive() if c.signin_life_seconds and _is_prolonged(c)]
    third = min(lives, default=0) // 3
    return max(1, third // 3600) if 0 < third < _UNTIL_NEXT_RUN.total_seconds() - 3600 else None


def _due() -> list[Connection]:
    """Connections of all workspaces that keep-alive should refresh now.

    Access that ends on a fixed day is not refreshed: that would not prolong it, and the card warns of its
    end. A suspended connection is: whatever rejects it today may take it again tomorrow.
    """
    with database.reading() as db:
        now = database.current().now(db)
    return [c for c, credential in _alive() if _is_due(c, credential, now) and _is_prolonged(c)]


def _alive() -> list[tuple[Connection, Credential]]:
    with database.reading() as db:
        found = db.execute(
            select(Connection, Credential)
            .join(Credential, col(Credential.connection_id) == col(Connection.id))
            .where(
                or_(
                    col(Connection.state) == connection_state.CONNECTED,
                    col(Connection.try_again_at).is_not(None),
                ),
                or_(
                    col(Credential.refresh_token_sealed).is_not(None),
                    col(Connection.auth_method) != OAUTH,
                ),
                col(Connection.signin_ends_at).is_not(None),
            )
            .order_by(col(Connection.signin_ends_at))
        )
        return [(connection, credential) for connection, credential in found]


def _is_due(connection: Connection, credential: Credential, now: datetime) -> bool:
    life = timedelta(seconds=connection.signin_life_seconds or 0)
    pause = min(_NOT_AGAIN_WITHIN, life / 6) if life else _NOT_AGAIN_WITHIN
    if connection.signin_ends_at is None or credential.updated_at >= now - pause:
        return False
    return connection.signin_ends_at - now < max(access_end.time_to_act(connection), _UNTIL_NEXT_RUN)


def _is_prolonged(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector is not None and access_end.can_be_prolonged(connector, connection)
