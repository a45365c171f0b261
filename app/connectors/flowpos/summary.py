"""FlowPOS' part of a summary: sales beside earlier ones, best sellers, latest orders or locations."""

from decimal import Decimal

from app.connectors.flowpos.orders import latest_orders
from app.connectors.flowpos.reports import SalesReport, read_sales, read_sales_by_location, read_top_products
from app.connectors.flowpos.values import currency_of, zone_of
from app.connectors.money import as_text, from_minor
from app.connectors.summary import Figure, FigureName, Part, Ranked, Summarizing, compared, part_of

_BEST, _LATEST = 5, 5
_TOTALS: tuple[tuple[FigureName, str], ...] = (
    ("net_sales", "net_minor"),
    ("gross_sales", "gross_minor"),
    ("tax", "tax_minor"),
    ("discounts", "discount_minor"),
    ("refunds", "refund_minor"),
    ("average_order", "average_minor"),
)


def summarize(summary: Summarizing) -> list[Part]:
    """The business's sales. Each report may fail alone."""
    api = summary.api
    days = summary.days(zone_of(api).key)
    now = before = None
    with summary.reading("sales"):
        now = read_sales(api, days.first, days.last)
    with summary.reading("sales to compare with"):
        before = read_sales(api, days.before_first, days.before_last)
    currency = (now and now.currency) or (before and before.currency) or currency_of(api)
    part = part_of(days, currency, _figures(currency, now, before) if now else [])
    with summary.reading("top products"):
        part.top_products = [
            Ranked(id=p.product_id, name=p.name, amount=_text(p.net_minor, currency), count=p.quantity)
            for p in read_top_products(api, days.first, days.last, _BEST)
        ]
    if summary.period.is_one_day:
        with summary.reading("orders"):
            part.latest_orders = [
                Ranked(id=o.order_id, name=o.number, amount=_text(o.total_minor, o.currency or currency))
                for o in latest_orders(api, days.first, days.last, _LATEST)
            ]
    else:
        with summary.reading("sales by location"):
            part.locations = [
                Ranked(
                    id=shop.location_id,
                    name=shop.name,
                    amount=_text(shop.net_minor, currency),
                    count=shop.orders,
                )
                for shop in read_sales_by_location(api, days.first, days.last)
            ]
    return [part]


def _figures(currency: str | None, now: SalesReport, before: SalesReport | None) -> list[Figure]:
    def amount(report: SalesReport | None, total: str) -> Decimal | None:
        return from_minor(getattr(report.totals, total), currency) if report else None

    figures = [
        compared(name, currency, (amount(now, total), None), (amount(before, total), None))
        for name, total in _TOTALS
    ]
    orders = compared(
        "orders", currency, (None, now.totals.orders), (None, before.totals.orders if before else None)
    )
    return [*figures, orders]


def _text(minor: int, currency: str | None) -> str:
    return as_text(from_minor(minor, currency), currency)
