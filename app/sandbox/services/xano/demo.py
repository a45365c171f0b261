"""The records of the demo instances."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.sandbox.services.xano.fields import new_field
from app.sandbox.services.xano.tables import new_table
from app.sandbox.store import Book, Record

_NAMES = [
    "Claw hammer",
    "Wood screws",
    "Wall paint",
    "Paint roller",
    "Spirit level",
    "Work gloves",
    "Cordless drill",
    "Sandpaper",
]
_PEOPLE = ("Maria Costa", "Tom Field", "Lena Ritter", "André Bégin", "Jo Acme", "Ines Prado", "Sam Okoro")


def seed(book: Book, today: date) -> None:
    """Fill an instance's empty book."""
    {"x8ab-12cd-sim1": _shop, "x3fe-90ab-sim2": _warehouse, "x5bb-31ff-sim3": _studio}[book.name](book, today)


def _shop(book: Book, today: date) -> None:
    _workspace(book, 3, "Shop", "The web shop")
    _workspace(book, 4, "Website", "")
    _table(
        book, 7, 3, "category", [new_field("name", "text", required=True, validators={"trim": True})], today
    )
    _records(book, 7, today, [{"name": name} for name in ("Tools", "Paint", "Fixings", "Workwear")])
    product = [
        new_field("name", "text", required=True, validators={"trim": True, "lower": False}),
        new_field("price", "decimal", required=True),
        new_field("stock", "int", default="0"),
        new_field("category_id", "int", tableref_id="7"),
        new_field("state", "enum", values=["draft", "live", "retired"], default="draft"),
        new_field("notes", "text", nullable=True),
    ]
    _table(book, 8, 3, "product", product, today, description="What is sold")
    products = [
        {
            "name": f"{_NAMES[n % len(_NAMES)]} {n + 1}",
            "price": 2.5 + n,
            "stock": n * 3 % 40,
            "category_id": n % 4 + 1,
            "state": ("live", "live", "draft", "retired")[n % 4],
            "notes": None if n % 3 else "Ask the supplier before ordering.",
        }
        for n in range(120)
    ]
    _records(book, 8, today, products)
    customer = [
        new_field("name", "text", required=True),
        new_field("email", "email"),
        new_field("vip", "bool", default="false"),
    ]
    _table(book, 9, 3, "customer", customer, today, auth=True)
    people = [
        {"name": name, "email": f"{name.split()[0].lower()}@example.com", "vip": n % 3 == 0}
        for n, name in enumerate(_PEOPLE)
    ]
    _records(book, 9, today, people)
    _table(book, 10, 3, "empty_table", [new_field("name", "text")], today)
    visit = _table(book, 11, 4, "visit", [new_field("page", "text")], today)
    book.put("table", 11, {**visit, "schema": [new_field("id", "uuid", required=True), *visit["schema"][1:]]})
    for n in range(5):
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"visit-{n}"))
        book.put("record 11", id_, {"id": id_, "created_at": _moment(today, n), "page": f"/products/{n + 1}"})


def _warehouse(book: Book, today: date) -> None:
    _workspace(book, 1, "Warehouse", "Stock of both halls")
    shelf = [
        new_field("code", "text", required=True),
        new_field("hall", "int"),
        new_field("tags", "text", style="list"),
    ]
    _table(book, 2, 1, "shelf", shelf, today)
    _records(
        book,
        2,
        today,
        [{"code": f"A-{n:02}", "hall": 1 + n % 2, "tags": ["dry"] if n % 2 else []} for n in range(12)],
    )


def _studio(book: Book, today: date) -> None:
    _workspace(book, 1, "Studio", "")
    _table(book, 2, 1, "project", [new_field("name", "text", required=True)], today)
    _records(
        book, 2, today, [{"name": name} for name in ("Logo for Juniper Tea", "Menu cards", "Shop window")]
    )


def _workspace(book: Book, id_: int, name: str, description: str) -> None:
    book.put("workspace", id_, {"id": id_, "name": name, "description": description, "branch": "v1"})


def _table(
    book: Book, id_: int, workspace: int, name: str, fields: list[Record], today: date, **more: Any
) -> Record:
    made = f"{today - timedelta(days=200)} 22:00:38+0000"
    table = new_table(id_, workspace, name, made)
    return book.put("table", id_, {**table, **more, "schema": [*table["schema"], *fields]})


def _records(book: Book, table: int, today: date, found: list[Record]) -> None:
    kind = f"record {table}"
    for n, values in enumerate(found):
        id_ = book.new_id(kind)
        book.put(kind, id_, {"id": id_, "created_at": _moment(today, n % 60), **values})


def _moment(today: date, days: int) -> int:
    return int(datetime.combine(today - timedelta(days=days), time(9), UTC).timestamp() * 1000)
