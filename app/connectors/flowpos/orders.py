"""Orders."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos import locations
from app.connectors.flowpos.auth_methods import POS_READ, POS_WRITE
from app.connectors.flowpos.catalogue import find_products, product_name
from app.connectors.flowpos.clients import client_name
from app.connectors.flowpos.records import create, read_all, read_list, read_one, read_page
from app.connectors.flowpos.values import After, FlowId, FlowRow, Limit, check_period, currency_of
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.preview import Preview, amount, facts, listed
from app.connectors.rows import Page, Row


class Order(FlowRow):
    """An order."""

    order_id: str = Field(validation_alias="id")
    number: str | None = None
    status: str | None = None
    total: Money | None = None
    currency: str | None = None
    location_id: str | None = None
    client_id: str | None = None
    created_at: str | None = Field(None, description="In UTC.")


class OrderItem(FlowRow):
    """A line of an order."""

    product_id: str | None = None
    name: str | None = None
    quantity: int | None = None
    unit_price: Money | None = None


class Payment(FlowRow):
    """A payment of an order."""

    method: str | None = None
    amount: Money | None = None


class OrderDetails(Order):
    """An order with its lines and payments."""

    items: list[OrderItem] = []
    payments: list[Payment] = []


class NewItem(Row):
    """A line of a new order."""

    product_id: Annotated[FlowId, Field(description="Id from flowpos_get_products.")]
    quantity: Annotated[int, Field(ge=1, le=100_000, description="How many.")]


@tool(title="List FlowPOS orders", reads_only=True, pages_by="after", needs_scopes=POS_READ)
def list_orders(
    api: Api,
    first: Annotated[
        date | None, Field(alias="from", description="First day, in the business's time zone.")
    ] = None,
    to: Annotated[date | None, Field(description="Last day.")] = None,
    status: Annotated[
        str | None, Field(pattern=r"^[a-z_]{1,40}$", description="Such as open, paid or refunded.")
    ] = None,
    location_id: Annotated[FlowId | None, Field(description="From flowpos_get_sales_by_location.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Order]:
    """List orders, newest first.

    For totals of a period use flowpos_get_sales_report.
    """
    check_period(first, to)
    wanted = {
        "from": first,
        "to": to,
        "status": status,
        "locationId": location_id,
        "limit": limit,
        "cursor": after,
    }
    return read_page(api, "list_orders", Order, wanted)


def latest_orders(api: Api, first: date, last: date, most: int) -> list[Order]:
    """The latest orders of those days."""
    return read_list(api, "list_orders", Order, {"from": first, "to": last, "limit": most})


def sold_orders(api: Api, day: date, most_pages: int) -> tuple[list[Order], bool]:
    """The paid orders of that day, including those refunded later, and whether that is all of them."""
    orders, complete = read_all(api, "list_orders", Order, most_pages, {"from": day, "to": day})
    return [order for order in orders if order.status in {"paid", "refunded"}], complete


@tool(title="Get FlowPOS order", reads_only=True, needs_scopes=POS_READ)
def get_order(
    api: Api, order_id: Annotated[FlowId, Field(description="Id from flowpos_list_orders.")]
) -> OrderDetails:
    """Get one order with its lines and payments.

    To find its id use flowpos_list_orders.
    """
    return read_one(api, "get_order", OrderDetails, {"orderId": order_id})


def _preview_order(api: Api, location_id: str, items: list[NewItem], client_id: str | None = None) -> Preview:
    place, buyer = locations.name_of(api, location_id), client_name(api, client_id) if client_id else ""
    products = find_products(api, (item.product_id for item in items))
    lines, total, currency = [], Decimal(0), currency_of(api)
    for item in items:
        product = products.get(item.product_id)
        lines.append(f"{item.quantity:,} × {product_name(product)}")
        if product is None or product.price is None:
            currency = None
        else:
            total += product.price * item.quantity
    price = amount(total, currency) if currency else ""
    headline = f"Create an order at {place}{f' for {buyer}' if buyer else ''}: {listed(lines)}"
    return Preview(
        headline + (f", {price}" if price else ""),
        "Create order" + (f", {price}" if price else ""),
        facts(
            ("Location", place),
            ("Client", buyer),
            ("Lines", listed(lines, most=100)),
            ("Total at present prices", price or "could not be looked up"),
        ),
        warning="It takes the items out of stock.",
    )


@tool(title="Create FlowPOS order", destructive=True, needs_scopes=POS_WRITE, preview=_preview_order)
def create_order(
    api: Api,
    location_id: Annotated[FlowId, Field(description="Id from flowpos_get_sales_by_location.")],
    items: Annotated[list[NewItem], Field(min_length=1, max_length=100, description="The lines.")],
    client_id: Annotated[FlowId | None, Field(description="Id from flowpos_list_clients.")] = None,
) -> OrderDetails:
    """Create an order at the products' current prices. It reduces stock, takes no payment and can't be
    undone from here: use it once the person has agreed to the lines.
    """
    order = {
        "locationId": location_id,
        "items": [{"productId": item.product_id, "quantity": item.quantity} for item in items],
        **({"clientId": client_id} if client_id else {}),
    }
    return create(api, "create_order", OrderDetails, order)
