"""Demo books around today: realistic, in several currencies, with the edge cases a tool must handle."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app.sandbox.services.freshbooks.people import BUSINESSES, PEOPLE
from app.sandbox.services.freshbooks.records import (
    DraftInvoice,
    add_client,
    add_expense,
    add_invoice,
    add_payment,
    add_project,
    add_time,
)
from app.sandbox.store import Book, Record

_COLLEAGUE = 799_001  # another identity of the business, without a login here


@dataclass(frozen=True)
class _DemoClient:
    organization: str
    first_name: str
    last_name: str
    email: str
    currency: str


@dataclass(frozen=True)
class _Trade:
    """A business's clients, work and expenses."""

    prefix: str
    clients: tuple[_DemoClient, ...]
    work: tuple[tuple[str, str, str], ...]  # name, description, rate
    projects: tuple[str, ...]
    expenses: tuple[tuple[str, str, str], ...]  # vendor, notes, amount


_TRADES = {
    "nW7kQ": _Trade(
        "NS",
        (
            _DemoClient("Alder & Finch Architects", "Priya", "Raman", "accounts@alderfinch.example", "USD"),
            _DemoClient("Brightwater Dental", "Luis", "Ortega", "office@brightwater.example", "USD"),
            _DemoClient("Cobalt Cycles", "Mei", "Tanaka", "mei@cobaltcycles.example", "USD"),
            _DemoClient("Dune Kosmetik GmbH", "Jonas", "Keller", "rechnung@dune.example", "EUR"),
            _DemoClient("Fable Books", "Claire", "Tremblay", "claire@fablebooks.example", "CAD"),
            _DemoClient("Harbor Pottery", "Ed", "Stone", "", "USD"),
        ),
        (
            ("Brand design", "Identity and guidelines", "120.00"),
            ("Web design", "Page layouts", "110.00"),
            ("Consulting", "Workshop", "152.75"),
        ),
        ("Website relaunch", "Packaging 2.0", "Annual report", "Signage"),
        (
            ("Adobe", "Creative tools", "59.99"),
            ("Printworks", "Proofs for packaging", "184.20"),
            ("City Transit", "Client visits", "32.50"),
        ),
    ),
    "hB3vR": _Trade(
        "HP",
        (
            _DemoClient("Citadel Apartments", "Rose", "MacNeil", "rose@citadelapts.example", "CAD"),
            _DemoClient("Quayside Bistro", "Theo", "Marchand", "theo@quayside.example", "CAD"),
            _DemoClient("Lighthouse School", "Ines", "Doucet", "bursar@lighthouse.example", "CAD"),
        ),
        (
            ("Call-out", "Emergency visit", "95.00"),
            ("Installation", "Boiler and fittings", "480.00"),
            ("Maintenance", "Yearly inspection", "160.00"),
        ),
        ("Boiler room renewal", "Kitchen refit"),
        (("Pipe & Valve Co", "Copper fittings", "241.80"), ("Atlantic Fuel", "Van", "88.40")),
    ),
    "zDmNq": _Trade(
        "SS",
        (
            _DemoClient("Hooli Ltd", "Gavin", "B", "gavin@example.com", "USD"),
            _DemoClient("Globex", "Hank", "Scorpio", "hank@globex.example", "USD"),
            _DemoClient("Soylent Kitchens", "Sol", "Roth", "sol@soylent.example", "USD"),
        ),
        (("Consulting", "Monthly retainer", "152.75"), ("Analysis", "Data review", "140.00")),
        ("Website", "Cost review"),
        (("Cloud Nine", "Servers", "120.00"), ("Rail Pass", "Travel", "76.30")),
    ),
    "wRk8s": _Trade(
        "BW",
        (
            _DemoClient("Museum Nord", "Anke", "Voss", "kasse@museumnord.example", "EUR"),
            _DemoClient("Lycée Central", "Luc", "Morel", "luc@lycee.example", "EUR"),
        ),
        (("Workshop", "Two-day course", "650.00"),),
        ("Spring courses",),
        (("Papier & Co", "Handouts", "45.10"),),
    ),
    "h0oLi": _Trade(
        "HO",
        (_DemoClient("Byrd Consulting", "Ada", "Byrd", "ada@byrd.example", "USD"),),
        (("Support", "Portal", "50.00"),),
        (),
        (),
    ),
}


