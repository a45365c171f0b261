"""Businesses, products, stock, orders, locations, clients, boards, tenants."""

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import here
from app.sandbox.services.flowpos.people import BUSINESSES, OPERATOR, reached
from app.sandbox.services.flowpos.request_checks import BUSINESS, AuthorizedCall, opens, signed_in
from app.sandbox.services.flowpos.wire import day, not_found, page, period, refusal

bp = Blueprint("reading", __name__)


@bp.get("/v1/businesses")
def businesses() -> Response:
    """The businesses that the token opens."""
    found = reached(here(), signed_in())
    return jsonify(
        data=[
            {"id": b.id, "name": b.name, "currency": b.currency, "timezone": b.timezone, "isActive": True}
            for b in found
        ],
        nextCursor=None,
    )


@bp.get("/v1/tenants")
def tenants() -> Response:
    """Every business, for the platform's own keys."""
    if OPERATOR not in signed_in().scopes:
        raise refusal(403, "Operator key required")
    return page([{"id": b.id, "name": b.name, "isActive": True} for b in BUSINESSES.values()])


@bp.get(f"{BUSINESS}/products")
@opens("pos:read")
def products(call: AuthorizedCall) -> Response:
    """Products, by name or SKU, by category."""
    search, category = request.args.get("search", "").casefold(), request.args.get("category")
    found = [p for p in call.book.all("product") if category in {None, p["category"]}]
    return page([p for p in found if search in f"{p['name']} {p['sku']}".casefold()])


@bp.get(f"{BUSINESS}/inventory")
@opens("pos:read")
def inventory(call: AuthorizedCall) -> Response:
    """Stock, one row per product and location."""
    location, below = request.args.get("locationId"), request.args.get("belowReorder") == "true"
    found = [s for s in call.book.all("stock") if location in {None, s["locationId"]}]
    return page([s for s in found if not below or s["onHand"] - s["reserved"] <= s["reorderPoint"]])


@bp.get(f"{BUSINESS}/orders")
@opens("pos:read")
def orders(call: AuthorizedCall) -> Response:
    """Orders, newest first."""
    first, last = period(needed=False)
    status, location = request.args.get("status"), request.args.get("locationId")
    found = [
        {name: value for name, value in order.items() if name not in {"items", "payments"}}
        for order in call.book.all("order")
        if status in {None, order["status"]}
        and location in {None, order["locationId"]}
        and (first is None or call.local_day(order["createdAt"]) >= first)
        and (last is None or call.local_day(order["createdAt"]) <= last)
    ]
    return page(sorted(found, key=lambda order: (order["createdAt"], order["id"]), reverse=True))


@bp.get(f"{BUSINESS}/orders/<id_>")
@opens("pos:read")
def order(call: AuthorizedCall, id_: str) -> Response:
    """One order with its lines and payments."""
    found = call.find("order", id_)
    if found is None:
        raise not_found("Order")
    return jsonify(found)


@bp.get(f"{BUSINESS}/locations")
@opens("pos:read")
def locations(call: AuthorizedCall) -> Response:
    """Shops."""
    return jsonify(data=call.book.all("location"), nextCursor=None)


@bp.get(f"{BUSINESS}/clients")
@opens("pos:read")
def clients(call: AuthorizedCall) -> Response:
    """Clients, by name, e-mail or last order."""
    search, before = request.args.get("search", "").casefold(), day("lastOrderBefore")
    found = [c for c in call.book.all("client") if search in f"{c['name']} {c['email']}".casefold()]
    return page(
        [
            c
            for c in found
            if before is None or (c["lastOrderAt"] and call.local_day(c["lastOrderAt"]) < before)
        ]
    )


@bp.get(f"{BUSINESS}/psa/boards")
@opens("psa:read")
def boards(call: AuthorizedCall) -> Response:
    """Boards with their number of items."""
    items = call.book.all("item")
    found = [
        {**board, "itemsCount": sum(item["board"] == board["id"] for item in items)}
        for board in call.book.all("board")
    ]
    return jsonify(data=found, nextCursor=None)


@bp.get(f"{BUSINESS}/psa/boards/<id_>/items")
@opens("psa:read")
def items(call: AuthorizedCall, id_: str) -> Response:
    """The items of a board."""
    if call.find("board", id_) is None:
        raise not_found("Board")
    status = request.args.get("status")
    found = [
        item for item in call.book.all("item") if item["board"] == id_ and status in {None, item["status"]}
    ]
    return page([{name: value for name, value in item.items() if name != "board"} for item in found])
