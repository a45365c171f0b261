"""What to reorder, what is overstocked, what the stock is worth and how long it lasts."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import POS_INTENTS
from app.connectors.flowpos.catalogue import INVENTORY, PRODUCTS, Product, Stock
from app.connectors.flowpos.records import read_all
from app.connectors.flowpos.reports import read_top_products
from app.connectors.flowpos.values import FlowId, currency_of, today
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
from app.connectors.rows import Row
from app.errors import ToolError

_MOST_PAGES = 30
_MOST_NAMED = 40
_SALES_DAYS = 30
_MOST_SOLD = 100

Found = TypeVar("Found")


class StockLine(Row):
    """A product at a location."""

    product_id: str
    sku: str | None
    name: str | None
    location_id: str | None
    on_hand: int
    available: int = Field(description="On hand and not reserved.")
    reorder_point: int | None
    reorder_qty: int | None
    days_of_cover: float | None = Field(
        description=(
            "How long what all locations have will last at the pace of the last 30 days; null: not known."
        )
    )


class InventoryHealth(MoneyRow):
    """How the stock is doing."""

    as_of: str = Field(description="Today in the business's time zone.")
    location_id: str | None
    lines: int = Field(description="Products counted, once for each location.")
    out_of_stock: int = Field(description="Nothing available.")
    below_reorder: int = Field(description="At or below the reorder point, but not out.")
    overstocked: int = Field(description="More than twice what reordering would fill up to.")
    value: Money | None = Field(description="Of what is on hand, at cost; null: not known.")
    currency: str | None
    out_of_stock_lines: list[StockLine] = Field(description="Up to 40.")
    below_reorder_lines: list[StockLine] = Field(description="Up to 40, those that run out first first.")
    overstocked_lines: list[StockLine] = Field(description="Up to 40.")
    warnings: list[str] = Field(description="What is missing from these figures.")


@tool(title="Check inventory health", reads_only=True, needs_scopes=POS_INTENTS, bare=True)
def get_inventory_health(
    api: Api,
    location_id: Annotated[
        FlowId | None, Field(description="Id from flowpos_get_sales_by_location; all if left out.")
    ] = None,
) -> InventoryHealth:
    """Show what a FlowPOS business has to reorder, what is out of stock or overstocked, stock value and
    days of cover.

    For single products use flowpos_get_inventory.
    """
    warnings: list[str] = []
    stock, complete = read_all(api, INVENTORY, Stock, _MOST_PAGES, {"locationId": location_id})
    if not complete:
        warnings.append(f"Only the first {len(stock)} stock lines were counted.")
    if unknown := sum(row.on_hand is None for row in stock):
        warnings.append(f"Left out: {unknown} stock lines for which FlowPOS names no number on hand.")
        stock = [row for row in stock if row.on_hand is not None]
    costs = _or_none(
        lambda: _costs(api), "The value is left out: the products' costs could not be read.", warnings
    )
    pace = None
    if location_id is None:
        pace = _or_none(
            lambda: _sold_per_day(api), "Days of cover are left out: the sales could not be read.", warnings
        )
    else:
        warnings.append("Days of cover are left out: sales are known for all locations together only.")
    cover = _cover(stock, pace or {}) if complete else {}
    out = [row for row in stock if _available(row) <= 0]
    low = [
        row
        for row in stock
        if row not in out and row.reorder_point is not None and _available(row) <= row.reorder_point
    ]
    much = [row for row in stock if _is_overstocked(row)]
    low.sort(key=lambda row: cover.get(row.product_id, float("inf")))
    return InventoryHealth(
        as_of=today(api).isoformat(),
        location_id=location_id,
        lines=len(stock),
        out_of_stock=len(out),
        below_reorder=len(low),
        overstocked=len(much),
        value=_value(stock, costs, warnings),
        currency=currency_of(api),
        out_of_stock_lines=_stock_lines(out, cover),
        below_reorder_lines=_stock_lines(low, cover),
        overstocked_lines=_stock_lines(much, cover),
        warnings=warnings,
    )


def _or_none(read: Callable[[], Found], warning: str, warnings: list[str]) -> Found | None:
    """What was read, or None and a warning: one failing part leaves the others intact."""
    try:
        return read()
    except ToolError:
        warnings.append(warning)
        return None


def _costs(api: Api) -> dict[str, Decimal]:
    """What each product costs in the business's currency."""
    products, _ = read_all(api, PRODUCTS, Product, _MOST_PAGES)
    home = currency_of(api)
    return {p.product_id: p.cost for p in products if p.cost is not None and p.currency == home}


def _sold_per_day(api: Api) -> dict[str, float]:
    """Units of each product sold per day, over the last complete days."""
    yesterday = today(api) - timedelta(days=1)
    sold = read_top_products(api, yesterday - timedelta(days=_SALES_DAYS - 1), yesterday, _MOST_SOLD)
    return {product.product_id: (product.quantity or 0) / _SALES_DAYS for product in sold}


def _cover(stock: list[Stock], pace: Mapping[str, float]) -> dict[str, float]:
    available: dict[str, int] = defaultdict(int)
    for row in stock:
        available[row.product_id] += max(0, _available(row))
    return {id_: round(available[id_] / pace[id_], 1) for id_ in available if pace.get(id_, 0) > 0}


def _available(row: Stock) -> int:
    return (row.on_hand or 0) - row.reserved


def _is_overstocked(row: Stock) -> bool:
    full = (row.reorder_point or 0) + (row.reorder_qty or 0)
    return full > 0 and (row.on_hand or 0) > 2 * full


def _value(stock: list[Stock], costs: Mapping[str, Decimal] | None, warnings: list[str]) -> Decimal | None:
    if costs is None:
        return None
    unknown = {row.product_id for row in stock if (row.on_hand or 0) > 0 and row.product_id not in costs}
    if unknown:
        warnings.append(f"The value leaves out {len(unknown)} products without a cost.")
    return sum(
        (max(0, row.on_hand or 0) * costs.get(row.product_id, Decimal(0)) for row in stock), Decimal(0)
    )


def _stock_lines(rows: list[Stock], cover: Mapping[str, float]) -> list[StockLine]:
    return [
        StockLine(
            product_id=row.product_id,
            sku=row.sku,
            name=row.name,
            location_id=row.location_id,
            on_hand=row.on_hand or 0,
            available=_available(row),
            reorder_point=row.reorder_point,
            reorder_qty=row.reorder_qty,
            days_of_cover=cover.get(row.product_id),
        )
        for row in rows[:_MOST_NAMED]
    ]
