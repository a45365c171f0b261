"""Products, stock, orders, locations, clients, boards."""

from typing import Any

from app.sandbox.services.flowpos.tool import DATE, PAGING, PERIOD, TEXT, TRUTH, BusinessCall, demo_tool
from app.sandbox.services.flowpos.wire import day, not_found, page, period, text


@demo_tool("pos:read", {"search": TEXT, "category": TEXT, **PAGING})
def get_products(call: BusinessCall) -> Any:
    """List products, by name or SKU, by category."""
    search, category = text(call.given, "search").casefold(), call.given.get("category")
    found = [p for p in call.book.all("product") if category in {None, p["category"]}]
    return page([p for p in found if search in f"{p['name']} {p['sku']}".casefold()], call.given)


@demo_tool("pos:read", {"locationId": TEXT, "belowReorder": TRUTH, **PAGING})
def get_inventory(call: BusinessCall) -> Any:
    """List stock levels, one row per product and location."""
    location, below = call.given.get("locationId"), call.given.get("belowReorder") is True
    found = [s for s in call.book.all("stock") if location in {None, s["locationId"]}]
    rows = [s for s in found if not below or s["onHand"] - s["reserved"] <= s["reorderPoint"]]
    return page(rows, call.given)


@demo_tool("pos:read", {**PERIOD, "status": TEXT, "locationId": TEXT, **PAGING})
def list_orders(call: BusinessCall) -> Any:
    """List orders, newest first."""
    first, last = period(call.given, needed=False)
    status, location = call.given.get("status"), call.given.get("locationId")
    found = [
        {name: value for name, value in order.items() if name not in {"items", "payments"}}
        for order in call.book.all("order")
        if status in {None, order["status"]}
        and location in {None, order["locationId"]}
        and (first is None or call.local_day(order["createdAt"]) >= first)
        and (last is None or call.local_day(order["createdAt"]) <= last)
    ]
    return page(sorted(found, key=lambda order: (order["createdAt"], order["id"]), reverse=True), call.given)


@demo_tool("pos:read", {"orderId": TEXT}, ("orderId",), inferred=True)
def get_order(call: BusinessCall) -> Any:
    """Get one order with its lines and payments."""
    found = call.find("order", call.given.get("orderId"))
    if found is None:
        raise not_found("Order")
    return found


@demo_tool("pos:read", inferred=True)
def list_locations(call: BusinessCall) -> Any:
    """List the shops of the business."""
    return {"data": call.book.all("location"), "nextCursor": None}


@demo_tool("pos:read", {"search": TEXT, "lastOrderBefore": DATE, **PAGING}, inferred=True)
def list_clients(call: BusinessCall) -> Any:
    """List clients, by name, e-mail or last order."""
    search, before = text(call.given, "search").casefold(), day(call.given, "lastOrderBefore")
    found = [c for c in call.book.all("client") if search in f"{c['name']} {c['email']}".casefold()]
    rows = [
        c for c in found if before is None or (c["lastOrderAt"] and call.local_day(c["lastOrderAt"]) < before)
    ]
    return page(rows, call.given)


@demo_tool("psa:read", inferred=True)
def list_psa_boards(call: BusinessCall) -> Any:
    """List boards with their number of items."""
    items = call.book.all("item")
    found = [
        {**board, "itemsCount": sum(item["board"] == board["id"] for item in items)}
        for board in call.book.all("board")
    ]
    return {"data": found, "nextCursor": None}


@demo_tool("psa:read", {"boardId": TEXT, "status": TEXT, **PAGING}, ("boardId",), inferred=True)
def list_psa_items(call: BusinessCall) -> Any:
    """List the items of a board."""
    id_ = call.given.get("boardId")
    if call.find("board", id_) is None:
        raise not_found("Board")
    status = call.given.get("status")
    found = [
        item for item in call.book.all("item") if item["board"] == id_ and status in {None, item["status"]}
    ]
    return page([{name: v for name, v in item.items() if name != "board"} for item in found], call.given)
