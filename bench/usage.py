"""What a call and the page of usage cost when there are millions of calls already, as ratios to an empty
database.

`python -m bench.usage [--rows N] [--database sqlite|postgres]`; also a part of `make bench`, with a million
rows.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import text

from app import clock, config, database
from app.accounts import sessions
from app.accounts.models import User
from app.factory import create_app
from app.usage import ledger, rollup
from app.usage.models import Call
from app.usage.tiers import Limits
from app.workspaces.models import Membership, Workspace
from bench import house
from bench.house import ROOT
from bench.report import Report

GOAL_CALL = 1.3
GOAL_PAGE_MS = 1_000.0
_UNLIMITED = Limits(10**9, None)
_WORKSPACE = "wsp_bench"
_CALLS, _THREADS, _VIEWS, _ROUNDS = 1_200, 8, 7, 3
_CHUNK = 500_000
_DAYS = 90
_PAGES = {
    "this month": "/usage",
    "90 days": "/usage?period=90d",
    "one tool in 90 days": "/usage?period=90d&tool=xero_tool_3",
    "an outcome that never was": "/usage?outcome=NOT_FOUND",
}

# One row of ten is of the workspace that is looked at; the others are of 199 more. People keep to a few tools
# and one client.
_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM s WHERE i < :last)",
    "postgresql": "WITH s(i) AS (SELECT generate_series(CAST(:first AS BIGINT), CAST(:last AS BIGINT)))",
}
_MOMENT = {
    "sqlite": (
        "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || ((:rows - i) * :seconds / :rows) || ' seconds')"
    ),
    "postgresql": (
        "now() - CAST((:rows - i) * :seconds / CAST(:rows AS DOUBLE PRECISION) AS DOUBLE "
        "PRECISION) * INTERVAL '1 second'"
    ),
}
_SEED = """
{series}
INSERT INTO calls (at, workspace_id, user_id, grant_id, client_name, tool, slug, upstream_endpoint,
    upstream_status, outcome,
                   total_ms, upstream_ms, bytes)
SELECT {moment}, CASE WHEN i % 10 = 0 THEN 'wsp_bench' ELSE 'wsp_' || (i % 199) END,
       'usr_' || who, 'grt_' || who, CASE who % 3 WHEN 0 THEN 'Cursor' ELSE 'Claude' END,
       'xero_tool_' || ((who * 5 + dice % 8) % 40), 'xero', 'GET /api.xro/2.0/Invoices', 200,
       CASE dice % 50 WHEN 7 THEN 'TIMEOUT' WHEN 11 THEN 'RATE_LIMITED' ELSE 'ok' END,
       ms + 3, ms, 4000
FROM (SELECT i, dice, (dice / 64) % 12 AS who,
             40 + 1500.0 * (dice % 1009) * (dice % 1009) * (dice % 1009) / 1027243729.0 AS ms
      FROM (SELECT i, (i * 48271) % 2147483647 AS dice FROM s) AS d) AS w
"""


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one call, and of one call of many threads' at once."""

    alone: float
    together: float


@contextmanager
def product(kind: str) -> Iterator[FlaskClient]:
    """The application in this process, on an empty database of that kind, and a browser signed in to the
    workspace.
    """
    with house.databases(kind) as url:
        environ = house.product_environ(house.free_port(), url, house.free_port())
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=environ, check=True
        )
        settings = config.load({**environ, "LOG_LEVEL": "ERROR"})
        app = create_app(settings)
        at = clock.now()
        with database.transaction() as db:
            user = User(id="usr_1", email="bench@example.com", created_at=at)
            db.add_all([user, Workspace(id=_WORKSPACE, name="Bench", tier="enterprise", created_at=at)])
            db.flush()
            db.add(Membership(workspace_id=_WORKSPACE, user_id=user.id, role="owner", created_at=at))
            cookie = sessions.start(db, user)
        client = app.test_client()
        client.set_cookie(sessions.cookie_name(settings), cookie)
        try:
            yield client
        finally:
            database.current().close()


