"""Demo records around today: seventy days of orders, too little and too much stock, clients of every kind.

The shops go on selling: `sell` adds the orders since the last look, none of them in the future. A day begins
with an order placed online at midnight, so that today has sales whatever the hour.
"""

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.sandbox.services.flowpos.people import BUSINESSES
from app.sandbox.store import Book

_DAYS = 70
_ALWAYS_PAST = 2  # days back on which it is evening in every time zone
_MANY = 99  # more orders than a day has: the day is complete
_selling = threading.Lock()
# SKU, name, category, price, cost; first location: on hand, reserved, reorder point, reorder quantity
_PRODUCTS = (
    ("BEAN-1KG", "Espresso beans 1 kg", "Beans", 2150, 1290, (3, 1, 6, 24)),
    ("BEAN-250", "Filter beans 250 g", "Beans", 890, 510, (40, 0, 10, 30)),
    ("CUP-STD", "Stoneware cup", "Goods", 1450, 600, (0, 0, 4, 12)),
    ("MUG-TRV", "Travel mug", "Goods", 2490, 1150, (95, 0, 5, 10)),
    ("CROI-BTR", "Butter croissant", "Bakery", 280, 110, (60, 4, 20, 60)),
    ("CAKE-CAR", "Carrot cake, slice", "Bakery", 420, 150, (8, 0, 12, 24)),
    ("TEA-GRN", "Green tea 100 g", "Tea", 760, 340, (25, 0, 8, 16)),
    ("GIFT-25", "Gift card 25", "Cards", 2500, 0, (200, 0, 0, 0)),
)
# name, e-mail, orders, spent, days since the last one
_CLIENTS = (
    ("Ada Byron", "ada@byron.example", 31, 58_240, 2),
    ("Northwind Office", "office@northwind.example", 48, 214_900, 9),
    ("Per Lind", "per@lind.example", 6, 9_310, 41),
    ("Maple Dental", "office@mapledental.example", 22, 71_500, 75),
    ("Ida Rask", "ida@rask.example", 4, 5_120, 112),
    ("Old Mill Hotel", "front@oldmill.example", 60, 402_330, 190),
    ("Sam Newman", "sam@newman.example", 0, 0, None),
)


def seed(book: Book, today: date) -> None:
    """Write a business's first records."""
    business = BUSINESSES[book.name]
    zone, tag = ZoneInfo(business.timezone), business.id[-1]
    for number, name in enumerate(("Main street", "Station"), 1):
        book.put("location", f"l-{tag}{number}", {"id": f"l-{tag}{number}", "name": name})
    for number, (sku, name, category, price, cost, stock) in enumerate(_PRODUCTS, 1):
        id_ = f"p-{tag}{number}"
        product = {
            "id": id_,
            "sku": sku,
            "name": name,
            "category": category,
            "priceMinor": price,
            "costMinor": cost,
        }
        book.put("product", id_, {**product, "currency": business.currency, "isActive": True})
        for place, (on_hand, reserved, point, quantity) in enumerate(
            (stock, (stock[2] + 5, 0, stock[2], stock[3])), 1
        ):
            row = {
                "productId": id_,
                "sku": sku,
                "name": name,
                "locationId": f"l-{tag}{place}",
                "onHand": on_hand,
                "reserved": reserved,
            }
            more = {
                "reorderPoint": point,
                "reorderQty": quantity,
                "updatedAt": f"{_day(today, 1)}T06:00:00Z",
            }
            book.put("stock", f"{id_}@l-{tag}{place}", {**row, **more})
    for number, (name, email, orders, spent, days) in enumerate(_CLIENTS, 1):
        id_ = f"c-{tag}{number}"
        last = _moment(today - timedelta(days=days), 11, zone) if days is not None else None
        record = {
            "id": id_,
            "name": name,
            "email": email,
            "ordersCount": orders,
            "totalSpentMinor": spent,
            "lastOrderAt": last,
        }
        book.put("client", id_, record)
    for back in range(_DAYS, _ALWAYS_PAST - 1, -1):
        _seed_day(book, today - timedelta(days=back), back)
    book.put("till", "sold", {"began": today.isoformat(), "day": _day(today, _ALWAYS_PAST), "orders": _MANY})
    for number, name in enumerate(("Catering", "Repairs"), 1):
        book.put("board", f"board-{tag}{number}", {"id": f"board-{tag}{number}", "name": name})
    for number, (title, status, who) in enumerate(
        (("Wedding at the mill", "open", "Mara"), ("Office breakfast", "done", None)), 1
    ):
        due = (today + timedelta(days=7 * number)).isoformat()
        item = {
            "id": f"i-{tag}{number}",
            "title": title,
            "status": status,
            "assignee": who,
            "dueDate": due,
            "clientId": f"c-{tag}{number}",
        }
        book.put("item", item["id"], {**item, "board": f"board-{tag}1"})


