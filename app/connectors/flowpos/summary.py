"""FlowPOS' part of a summary: sales beside earlier ones, best sellers, locations, latest orders."""

from datetime import date, datetime
from decimal import Decimal

from app.connectors.flowpos.orders import Order, latest_orders, sold_orders
from app.connectors.flowpos.reports import (
    SalesReport,
    SalesTotals,
    read_sales,
    read_sales_by_location,
    read_top_products,
)
from app.connectors.flowpos.values import currency_of, zone_of
from app.connectors.summary import Figure, FigureName, Part, Ranked, Summarizing, compared, part_of
from app.connectors.summary_days import Days
from app.errors import ProviderError

_BEST, _LATEST = 5, 5
_MOST_PAGES = 10
_TOTALS: tuple[tuple[FigureName, str], ...] = (
    ("net_sales", "net"),
    ("gross_sales", "gross"),
    ("tax", "tax"),
    ("discounts", "discount"),
    ("refunds", "refund"),
    ("average_order", "average"),
    ("orders", "orders"),
)


def summarize(summary: Summarizing) -> list[Part]:
    """The business's sales. Each report may fail alone."""
    api = summary.api
    days = summary.days(zone_of(api).key)
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
    figures = _figures(now.totals, earlier, without_today) if now else []
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


def _figures(
    now: SalesTotals, earlier: SalesTotals | None, without_today: SalesTotals | None
) -> list[Figure]:
    """Each total that FlowPOS names, beside its earlier value."""
    figures = []
    for name, total in _TOTALS:
        value, before = getattr(now, total), getattr(earlier, total, None)
        if value is None:
            continue
        rest = None if without_today is None or before is None else getattr(without_today, total)
        pairs = [(None, each) if name == "orders" else (each, None) for each in (value, before, rest)]
        figures.append(compared(name, pairs[0], pairs[1], None if rest is None else pairs[2]))
    return figures


def _add_rankings(summary: Summarizing, days: Days, part: Part) -> None:
    """What sold best and where, and the latest orders of a single day."""
    api, first, last = summary.api, days.first, days.last
    with summary.reading("top products"):
        part.top_products = [
            Ranked(id=p.product_id, name=p.name, amount=p.net, count=p.quantity)
            for p in read_top_products(api, first, last, _BEST)
        ]
    with summary.reading("sales by location"):
        part.locations = [
            Ranked(id=shop.location_id, name=shop.name, amount=shop.net, count=shop.orders)
            for shop in read_sales_by_location(api, first, last)
        ]
    if summary.period.is_one_day:
        with summary.reading("orders"):
            part.latest_orders = [
                Ranked(
                    id=order.order_id,
                    name=order.number,
                    amount=order.total,
                    currency=order.currency if order.currency != part.currency else None,
                )
                for order in latest_orders(api, first, last, _LATEST)
            ]
