"""What FlowPOS' records are in a summary."""

from collections.abc import Iterable

from app.connectors.flowpos.orders import Order
from app.connectors.flowpos.reports import LocationSales, SalesTotals, SoldProduct
from app.connectors.summary import Figure, FigureName, Part, Ranked, compared

_TOTALS: tuple[tuple[FigureName, str], ...] = (
    ("net_sales", "net"),
    ("gross_sales", "gross"),
    ("tax", "tax"),
    ("discounts", "discount"),
    ("refunds", "refund"),
    ("average_order", "average"),
    ("orders", "orders"),
)


def figures_of(
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


def best_sellers(products: Iterable[SoldProduct]) -> list[Ranked]:
    """What sold best."""
    return [Ranked(id=p.product_id, name=p.name, amount=p.net, count=p.quantity) for p in products]


def shops(locations: Iterable[LocationSales]) -> list[Ranked]:
    """Where it was sold."""
    return [
        Ranked(id=shop.location_id, name=shop.name, amount=shop.net, count=shop.orders) for shop in locations
    ]


def orders_in(part: Part, orders: Iterable[Order]) -> list[Ranked]:
    """Orders, each with its currency where that is not the part's."""
    return [
        Ranked(
            id=order.order_id,
            name=order.number,
            amount=order.total,
            currency=order.currency if order.currency != part.currency else None,
        )
        for order in orders
    ]
