"""FlowPOS' own summaries, for a token that has them and no reports.

FlowPOS documents their names, not what they answer. Figures under the names of its reports become ours; its
own days to compare with count only where they are the ones that every service is compared with.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.connectors.flowpos import listed_tools
from app.connectors.flowpos.orders import Order
from app.connectors.flowpos.reports import LocationSales, SalesTotals, SoldProduct
from app.connectors.flowpos.summary_rows import best_sellers, figures_of, orders_in, shops
from app.connectors.flowpos.tool_calls import call
from app.connectors.flowpos.values import FlowRow, currency_of, in_main_units, read_as, unreadable
from app.connectors.summary import Part, Summarizing, part_of
from app.connectors.summary_days import Days

_REPORT = "get_sales_report"
_NOT_COMPARED = "Not compared: FlowPOS' own summary names no figures of the days before."


class _SummarizedDays(FlowRow):
    first: str | None = Field(None, validation_alias="from")
    to: str | None = None
    totals: SalesTotals | None = None


class _OwnSummary(_SummarizedDays):
    currency: str | None = None
    previous: _SummarizedDays | None = None
    top_products: list[SoldProduct] = []
    locations: list[LocationSales] = []
    orders: list[Order] = []


def is_needed(summary: Summarizing) -> bool:
    """Whether FlowPOS lists its own summary for the token, and no reports."""
    tools = listed_tools.of_connection(summary.api)
    return _REPORT not in tools and _name(summary) in tools


def read(summary: Summarizing, days: Days) -> list[Part]:
    """The part that FlowPOS' own summary makes; without figures if it could not be read."""
    found = _OwnSummary()
    with summary.reading("sales"):
        found = _fetch(summary, days)
    before = found.previous
    is_compared = (
        days.is_over
        and before is not None
        and (before.first, before.to) == (days.before_first.isoformat(), days.before_last.isoformat())
    )
    earlier = before.totals if before and is_compared else None
    figures = figures_of(found.totals, earlier, None) if found.totals else []
    part = part_of(days, found.currency or currency_of(summary.api), figures)
    if not is_compared:
        part.compared_first_day = part.compared_last_day = None
        part.comparison = _NOT_COMPARED
    part.top_products = best_sellers(found.top_products)
    part.locations = shops(found.locations)
    part.latest_orders = orders_in(part, found.orders) if summary.period.is_one_day else []
    return [part]


def _fetch(summary: Summarizing, days: Days) -> _OwnSummary:
    wanted: Mapping[str, Any] = {"from": days.first, "to": days.last}
    if summary.period.is_one_day:
        wanted = {"date": days.first}
    answer = call(summary.api, _name(summary), wanted)
    found = read_as(_OwnSummary, in_main_units(answer, currency_of(summary.api)))
    if found.totals is None:
        raise unreadable()
    return found


def _name(summary: Summarizing) -> str:
    return "summarize_day" if summary.period.is_one_day else "summarize_period"
