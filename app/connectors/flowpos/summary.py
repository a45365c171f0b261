"""FlowPOS' part of a summary: sales beside earlier ones, best sellers, locations, latest orders.

Made of its reports and orders, since these name the days we compare. Where a token has no reports but
FlowPOS' own summaries, those stand in (`own_summary.py`).
"""

from datetime import date, datetime
from decimal import Decimal

from app.connectors.flowpos import own_summary
from app.connectors.flowpos.orders import Order, latest_orders, sold_orders
from app.connectors.flowpos.reports import (
    SalesReport,
    SalesTotals,
    read_sales,
    read_sales_by_location,
    read_top_products,
)
from app.connectors.flowpos.summary_rows import best_sellers, figures_of, orders_in, shops
from app.connectors.flowpos.values import currency_of, timezone_of
from app.connectors.summary import Part, Summarizing, part_of
from app.connectors.summary_days import Days
from app.errors import ProviderError

_BEST, _LATEST = 5, 5
_MOST_PAGES = 10


def summarize(summary: Summarizing) -> list[Part]:
    """The business's sales. Each report may fail alone."""
    api = summary.api
    days = summary.days(timezone_of(api))
    if own_summary.is_needed(summary):
        return own_summary.read(summary, days)
    by_the_hour = summary.period.is_one_day and days.first == days.today
    now: SalesReport | None = None
    earlier: SalesTotals | None = None
    without_today: SalesTotals | None = None
    with summary.reading("sales"):
        now = read_sales(api, days.first, days.last)
    if by_the_hour:
        with summary.reading("sales to compare with"):
            earlier = _sold_until(summary, days.before_first, days.before_end)
    elif days.finished:
        with summary.reading("sales to compare with"):
            last, before_last = days.finished
            without_today = None if days.is_over else read_sales(api, days.first, last).totals
            earlier = read_sales(api, days.before_first, before_last).totals
    currency = (now and now.currency) or currency_of(api)
    figures = figures_of(now.totals, earlier, without_today) if now else []
    part = part_of(days, currency, figures, timed=by_the_hour)
    if by_the_hour:
        part.comparison = f"{part.comparison} Only gross sales and orders: reports cover whole days."
    _add_rankings(summary, days, part)
    return [part]


def _sold_until(summary: Summarizing, day: date, end: datetime) -> SalesTotals:
    """What the orders of that day add up to until then: reports cover whole days, orders carry their time."""
    orders, complete = sold_orders(summary.api, day, _MOST_PAGES)
    if not complete:
        raise ProviderError("There are too many orders in that day to compare its first hours.")
    home = currency_of(summary.api)
    until = [order for order in orders if _is_before(order, end) and order.currency in {None, home}]
    return SalesTotals(gross=sum((o.total or Decimal(0) for o in until), Decimal(0)), orders=len(until))


def _is_before(order: Order, end: datetime) -> bool:
    """Whether it was made before then. Raises ProviderError for an order without a time."""
    try:
        return datetime.fromisoformat(order.created_at or "") < end
    except (ValueError, TypeError):
        raise ProviderError("FlowPOS names no time for some orders of that day.") from None


def _add_rankings(summary: Summarizing, days: Days, part: Part) -> None:
    """What sold best and where, and the latest orders of a single day."""
    api, first, last = summary.api, days.first, days.last
    with summary.reading("top products"):
        part.top_products = best_sellers(read_top_products(api, first, last, _BEST))
    with summary.reading("sales by location"):
        part.locations = shops(read_sales_by_location(api, first, last))
    if summary.period.is_one_day:
        with summary.reading("orders"):
            part.latest_orders = orders_in(part, latest_orders(api, first, last, _LATEST))
