"""Sales of a period, counted from the orders."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.services.flowpos.request_checks import BUSINESS, AuthorizedCall, opens
from app.sandbox.services.flowpos.wire import bad_request, period, whole
from app.sandbox.store import Record

bp = Blueprint("reports", __name__)
_TAX_PERCENT = 7


@bp.get(f"{BUSINESS}/reports/sales")
@opens("reports:read")
def sales(call: AuthorizedCall) -> Response:
    """Totals and a series; the totals of an empty period are zero."""
    orders = _sold(call)
    group = request.args.get("groupBy", "day")
    if group not in {"day", "week", "month"}:
        raise bad_request("groupBy must be one of the following values: day, week, month")
    points: dict[str, dict[str, Any]] = {}
    for order in sorted(orders, key=lambda order: order["createdAt"]):
        start = _start_of(call.local_day(order["createdAt"]), group).isoformat()
        point = points.setdefault(start, {"date": start, "netMinor": 0, "orders": 0})
        point["netMinor"] += _net(order)
        point["orders"] += 1
    gross = sum(order["totalMinor"] for order in orders)
    totals = {
        "grossMinor": gross,
        "netMinor": sum(map(_net, orders)),
        "taxMinor": sum(map(_tax, orders)),
        "discountMinor": 0,
        "refundMinor": sum(order["totalMinor"] for order in orders if order["status"] == "refunded"),
        "orders": len(orders),
        "averageMinor": gross // len(orders) if orders else 0,
    }
    return jsonify(currency=call.business.currency, totals=totals, series=list(points.values()))


@bp.get(f"{BUSINESS}/reports/top-products")
@opens("reports:read")
def top_products(call: AuthorizedCall) -> Response:
    """The products with the highest sales."""
    found: dict[str, dict[str, Any]] = {}
    for order in _sold(call):
        for item in order["items"] if order["status"] != "refunded" else ():
            row = found.setdefault(
                item["productId"],
                {"productId": item["productId"], "name": item["name"], "quantity": 0, "netMinor": 0},
            )
            row["quantity"] += item["quantity"]
            row["netMinor"] += item["quantity"] * item["unitPriceMinor"] * 100 // (100 + _TAX_PERCENT)
    ranked = sorted(found.values(), key=lambda row: (-row["netMinor"], row["productId"]))
    return jsonify(data=ranked[: whole("limit", 50, 1, 100)])


@bp.get(f"{BUSINESS}/reports/sales-by-location")
@opens("reports:read")
def sales_by_location(call: AuthorizedCall) -> Response:
    """Sales per location."""
    mine: dict[str, list[Record]] = defaultdict(list)
    for order in _sold(call):
        mine[order["locationId"]].append(order)
    return jsonify(
        data=[
            {
                "locationId": each["id"],
                "name": each["name"],
                "netMinor": sum(map(_net, mine[each["id"]])),
                "orders": len(mine[each["id"]]),
            }
            for each in call.book.all("location")
        ]
    )


def _sold(call: AuthorizedCall) -> list[Record]:
    """The paid orders of the period, including those refunded later."""
    first, last = period(needed=True)
    orders = [order for order in call.book.all("order") if order["status"] in {"paid", "refunded"}]
    return [
        order for order in orders if first and last and first <= call.local_day(order["createdAt"]) <= last
    ]


def _tax(order: Record) -> int:
    gross = int(order["totalMinor"])
    return 0 if order["status"] == "refunded" else gross - gross * 100 // (100 + _TAX_PERCENT)


def _net(order: Record) -> int:
    return 0 if order["status"] == "refunded" else int(order["totalMinor"]) - _tax(order)


def _start_of(day: date, group: str) -> date:
    if group == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if group == "month" else day