def calls() -> Cost:
    """What a call costs right now."""
    together = min(_seconds(lambda: _together(_call)) for _ in range(_ROUNDS)) * 1000 / _CALLS
    alone = min(statistics.median(_seconds(_call) for _ in range(_CALLS)) for _ in range(_ROUNDS)) * 1000
    return Cost(alone, together)


def pages(client: FlaskClient) -> dict[str, float]:
    """The median milliseconds of each view, of rows that were added up."""
    return {
        name: statistics.median(_view(client, path) for _ in range(_VIEWS)) for name, path in _PAGES.items()
    }


def _call() -> None:
    whose = {"workspace_id": _WORKSPACE, "user_id": "usr_1", "grant_id": "grt_1"}
    call = Call(at=clock.now(), **whose, tool="hub_list_connections", outcome="ok", total_ms=1.0)
    ledger.admit_and_record(_WORKSPACE, _UNLIMITED, call)


def _view(client: FlaskClient, path: str) -> float:
    started = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, answer.status
    return (time.perf_counter() - started) * 1000


def _together(work: Callable[[], None]) -> None:
    gate = threading.Barrier(_THREADS)

    def share(_: int) -> None:
        gate.wait()
        for _ in range(_CALLS // _THREADS):
            work()

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(share, range(_THREADS)))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seed(rows: int) -> None:
    """Write so many calls of the last 90 days, in SQL."""
    dialect = database.current().engine.dialect.name
    statement = text(_SEED.format(series=_SERIES[dialect], moment=_MOMENT[dialect]))
    for first in range(1, rows + 1, _CHUNK):
        last = min(first + _CHUNK - 1, rows)
        with database.transaction() as db:
            if dialect == "postgresql":
                db.execute(text("SET LOCAL statement_timeout = 0"))
            db.execute(
                statement, {"first": first, "last": last, "rows": rows, "seconds": _DAYS * 86_400 - 60}
            )
        print(f"  {last:>12,} of {rows:,} rows written", end="\r", file=sys.stderr, flush=True)
    if dialect == "postgresql":
        with (
            database.current().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection
        ):
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE calls"))


def run(
    report: Report,
    kinds: list[str],
    rows: int,
    *,
    with_pages: bool = True,
) -> None:
    """Measure empty and full, and report both as ratios."""
    print(f"\nUsage with {rows:,} calls written, against none")
    for kind in kinds:
        with product(kind) as client:
            calls()  # statements compiled, caches warm
            before = calls()
            rollup.run()
            pages(client)
            empty = pages(client)
            seed(rows)
            after = calls()
            for name, ours, theirs in (
                ("a call alone", after.alone, before.alone),
                ("of eight threads", after.together, before.together),
            ):
                report.at_most(f"{kind}, {name}, {ours:.2f} ms, against empty", ours / theirs, GOAL_CALL)
            if not with_pages:
                continue
            rolling = _seconds(lambda: rollup.run(_progress))
            for name, ms in pages(client).items():
                before_rows = f"empty: {empty[name]:.0f} ms"
                report.at_most(f"{kind}, /usage, {name} ({before_rows})", ms, GOAL_PAGE_MS, "ms")
            with database.reading() as db:
                tallies = db.execute(text("SELECT count(*) FROM usage_tallies")).scalar_one()
            print(f"  {kind}: {rows:,} calls in {tallies:,} tallies, added up in {rolling:.0f} s", flush=True)


def _progress(done: int, total: int) -> None:
    print(f"  {done:>12,} of {total:,} rows added up", end="\r", file=sys.stderr, flush=True)


def main() -> None:
    """Run on the databases that were asked for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    options.add_argument(
        "--calls-only", action="store_true", help="leave out the page, which needs the rows added up first"
    )
    chosen = options.parse_args()

    report = Report()
    run(report, chosen.database or ["sqlite", "postgres"], chosen.rows, with_pages=not chosen.calls_only)
    report.end()


if __name__ == "__main__":
    main()
