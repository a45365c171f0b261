"""Calls of 13 months and their tallies, as the roll-up would have made them, in SQL.

A workspace works one day of the week; its people keep to a few tools. One call of fifty is of the workspace
that is looked at: 200,000 of 10 million.
"""

import importlib.util
from collections.abc import Callable
from types import ModuleType

from app.connectors.services import services_of
from app.usage import rollup
from app.usage.buckets import bucket_column
from app.usage.models import CallRow, UsageMark
from bench import size_workspace
from bench.house import ROOT
from bench.size_rows import add, ago, before_today, dialect, one_of, run

CALLS = 10_000_000
DAYS = 396
SHARE = 50  # one call of so many is of the workspace that is looked at
_CLIENTS = ["Claude", "Cursor", "ChatGPT"]
_FAILED = "CASE dice % 50 WHEN 7 THEN 'TIMEOUT' WHEN 11 THEN 'RATE_LIMITED' ELSE 'ok' END"
_DAY = {"sqlite": "date(at)", "postgresql": "CAST(at AT TIME ZONE 'UTC' AS DATE)"}
_HISTOGRAM = {
    "sqlite": "json_group_array(json_array(bucket, n, t, u))",
    "postgresql": "json_agg(json_build_array(bucket, n, t, u))",
}
_KEY = "workspace_id, day, tool, user_id, client_name, slug, outcome"
_TALLIES = """
INSERT INTO usage_tallies ({key}, calls, total_ms, upstream_ms, first_id, last_id, histogram)
SELECT {key}, sum(n), sum(t), sum(u), min(low), max(high), {histogram}
FROM (SELECT workspace_id, {day} AS day, tool, user_id, client_name, slug, outcome, {bucket} AS bucket,
             count(*) AS n, sum(total_ms) AS t, sum(upstream_ms) AS u, min(id) AS low, max(id) AS high
      FROM calls WHERE id BETWEEN {low} AND {high}
      GROUP BY {key}, bucket) AS b
GROUP BY {key}
"""


def fill(factor: float, workspaces: int, progress: Callable[[str], None]) -> None:
    """Write the calls and their tallies. `workspaces`: how many others there are."""
    progress("calls")
    _latest(workspaces)
    every = round(CALLS * factor) // DAYS * DAYS
    if every:
        _history(every, workspaces)
    latest = 2 * _displayed(workspaces)
    run(*_tallies(1, latest))
    for day in range(DAYS if every else 0):
        progress(f"tallies of day {day + 1} of {DAYS}")
        low = latest + every // DAYS * day
        run(*_tallies(low + 1, low + every // DAYS))
    add(UsageMark, 1, name=f"'{rollup.MARK}'", upto=str(latest + every))
    progress("totals")
    statements: list[str] = []
    _totals().fill(dialect(), statements.append)
    for statement in statements:
        run(statement)


def _totals() -> ModuleType:
    """The migration that makes them of tallies."""
    (path,) = (ROOT / "migrations" / "versions").glob("*_totals.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    return migration


def _tools() -> tuple[list[str], list[str]]:
    """The names of 40 tools, and the slugs of their services."""
    found = [(tool.name_in(each.slug), each.slug) for each in services_of(None) for tool in each.tools]
    chosen = found[:: max(1, len(found) // 40)][:40]
    return [name for name, _ in chosen], [slug for _, slug in chosen]


def _displayed(workspaces: int) -> int:
    """Calls that make every row of a page appear: one per person, and one of some other workspaces."""
    return size_workspace.PEOPLE + min(workspaces, 30)


def _latest(workspaces: int) -> None:
    """Of today and of 40 days ago, at any size: each tool, person, AI client and outcome occurs."""
    names, slugs = _tools()
    for seconds in ("0", str(40 * 86_400)):
        add(
            CallRow,
            _displayed(workspaces),
            "SELECT i, i AS dice FROM s",
            at=ago(seconds),
            workspace_id=f"CASE WHEN i <= 100 THEN '{size_workspace.ID}' ELSE 'wsp_' || (i - 100) END",
            user_id="CASE WHEN i <= 100 THEN 'usr_main_' || i ELSE 'usr_' || (i - 100) END",
            grant_id="'grt_1'",
            client_name=one_of(_CLIENTS, "i"),
            tool=one_of(names, "i"),
            slug=one_of(slugs, "i"),
            outcome=_FAILED,
            total_ms="90",
            upstream_ms="80",
        )


def _history(every: int, workspaces: int) -> None:
    names, slugs = _tools()
    mine, week = f"i % {SHARE} = 0", max(1, workspaces // 7)
    dice = (
        "(CAST(i AS BIGINT) * 48271) % 2147483647" if dialect() == "postgresql" else "i * 48271 % 2147483647"
    )
    source = (
        f"SELECT i, dice, day, CASE WHEN {mine} THEN (dice / 64) % 100 ELSE dice % {week} * 7 + day % 7 END "
        f"AS who, 40 + 1500.0 * (dice % 1009) * (dice % 1009) / 1018081.0 AS ms "
        f"FROM (SELECT i, {dice} AS dice, (i - 1) / {every // DAYS} AS day FROM s) AS d"
    )
    moment = f"({DAYS} - day) * 86400 - ((i - 1) % {every // DAYS}) * 86400 / {every // DAYS}"
    other = f"1 + who % {workspaces}"
    tool = f"CASE WHEN {mine} THEN who * 5 + dice % 8 ELSE who + dice % 3 END"
    add(
        CallRow,
        every,
        source,
        at=before_today(moment),
        workspace_id=f"CASE WHEN {mine} THEN '{size_workspace.ID}' ELSE 'wsp_' || ({other}) END",
        user_id=f"CASE WHEN {mine} THEN 'usr_main_' || (1 + who) ELSE 'usr_' || ({other}) END",
        grant_id="'grt_' || who",
        client_name=one_of(_CLIENTS, "who"),
        tool=one_of(names, tool),
        slug=one_of(slugs, tool),
        upstream_endpoint="'GET /api/invoices'",
        upstream_status="200",
        outcome=_FAILED,
        total_ms="ms + 3",
        upstream_ms="ms",
        bytes="4000",
    )


def _tallies(low: int, high: int) -> list[str]:
    """The statements that add the calls between two ids up: calls of one day, or of days of their own."""
    made = _TALLIES.format(
        key=_KEY,
        low=low,
        high=high,
        day=_DAY[dialect()],
        histogram=_HISTOGRAM[dialect()],
        bucket=str(bucket_column(CallRow.total_ms)),  # type: ignore[arg-type]
    )
    return [made]