def sell(book: Book, now: datetime) -> None:
    """Add the orders of a business from the last one until now."""
    with _selling:
        till = book.find("till", "sold")
        if till is None:
            return
        began, last = date.fromisoformat(till["began"]), date.fromisoformat(till["day"])
        today = now.astimezone(ZoneInfo(BUSINESSES[book.name].timezone)).date()
        made = done = int(till["orders"])
        for day in (last + timedelta(days=n) for n in range(max(0, (today - last).days) + 1)):
            made = _seed_day(book, day, (began - day).days, skip=done if day == last else 0, until=now)
        if (today.isoformat(), made) != (till["day"], done) and today >= last:
            book.put("till", "sold", {**till, "day": today.isoformat(), "orders": made})


def _seed_day(book: Book, day: date, back: int, *, skip: int = 0, until: datetime | None = None) -> int:
    """Add a day's orders after the first `skip`, until that moment. Returns how many the day has now."""
    business = BUSINESSES[book.name]
    currency, zone, tag = business.currency, ZoneInfo(business.timezone), business.id[-1]
    for nth in range(3 + back * 7 % 5):
        hour = 8 + nth * 2 if nth or back > 0 else None
        created = _moment(day, hour, zone) if hour is not None else _midnight(day, zone)
        if until is not None and datetime.fromisoformat(created) > until:
            return max(nth, skip)
        if nth < skip:
            continue
        first, second = (back + nth * 3) % len(_PRODUCTS), (back * 2 + nth) % len(_PRODUCTS)
        items = [
            {
                "productId": f"p-{tag}{which + 1}",
                "name": _PRODUCTS[which][1],
                "quantity": count,
                "unitPriceMinor": _PRODUCTS[which][3],
            }
            for which, count in {first: 1 + nth % 2, second: 1}.items()
        ]
        total = sum(item["quantity"] * item["unitPriceMinor"] for item in items)  # type: ignore[operator]
        number = book.new_id("demo order", 1001)
        id_ = f"o-{tag}-{number}"
        order = {
            "id": id_,
            "number": str(number),
            "status": "refunded" if number % 41 == 0 else "paid",
            "totalMinor": total,
            "currency": currency,
            "locationId": f"l-{tag}{1 + nth % 2}",
            "clientId": f"c-{tag}{1 + nth}" if nth < 3 else None,
            "createdAt": created,
            "items": items,
            "payments": [{"method": "card" if nth % 2 else "cash", "amountMinor": total}],
        }
        book.put("order", id_, order)
    return max(3 + back * 7 % 5, skip)


def _day(today: date, back: int) -> str:
    return (today - timedelta(days=back)).isoformat()


def _midnight(day: date, zone: ZoneInfo) -> str:
    return datetime.combine(day, time(), zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(day: date, hour: int, zone: ZoneInfo) -> str:
    return datetime.combine(day, time(hour, 15), zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
