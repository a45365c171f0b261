"""FlowPOS' own summaries and health checks. The names are documented, arguments and answers are not."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from app.sandbox.services.flowpos.reports import best_sellers, by_location, sold, totals
from app.sandbox.services.flowpos.tool import DATE, NUMBER, PERIOD, TEXT, BusinessCall, demo_tool
from app.sandbox.services.flowpos.wire import bad_request, day, period, whole
from app.sandbox.store import Record

_SALES_DAYS = 30
_PRESETS = ("7d", "30d", "this_month", "last_month")


@demo_tool("pos:intents", {"date": DATE})
def summarize_day(call: BusinessCall) -> Any:
    """Summarize a day beside the same weekday before."""
    wanted = day(call.given, "date") or call.today()
    return _summary(call, wanted, wanted, timedelta(days=7))


@demo_tool("pos:intents", {**PERIOD, "preset": TEXT})
def summarize_period(call: BusinessCall) -> Any:
    """Summarize a period beside the one before."""
    preset = call.given.get("preset")
    first, last = _days_of(preset, call.today()) if preset else period(call.given, needed=True)
    if first is None or last is None or preset not in {None, *_PRESETS}:
        raise bad_request(f"preset must be one of the following values: {', '.join(_PRESETS)}")
    return _summary(call, first, last, last - first + timedelta(days=1))


@demo_tool("pos:intents", {"locationId": TEXT})
def get_inventory_health(call: BusinessCall) -> Any:
    """Show what to reorder, what is overstocked, what the stock is worth and how long it lasts."""
    place = call.given.get("locationId")
    stock = [s for s in call.book.all("stock") if place in {None, s["locationId"]}]
    cover = {} if place else _cover(call)
    out = [s for s in stock if _available(s) <= 0]
    low = [s for s in stock if 0 < _available(s) <= s["reorderPoint"]]
    low.sort(key=lambda s: cover.get(s["productId"], float("inf")))
    full = [s for s in stock if s["onHand"] > 2 * (s["reorderPoint"] + s["reorderQty"]) > 0]
    costs = {product["id"]: product["costMinor"] for product in call.book.all("product")}
    return {
        "asOf": call.today().isoformat(),
        "locationId": place,
        "lines": len(stock),
        "outOfStock": len(out),
        "belowReorder": len(low),
        "overstocked": len(full),
        "valueMinor": sum(s["onHand"] * costs[s["productId"]] for s in stock),
        "currency": call.business.currency,
        "outOfStockLines": [_line(s, cover) for s in out],
        "belowReorderLines": [_line(s, cover) for s in low],
        "overstockedLines": [_line(s, cover) for s in full],
        "warnings": ["Days of cover are known for all locations together only."] if place else [],
    }


@demo_tool("pos:intents", {"inactiveDays": NUMBER})
def get_client_health(call: BusinessCall) -> Any:
    """Show which clients are active, at risk or lost, and the top spenders."""
    days = whole(call.given, "inactiveDays", 60, 1, 3650)
    clients = sorted(call.book.all("client"), key=lambda client: -client["totalSpentMinor"])
    since = {
        client["id"]: (call.today() - call.local_day(client["lastOrderAt"])).days
        for client in clients
        if client["lastOrderAt"]
    }
    quiet = [
        {**_named(client), "daysSinceOrder": since[client["id"]]}
        for client in clients
        if client["id"] in since
    ]
    at_risk = [client for client in quiet if days < client["daysSinceOrder"] <= 2 * days]
    lost = [client for client in quiet if client["daysSinceOrder"] > 2 * days]
    return {
        "currency": call.business.currency,
        "asOf": call.today().isoformat(),
        "inactiveDays": days,
        "total": len(clients),
        "active": len(quiet) - len(at_risk) - len(lost),
        "atRisk": len(at_risk),
        "lost": len(lost),
        "neverOrdered": len(clients) - len(quiet),
        "topSpenders": [client for client in clients if client["totalSpentMinor"]][:10],
        "atRiskClients": at_risk,
        "lostClients": lost,
    }


def _summary(call: BusinessCall, first: date, last: date, back: timedelta) -> dict[str, Any]:
    orders, before = sold(call, first, last), sold(call, first - back, last - back)
    latest = sorted(orders, key=lambda order: order["createdAt"], reverse=True)[:5]
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "currency": call.business.currency,
        "timezone": call.business.timezone,
        "totals": totals(orders),
        "previous": {
            "from": (first - back).isoformat(),
            "to": (last - back).isoformat(),
            "totals": totals(before),
        },
        "topProducts": best_sellers(orders)[:5],
        "locations": by_location(call, orders),
        "orders": [
            {name: order[name] for name in ("id", "number", "totalMinor", "currency")} for order in latest
        ],
    }


def _days_of(preset: Any, today: date) -> tuple[date, date]:
    if preset == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if preset == "this_month":
        return today.replace(day=1), today
    return today - timedelta(days=6 if preset == "7d" else 29), today


def _cover(call: BusinessCall) -> dict[str, float]:
    """How many days the stock of each product lasts at the pace of the last ones."""
    available: dict[str, int] = defaultdict(int)
    for stock in call.book.all("stock"):
        available[stock["productId"]] += max(0, _available(stock))
    yesterday = call.today() - timedelta(days=1)
    rows = best_sellers(sold(call, yesterday - timedelta(days=_SALES_DAYS - 1), yesterday))
    return {
        row["productId"]: round(available[row["productId"]] * _SALES_DAYS / row["quantity"], 1)
        for row in rows
    }


def _available(stock: Record) -> int:
    return int(stock["onHand"]) - int(stock["reserved"])


def _line(stock: Record, cover: dict[str, float]) -> dict[str, Any]:
    names = ("productId", "sku", "name", "locationId", "onHand", "reorderPoint", "reorderQty")
    return {
        **{name: stock[name] for name in names},
        "available": _available(stock),
        "daysOfCover": cover.get(stock["productId"]),
    }


def _named(client: Record) -> dict[str, Any]:
    return {"clientId": client["id"], **{name: client[name] for name in ("name", "email", "totalSpentMinor")}}
