"""The tables of the page as CSV files."""

from app.errors import InvalidInput
from app.usage import breakdowns, csv_files
from app.usage.breakdowns import BreakdownRow
from app.usage.buckets import Quantile
from app.usage.page import UsagePage

_HEADINGS = {"client": "ai_client", "member": "member", "connector": "connector"}


def csv_of(usage_page: UsagePage, kind: str) -> str:
    """One table of the page as CSV. Raises InvalidInput for an unknown table."""
    if kind == "day":
        points = (bar.point for bar in usage_page.chart.bars)
        days = (
            [point.first.isoformat(), point.last.isoformat(), point.count.calls, point.count.failed]
            for point in points
        )
        return csv_files.table(["first_day", "last_day", "calls", "failed"], days)
    if kind not in dict(usage_page.views) or kind not in usage_page.tables.rows:
        raise InvalidInput("There is no such table. Use the links on the usage page.")
    rows = usage_page.tables.rows[kind]
    if kind == "tool":
        return _tools(usage_page.filter.workspace_id, rows)
    if kind == "outcome":
        return csv_files.table(
            ["outcome", "words", "calls"], ([row.value, row.name, row.timed.calls] for row in rows)
        )
    return csv_files.table(
        [_HEADINGS[kind], "calls", "failed"], ([row.name, row.timed.calls, row.timed.failed] for row in rows)
    )


def _tools(workspace_id: str, rows: list[BreakdownRow]) -> str:
    headings = ["tool", "connector", "calls", "failed", "median_ms", "p95_ms", "median_own_ms"]
    lines = []
    for row in rows:
        median, p95 = row.timed.median, row.timed.p95
        times = [_ms(median), _ms(p95), "" if median is None else round(median.own_ms, 1)]
        service = breakdowns.connector_name(workspace_id, row.slug)
        lines.append([row.value, service, row.timed.calls, row.timed.failed, *times])
    return csv_files.table(headings, lines)


def _ms(found: Quantile | None) -> object:
    return "" if found is None else round(found.total_ms, 1)
