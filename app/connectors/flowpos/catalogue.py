"""Products and what is in stock."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos import locations
from app.connectors.flowpos.auth_methods import POS_READ, POS_WRITE
from app.connectors.flowpos.records import create, read_all, read_page
from app.connectors.flowpos.values import After, FlowId, FlowRow, Limit, Words
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.preview import Preview, facts, quoted
from app.connectors.rows import Page
from app.errors import InvalidArguments, ObjectNotFound, PermissionDenied

_MOST_PAGES = 10


class Product(FlowRow):
    """A product."""

    product_id: str = Field(validation_alias="id")
    sku: str | None = None
    name: str | None = None
    category: str | None = None
    price: Money | None = None
    cost: Money | None = None
    currency: str | None = None
    is_active: bool | None = None


class Stock(FlowRow):
    """How much of a product is at a location."""

    product_id: str
    sku: str | None = None
    name: str | None = None
    location_id: str | None = None
    on_hand: int | None = None
    reserved: int = Field(0, description="Part of what is on hand, promised already.")
    reorder_point: int | None = Field(None, description="Time to reorder at or below this.")
    reorder_qty: int | None = None
    updated_at: str | None = None


class Adjustment(FlowRow):
    """A change of stock, as FlowPOS booked it."""

    adjustment_id: str = Field(validation_alias="id")
    product_id: str | None = None
    on_hand: int | None = Field(None, description="What is there now.")


@tool(title="List FlowPOS products", reads_only=True, pages_by="after", needs_scopes=POS_READ)
def get_products(
    api: Api,
    search: Annotated[Words | None, Field(description="Part of the name or SKU.")] = None,
    category: Annotated[Words | None, Field(description="As FlowPOS writes it.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Product]:
    """List the products of a business with price and cost.

    For stock levels use flowpos_get_inventory.
    """
    wanted = {"search": search, "category": category, "limit": limit, "cursor": after}
    return read_page(api, "get_products", Product, wanted)


@tool(title="List FlowPOS stock", reads_only=True, pages_by="after", needs_scopes=POS_READ)
def get_inventory(
    api: Api,
    location_id: Annotated[FlowId | None, Field(description="From flowpos_get_sales_by_location.")] = None,
    below_reorder: Annotated[bool | None, Field(description="Only at or below the reorder point.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Stock]:
    """List stock levels, one row per product and location.

    For what to reorder and stock value use get_inventory_health.
    """
    wanted = {"locationId": location_id, "belowReorder": below_reorder, "limit": limit, "cursor": after}
    return read_page(api, "get_inventory", Stock, wanted)


def find_products(api: Api, ids: Iterable[str]) -> dict[str, Product]:
    """Products by id; without those that could not be looked up, as the token may not read products.

    Raises ObjectNotFound for an id that the whole list does not have.
    """
    try:
        products, is_complete = read_all(api, "get_products", Product, _MOST_PAGES)
    except PermissionDenied:
        return {}
    by_id = {product.product_id: product for product in products}
    for id_ in ids if is_complete else ():
        if id_ not in by_id:
            raise ObjectNotFound(f"product_id: FlowPOS has no product with the id {id_}.")
    return by_id


def product_name(product: Product | None) -> str:
    """The product's quoted name, or words in its place."""
    return quoted(product.name) if product and product.name else "a product that could not be looked up"


def _preview_adjustment(api: Api, product_id: str, location_id: str, delta: int, reason: str) -> Preview:
    _check_delta(delta)
    product = product_name(find_products(api, [product_id]).get(product_id))
    place = locations.name_of(api, location_id)
    now = _on_hand(api, product_id, location_id)
    change = f"{'Add' if delta > 0 else 'Remove'} {abs(delta):,}"
    after = "" if now is None else f" ({now:,} → {now + delta:,})"
    return Preview(
        f"{change} {'to' if delta > 0 else 'from'} the stock of {product} at {place}{after}: "
        f"{quoted(reason)}",
        change,
        facts(("Product", product), ("Location", place), ("On hand now", now)),
        frozenset({"delta", "reason"}),
        "This leaves less than nothing in stock." if now is not None and now + delta < 0 else "",
    )


def _on_hand(api: Api, product_id: str, location_id: str) -> int | None:
    try:
        stock, _ = read_all(api, "get_inventory", Stock, _MOST_PAGES, {"locationId": location_id})
    except PermissionDenied:
        return None
    return next((each.on_hand for each in stock if each.product_id == product_id), None)


@tool(title="Adjust FlowPOS stock", destructive=False, needs_scopes=POS_WRITE, preview=_preview_adjustment)
def adjust_inventory(
    api: Api,
    product_id: Annotated[FlowId, Field(description="Id from flowpos_get_products.")],
    location_id: Annotated[FlowId, Field(description="Id from flowpos_get_inventory.")],
    delta: Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="Negative: fewer.")],
    reason: Annotated[Words, Field(description="For the stock journal.")],
) -> Adjustment:
    """Add to or remove from the stock of a product at a location, as after a count, a loss or a delivery.

    To sell, use flowpos_create_order.
    """
    _check_delta(delta)
    change = {"productId": product_id, "locationId": location_id, "delta": delta, "reason": reason}
    return create(api, "adjust_inventory", Adjustment, change)


def _check_delta(delta: int) -> None:
    if delta == 0:
        raise InvalidArguments("delta: must not be 0.", details={"fields": ["delta"]})
