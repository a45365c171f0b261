"""Products and what is in stock."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import POS_READ, POS_WRITE
from app.connectors.flowpos.records import create, read_page
from app.connectors.flowpos.values import After, FlowId, FlowRow, Limit, Words
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.rows import Page
from app.errors import InvalidArguments

PRODUCTS = "/products"
INVENTORY = "/inventory"


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

    For how many are in stock use flowpos_get_inventory.
    """
    filters = {"search": search, "category": category, "limit": limit, "cursor": after}
    return read_page(api, PRODUCTS, Product, filters)


@tool(title="List FlowPOS stock", reads_only=True, pages_by="after", needs_scopes=POS_READ)
def get_inventory(
    api: Api,
    location_id: Annotated[FlowId | None, Field(description="From flowpos_get_sales_by_location.")] = None,
    below_reorder: Annotated[bool | None, Field(description="Only at or below the reorder point.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Stock]:
    """List stock levels, one row per product and location.

    For what to reorder and what the stock is worth use get_inventory_health.
    """
    filters = {"locationId": location_id, "belowReorder": below_reorder, "limit": limit, "cursor": after}
    return read_page(api, INVENTORY, Stock, filters)


@tool(title="Adjust FlowPOS stock", destructive=False, needs_scopes=POS_WRITE)
def adjust_inventory(
    api: Api,
    product_id: Annotated[FlowId, Field(description="Id from flowpos_get_products.")],
    location_id: Annotated[FlowId, Field(description="Id from flowpos_get_inventory.")],
    delta: Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="Negative: fewer.")],
    reason: Annotated[Words, Field(description="For the stock journal.")],
) -> Adjustment:
    """Change the stock of a product at a location by a difference, as after a count, a loss or a delivery.

    It sells nothing: that is flowpos_create_order.
    """
    if delta == 0:
        raise InvalidArguments("delta: must not be 0.", details={"fields": ["delta"]})
    change = {"productId": product_id, "locationId": location_id, "delta": delta, "reason": reason}
    return create(api, INVENTORY + "/adjustments", Adjustment, change)
