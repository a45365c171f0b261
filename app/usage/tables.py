"""The tables of the page as CSV files."""

from app.errors import InvalidInput
from app.usage import csv_files, page
from app.usage.buckets import Quantile
from app.usage.page import NamedCount, UsagePage

KINDS = ("tool", "member", "client", "outcome", "day")


def csv_of(usage_page: UsagePage, kind: str) -> str:
    """One table of the page as CSV. Raises InvalidInput for an unknown table."""
    if kind == "tool":
        return _tools(usage_page)
    if kind == "day":
        days = (
            [bar.first.isoformat(), bar.last.isoformat(), bar.count.calls, bar.count.failed]
            for bar in usage_page.chart.bars
        )
        return csv_files.table(["first_day", "last_day", "calls", "failed"], days)
    if kind == "client":
        return _counted("ai_client", usage_page.clients)
    if kind == "outcome":
        return csv_files.table(
            ["outcome", "words", "calls"],
            ([each.value, each.name, each.count.calls] for each in usage_page.errors),
        )
    if kind == "member" and usage_page.filter.user_id is None:
        return _counted("member", usage_page.members)
    raise InvalidInput("There is no such table. Use the links on the usage page.")


def _tools(usage_page: UsagePage) -> str:
    headings = ["tool", "connector", "calls", "failed", "median_ms", "p95_ms", "median_own_ms"]
    lines = []
    for each in usage_page.tools:
        median, p95 = each.timed.median, each.timed.p95
        times = [_ms(median), _ms(p95), "" if median is None else round(median.own_ms, 1)]
        lines.append(
            [
                each.tool,
                page.connector_name(usage_page.filter.workspace_id, each.slug),
                each.timed.calls,
                each.timed.failed,
                *times,
            ]
        )
    return csv_files.table(headings, lines)


def _counted(heading: str, named: list[NamedCount]) -> str:
    return csv_files.table(
        [heading, "calls", "failed"], ([each.name, each.count.calls, each.count.failed] for each in named)
    )


def _ms(found: Quantile | None) -> object:
    return "" if found is None else round(found.total_ms, 1)