def seed(book: Book, today: date) -> None:
    """Fill one business's book."""
    business, trade = BUSINESSES[book.name], _TRADES[book.name]
    chance = random.Random(book.name)
    clients = [
        add_client(
            book,
            {
                "organization": c.organization,
                "fname": c.first_name,
                "lname": c.last_name,
                "email": c.email,
                "currency_code": c.currency,
                "updated": f"{today - timedelta(days=40)} 09:00:00",
            },
        )
        for c in trade.clients
    ]
    months = 20 if book.name == "nW7kQ" else 6
    _history(book, trade, clients, today, months, chance)
    _present(book, trade, clients, today, chance)
    _work(book, trade, clients, today)
    for back in range(months):
        for number, (vendor, notes, amount) in enumerate(trade.expenses):
            day = today - timedelta(days=30 * back + 3 * number)
            add_expense(
                book,
                vendor,
                notes,
                amount,
                business.currency,
                max(day, today.replace(day=1)) if back == 0 else day,
            )


def _lines(trade: _Trade, chance: random.Random) -> list[dict[str, Any]]:
    name, description, rate = chance.choice(trade.work)
    quantity, cost = str(chance.randint(2, 16)), {"amount": rate}
    return [{"name": name, "description": description, "qty": quantity, "unit_cost": cost}]


def _history(
    book: Book,
    trade: _Trade,
    clients: Iterable[dict[str, Any]],
    today: date,
    months: int,
    chance: random.Random,
) -> None:
    """Invoices of earlier months, paid within a few weeks."""
    first = today.replace(day=1)
    for back in range(months, 0, -1):
        for number, client in enumerate(clients):
            made = first - timedelta(days=30 * back - number * 4 % 25)
            if made >= first:
                made = first - timedelta(days=1)
            lines, paid_on = _lines(trade, chance), made + timedelta(days=14 + number)
            paid = paid_on if paid_on <= today else None
            draft = DraftInvoice(client, lines, made, 30, trade.prefix, sent=True, paid_on=paid)
            add_invoice(book, draft, how=chance.choice(("Check", "Bank Transfer", "Credit Card")))


def _present(
    book: Book, trade: _Trade, clients: list[dict[str, Any]], today: date, chance: random.Random
) -> None:
    """The present: overdue, partly paid, sent and paid this month, and the drafts to send on Saturday."""
    first = today.replace(day=1)
    one, two = clients[0], clients[1 % len(clients)]

    def add(client: Record, made: date, due: int = 30, *, how: str = "Check", **more: Any) -> Record:
        lines = more.pop("lines") if "lines" in more else _lines(trade, chance)
        return add_invoice(book, DraftInvoice(client, lines, made, due, trade.prefix, **more), how=how)

    add(two, today - timedelta(days=75), sent=True)
    add(one, today - timedelta(days=45), sent=True)
    partly = add(one, max(first, today - timedelta(days=12)), sent=True)
    add_payment(book, partly, Decimal("100.00"), today, "Check", "First part")
    for back, client in enumerate(clients):
        made = max(first, today - timedelta(days=9 - back))
        add(client, made, sent=True, paid_on=today if back % 2 == 0 else None)
    if book.name == "nW7kQ":
        viewed = add(two, today, 14, sent=True)
        book.put("invoice", viewed["invoiceid"], {**viewed, "v3_status": "viewed", "status": 3})
        auto = add(one, today, 14, sent=True, paid_on=today, how="Credit Card")
        book.put("invoice", auto["invoiceid"], {**auto, "v3_status": "autopaid", "status": 5})
        # Drafts that must not be sent: an empty one and an archived one.
        add(one, today, lines=[])
        old = add(two, today - timedelta(days=200))
        book.put("invoice", old["invoiceid"], {**old, "vis_state": 2})
    # One draft per client: at Northwind Studio one client has no e-mail address.
    for client in clients:
        add(client, today)


def _work(book: Book, trade: _Trade, clients: list[dict[str, Any]], today: date) -> None:
    """Projects and recent time entries, some not yet invoiced."""
    owner = next(
        person.id for person in PEOPLE.values() if any(b.account_id == book.name for b in person.businesses)
    )
    projects = [
        add_project(book, title, clients[n % len(clients)]["id"], today + timedelta(days=30 + 10 * n))
        for n, title in enumerate(trade.projects)
    ]
    for back in range(20):
        day = today - timedelta(days=back)
        project = projects[back % len(projects)] if projects and back % 3 else None
        client = clients[back % len(clients)]
        add_time(
            book,
            day,
            seconds=3600 + 1800 * (back % 5),
            client_id=project["client_id"] if project else client["id"],
            project_id=project["id"] if project else None,
            note=("Drafts", "Call", "Review round", "Research")[back % 4],
            billable=back % 6 != 5,
            billed=back > 9,
            identity_id=owner if back % 7 else _COLLEAGUE,
        )
