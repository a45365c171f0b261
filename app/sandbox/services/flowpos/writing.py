"""Writes: stock adjustments and new orders."""

import uuid
from typing import Any

from app.sandbox.services.flowpos.tool import NUMBER, TEXT, BusinessCall, demo_tool
from app.sandbox.services.flowpos.wire import ToolRefused, bad_request, not_found
from app.sandbox.store import Record

_STOCK = {"productId": TEXT, "locationId": TEXT, "delta": NUMBER, "reason": TEXT}
_LINE = {"type": "object", "properties": {"productId": TEXT, "quantity": NUMBER}}
_ORDER = {"locationId": TEXT, "clientId": TEXT, "items": {"type": "array", "items": _LINE}}


@demo_tool("pos:write", _STOCK, tuple(_STOCK), inferred=True)
def adjust_inventory(call: BusinessCall) -> Any:
    """Add or remove stock of a product at a location."""
    given = call.given
    delta, reason = given.get("delta"), given.get("reason")
    if not isinstance(delta, int) or isinstance(delta, bool) or delta == 0:
        raise bad_request("delta must be an integer other than 0")
    if not isinstance(reason, str) or not reason:
        raise bad_request("reason should not be empty")
    stock = _stock(call, given.get("productId"), given.get("locationId"))
    if stock["onHand"] + delta < 0:
        raise bad_request("delta would leave less than nothing on hand")
    _move(call, stock, delta)
    id_ = str(uuid.uuid4())
    call.book.put("adjustment", id_, {"id": id_, "delta": delta, "reason": reason, "stock": stock["id"]})
    return {"id": id_, "productId": stock["productId"], "onHand": stock["onHand"] + delta}


@demo_tool("pos:write", _ORDER, ("locationId", "items"), inferred=True)
def create_order(call: BusinessCall) -> Any:
    """Create an unpaid order, which takes stock."""
    given = call.given
    lines, location, client = given.get("items"), given.get("locationId"), given.get("clientId")
    if not isinstance(lines, list) or not lines:
        raise bad_request("items should not be empty")
    if call.find("location", location) is None:
        raise not_found("Location")
    if client is not None and call.find("client", client) is None:
        raise not_found("Client")
    items = [_item(call, line) for line in lines]
    stocks = [_stock(call, item["productId"], location) for item in items]
    for stock, item in zip(stocks, items, strict=True):
        if stock["onHand"] - stock["reserved"] < item["quantity"]:
            raise ToolRefused(409, f"Not enough stock of {item['name']}")
    for item in items:
        _move(call, _stock(call, item["productId"], location), -item["quantity"])
    number, id_ = call.book.new_id("order number", 5000), str(uuid.uuid4())
    order = {
        "id": id_,
        "number": str(number),
        "status": "open",
        "totalMinor": sum(item["quantity"] * item["unitPriceMinor"] for item in items),
        "currency": call.business.currency,
        "locationId": location,
        "clientId": client,
        "createdAt": call.at.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "items": items,
        "payments": [],
    }
    return call.book.put("order", id_, order)


def _item(call: BusinessCall, line: Any) -> dict[str, Any]:
    quantity = line.get("quantity") if isinstance(line, dict) else None
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        raise bad_request("items.0.quantity must not be less than 1")
    product = call.find("product", line.get("productId"))
    if product is None:
        raise not_found("Product")
    return {
        "productId": product["id"],
        "name": product["name"],
        "quantity": quantity,
        "unitPriceMinor": product["priceMinor"],
    }


def _stock(call: BusinessCall, product: Any, location: Any) -> Record:
    found = call.find("stock", f"{product}@{location}")
    if found is None:
        raise not_found("Stock of this product at this location")
    return {**found, "id": f"{product}@{location}"}


def _move(call: BusinessCall, stock: Record, by: int) -> None:
    stored = {name: value for name, value in stock.items() if name != "id"}
    moment = call.at.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    call.book.put("stock", stock["id"], {**stored, "onHand": stock["onHand"] + by, "updatedAt": moment})
