"""Refresh idle connections before their service ends the access for lack of use.

A connection is due when a third of its life is left, or when it might not live until the next run. The web
processes run this every ten minutes. A run by command is taken to be the only one of its day: for access of a
day that leaves no margin, so where nothing but a cron runs it, every eight hours. `needed_hours` says so.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlmodel import col

from app import database
from app.config import Settings
from app.connectors.credential_forms import OAUTH
from app.connectors.services import services_of
from app.errors import PatchbayError
from app.jobs.leases import PeriodicJob
from app.vault import access_end, claims, connection_state
from app.vault.models import Connection, Credential
from app.vault.refresh import TokenVault

_AT_ONCE = 4
JOB = "connections keepalive"
EVERY = timedelta(minutes=10)
_UNTIL_NEXT_RUN = timedelta(hours=25)  # a daily run, an hour late
_UNTIL_NEXT_JOB = 2 * EVERY  # a run of the web processes, one of them missed
_NOT_AGAIN_WITHIN = timedelta(hours=12)


@dataclass(frozen=True)
class KeepaliveResult:
    """The result for one connection: `problem` is "" when it was refreshed."""

    connection: Connection
    problem: str


def job(settings: Settings) -> PeriodicJob:
    """What the web processes do by themselves."""

    def refresh_due() -> int:
        results = run(settings, until_next_run=_UNTIL_NEXT_JOB)
        return sum(1 for result in results if not result.problem)

    return PeriodicJob(JOB, EVERY, refresh_due)


def run(
    settings: Settings,
    progress: Callable[[int, int, KeepaliveResult], None] = lambda done, total, result: None,
    *,
    until_next_run: timedelta = _UNTIL_NEXT_RUN,
) -> list[KeepaliveResult]:
    """Refresh what is due, a few in parallel. Calls `progress` for each result.

    No database connection is held during a refresh. What a tool call has refreshed meanwhile is left alone.
    """
    due = _due(until_next_run)
    results: list[KeepaliveResult] = []
    for result in _refresh_each(settings, due):
        results.append(result)
        progress(len(results), len(due), result)
    return results


def _refresh_each(settings: Settings, due: list[tuple[Connection, Credential]]) -> Iterator[KeepaliveResult]:
    """The results as they come. Only a few wait in the pool: a process that ends waits for what is in it."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keepalive") as crew:
        running: set[Future[KeepaliveResult]] = set()
        for connection, credential in due:
            running.add(crew.submit(_refresh, settings, connection, credential.generation))
            if len(running) == _AT_ONCE:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        for future in running:
            yield future.result()


def _refresh(settings: Settings, connection: Connection, generation: int) -> KeepaliveResult:
    try:
        snapshot = claims.find_snapshot(connection)
        if snapshot is not None and snapshot.credential.generation == generation:
            TokenVault(settings, connection).renew()
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


def _due(until_next_run: timedelta) -> list[tuple[Connection, Credential]]:
    """Connections of all workspaces that keep-alive should refresh now.

    Access that ends on a fixed day is not refreshed: that would not prolong it, and the card warns of its
    end. A suspended connection is: whatever rejects it today may take it again tomorrow.
    """
    with database.reading() as db:
        now = database.current().now(db)
        longest = db.scalar(select(func.max(col(Connection.signin_life_seconds)))) or 0
    margin = max(timedelta(seconds=longest) / 3, access_end.UNKNOWN_TIME_TO_ACT, until_next_run)
    return [
        (c, credential)
        for c, credential in _alive(before=now + margin)
        if _is_due(c, credential, now, until_next_run) and _is_prolonged(c)
    ]


def _alive(before: datetime | None = None) -> list[tuple[Connection, Credential]]:
    """Connections with a known end of their access; with `before` those that end by then."""
    ends_soon = () if before is None else (col(Connection.signin_ends_at) < before,)
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
                *ends_soon,
            )
            .order_by(col(Connection.signin_ends_at))
        )
        return [(connection, credential) for connection, credential in found]


def _is_due(connection: Connection, credential: Credential, now: datetime, until_next_run: timedelta) -> bool:
    life = timedelta(seconds=connection.signin_life_seconds or 0)
    pause = min(_NOT_AGAIN_WITHIN, life / 6) if life else _NOT_AGAIN_WITHIN
    if connection.signin_ends_at is None or credential.updated_at >= now - pause:
        return False
    return connection.signin_ends_at - now < max(access_end.time_to_act(connection), until_next_run)


def _is_prolonged(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector is not None and access_end.can_be_prolonged(connector, connection)
