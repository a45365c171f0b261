"""Sales of a period, counted from the orders."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from app.sandbox.services.flowpos.tool import NUMBER, PERIOD, TEXT, BusinessCall, demo_tool
from app.sandbox.services.flowpos.wire import bad_request, period, whole
from app.sandbox.store import Record

_TAX_PERCENT = 7
_DAYS = ("from", "to")


@demo_tool("reports:read", {**PERIOD, "groupBy": TEXT}, _DAYS)
def get_sales_report(call: BusinessCall) -> Any:
    """Get totals and a series; the totals of an empty period are zero."""
    group = call.given.get("groupBy", "day")
    if group not in {"day", "week", "month"}:
        raise bad_request("groupBy must be one of the following values: day, week, month")
    orders = _sold_in_period(call)
    points: dict[str, dict[str, Any]] = {}
    for order in sorted(orders, key=lambda order: order["createdAt"]):
        start = _start_of(call.local_day(order["createdAt"]), group).isoformat()
        point = points.setdefault(start, {"date": start, "netMinor": 0, "orders": 0})
        point["netMinor"] += _net(order)
        point["orders"] += 1
    return {"currency": call.business.currency, "totals": totals(orders), "series": list(points.values())}


@demo_tool("reports:read", {**PERIOD, "limit": NUMBER}, _DAYS)
def get_top_products(call: BusinessCall) -> Any:
    """Get the products with the highest sales."""
    return {"data": best_sellers(_sold_in_period(call))[: whole(call.given, "limit", 50, 1, 100)]}


@demo_tool("reports:read", PERIOD, _DAYS)
def get_sales_by_location(call: BusinessCall) -> Any:
    """Get sales per location."""
    return {"data": by_location(call, _sold_in_period(call))}


def sold(call: BusinessCall, first: date, last: date) -> list[Record]:
    """The paid orders of those days, including those refunded later."""
    orders = [order for order in call.book.all("order") if order["status"] in {"paid", "refunded"}]
    return [order for order in orders if first <= call.local_day(order["createdAt"]) <= last]


def totals(orders: list[Record]) -> dict[str, int]:
    """The sums of those orders."""
    gross = sum(order["totalMinor"] for order in orders)
    return {
        "grossMinor": gross,
        "netMinor": sum(map(_net, orders)),
        "taxMinor": sum(map(_tax, orders)),
        "discountMinor": 0,
        "refundMinor": sum(order["totalMinor"] for order in orders if order["status"] == "refunded"),
        "orders": len(orders),
        "averageMinor": gross // len(orders) if orders else 0,
    }


def best_sellers(orders: list[Record]) -> list[dict[str, Any]]:
    """The products of those orders, those with the highest sales first."""
    found: dict[str, dict[str, Any]] = {}
    for order in orders:
        for item in order["items"] if order["status"] != "refunded" else ():
            row = found.setdefault(
                item["productId"],
                {"productId": item["productId"], "name": item["name"], "quantity": 0, "netMinor": 0},
            )
            row["quantity"] += item["quantity"]
            row["netMinor"] += item["quantity"] * item["unitPriceMinor"] * 100 // (100 + _TAX_PERCENT)
    return sorted(found.values(), key=lambda row: (-row["netMinor"], row["productId"]))


def by_location(call: BusinessCall, orders: list[Record]) -> list[dict[str, Any]]:
    """The sales of each location."""
    mine: dict[str, list[Record]] = defaultdict(list)
    for order in orders:
        mine[order["locationId"]].append(order)
    return [
        {
            "locationId": each["id"],
            "name": each["name"],
            "netMinor": sum(map(_net, mine[each["id"]])),
            "orders": len(mine[each["id"]]),
        }
        for each in call.book.all("location")
    ]


def _sold_in_period(call: BusinessCall) -> list[Record]:
    first, last = period(call.given, needed=True)
    return sold(call, first, last) if first and last else []


def _tax(order: Record) -> int:
    gross = int(order["totalMinor"])
    return 0 if order["status"] == "refunded" else gross - gross * 100 // (100 + _TAX_PERCENT)


def _net(order: Record) -> int:
    return 0 if order["status"] == "refunded" else int(order["totalMinor"]) - _tax(order)


def _start_of(day: date, group: str) -> date:
    if group == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if group == "month" else day
