"""The first records of the demo organisations: the half year up to today."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import cents
from app.sandbox.services.xero.companies import ORGANISATIONS, DemoOrganisation
from app.sandbox.services.xero.records import sums
from app.sandbox.services.xero.wire import guid
from app.sandbox.store import Book, Record

# code, name, type, class, whether it takes payments
_ACCOUNTS = (
    ("090", "Business Bank Account", "BANK", "ASSET", False),
    ("091", "Business Savings Account", "BANK", "ASSET", False),
    ("", "Company Card", "BANK", "ASSET", False),
    ("200", "Sales", "REVENUE", "REVENUE", False),
    ("260", "Other Revenue", "REVENUE", "REVENUE", False),
    ("310", "Cost of Goods Sold", "DIRECTCOSTS", "EXPENSE", False),
    ("400", "Advertising", "EXPENSE", "EXPENSE", False),
    ("429", "General Expenses", "EXPENSE", "EXPENSE", False),
    ("445", "Light, Power, Heating", "EXPENSE", "EXPENSE", False),
    ("453", "Office Expenses", "EXPENSE", "EXPENSE", False),
    ("469", "Rent", "EXPENSE", "EXPENSE", False),
    ("489", "Telephone & Internet", "EXPENSE", "EXPENSE", False),
    ("493", "Travel - National", "EXPENSE", "EXPENSE", False),
    ("610", "Accounts Receivable", "CURRENT", "ASSET", False),
    ("800", "Accounts Payable", "CURRLIAB", "LIABILITY", False),
    ("820", "GST", "CURRLIAB", "LIABILITY", False),
    ("960", "Retained Earnings", "EQUITY", "EQUITY", False),
    ("970", "Owner A Funds Introduced", "EQUITY", "EQUITY", True),
    ("499", "Old Suspense", "EXPENSE", "EXPENSE", False),
)
_ARCHIVED = {"499"}

_CUSTOMERS = {
    "demo": (
        ("City Agency", "Mia", "Cole"),
        ("Bayside Club", "Bob", "Partridge"),
        ("Basket Case", "Priya", "Nair"),
        ("Boom FM", "Human", "Resources"),
        ("Hamilton Smith Ltd", "Jo", "Hamilton"),
        ("Marine Systems", "Ned", "Okafor"),
        ("Rex Media Group", "Ana", "Reyes"),
        ("Ridgeway University", "Tom", "Ridgeway"),
    ),
    "harbour": (
        ("Kauri Cafe", "Aroha", "Ngata"),
        ("Tui Outfitters", "Ben", "Walsh"),
        ("Southern Cross Gifts", "Lena", "Moir"),
    ),
}
# Further people of a contact; those included in e-mails get its invoices, too.
_PERSONS = {
    "Kauri Cafe": [
        {
            "FirstName": "Wiremu",
            "LastName": "Hale",
            "EmailAddress": "wiremu@kauricafe.example.com",
            "IncludeInEmails": True,
        },
        {
            "FirstName": "Ida",
            "LastName": "Moss",
            "EmailAddress": "ida@kauricafe.example.com",
            "IncludeInEmails": False,
        },
    ]
}
_SUPPLIERS = {
    "demo": (
        ("Truxton Property Management", "469", "1181.25"),
        ("PowerDirect", "445", "118.40"),
        ("Net Connect", "489", "54.55"),
        ("ABC Furniture", "453", "1000.00"),
    ),
    "harbour": (("Wharf Rentals", "469", "2300.00"), ("Pacific Textiles", "310", "1840.50")),
}
_WORK = (
    ("Project management & implementation", "1", "2500.00"),
    ("Consulting", "10", "100.00"),
    ("Training day, on site", "2", "850.00"),
    ("Monthly support", "1", "495.00"),
    ("Design of brochures", "7.5", "92.50"),
)


def seed(book: Book, today: date) -> None:
    """Fill an organisation's empty book."""
    organisation = ORGANISATIONS[book.name]
    for code, name, kind, class_, payments in _ACCOUNTS:
        _account(book, organisation, code, name, kind, class_, payments, today)
    customers = [
        _contact(book, name, first, last, today, customer=True) for name, first, last in _CUSTOMERS[book.name]
    ]
    _sales(book, organisation, customers, today)
    for place, (name, account, price) in enumerate(_SUPPLIERS[book.name]):
        _bills(
            book,
            organisation,
            _contact(book, name, "", "", today, customer=False),
            account,
            price,
            place,
            today,
        )
    archived = _contact(book, "24 Locks", "Sonia", "Lock", today, customer=True)
    book.put("contact", archived["id"], {**archived, "status": "ARCHIVED"})
    book.put(
        "settings", "lock", {"until": _last_year_end(organisation, today - timedelta(days=90)).isoformat()}
    )


def _last_year_end(organisation: DemoOrganisation, before: date) -> date:
    day, month = organisation.year_end
    this_year = date(before.year, month, day)
    return this_year if this_year <= before else date(before.year - 1, month, day)


def _updated(day: date) -> str:
    return f"{day.isoformat()}T01:01:01+00:00"


def _account(
    book: Book,
    organisation: DemoOrganisation,
    code: str,
    name: str,
    kind: str,
    class_: str,
    payments: bool,
    today: date,
) -> None:
    tax = {"REVENUE": organisation.sales_tax, "EXPENSE": organisation.purchase_tax}.get(
        class_, "BASEXCLUDED" if book.name == "demo" else "NONE"
    )
    record: Record = {
        "id": guid(book.name, "account", code or name),
        "code": code,
        "name": name,
        "type": kind,
        "class": class_,
        "tax_type": tax,
        "status": "ARCHIVED" if code in _ARCHIVED else "ACTIVE",
        "payments": payments,
        "number": f"06-2000-12345{code or '099'}",
        "currency": organisation.currency,
        "opening": {"090": "18250.00", "091": "6000.00", "970": "-24250.00"}.get(code, "0"),
        "updated": _updated(today - timedelta(days=200)),
    }
    book.put("account", record["id"], record)


def _contact(book: Book, name: str, first: str, last: str, today: date, *, customer: bool) -> Record:
    mailbox = "".join(letter for letter in name.lower() if letter.isalnum())
    record = {
        "id": guid(book.name, "contact", name),
        "status": "ACTIVE",
        "name": name,
        "first": first,
        "last": last,
        "email": f"accounts@{mailbox}.example.com",
        "phone": "5550 1234",
        "customer": customer,
        "supplier": not customer,
        "persons": _PERSONS.get(name, []),
        "updated": _updated(today - timedelta(days=190)),
    }
    return book.put("contact", record["id"], record)


def _sales(book: Book, organisation: DemoOrganisation, customers: list[Record], today: date) -> None:
    """One invoice per three days: old ones paid, some overdue, one part paid, one in dollars, then drafts."""
    last = 45 if book.name == "demo" else 18
    prefix = "INV" if book.name == "demo" else "HST"
    for n in range(1, last + 1):
        day = today - timedelta(days=3 * (last + 1 - n))
        description, quantity, unit = _WORK[n % len(_WORK)]
        contact = customers[n % len(customers)]
        status, due = "AUTHORISED", day + timedelta(days=30)
        if n == 42:
            contact, (description, quantity, unit) = customers[0], _WORK[1]
        elif n > last - 3:
            status = "DRAFT"
        elif n == last - 4:
            status = "SUBMITTED"
        elif n == last - 6:
            status = "VOIDED"
        elif n <= last - 15 and n % 7:
            status = "PAID"
        is_open_draft = status == "DRAFT" and n > last - 2
        in_dollars = n == last - 8
        invoice = {
            "type": "ACCREC",
            "number": f"{prefix}-{n:04}",
            "contact": contact["id"],
            "reference": "Monthly retainer" if n == 42 else f"P/O {9700 + n}",
            "status": status,
            "date": day.isoformat(),
            "due": None if is_open_draft else due.isoformat(),
            "currency": "USD" if in_dollars else organisation.currency,
            "rate": "0.65" if in_dollars else "1",
        }
        made = _invoice(
            book, organisation, invoice, [(description, quantity, unit, "200", organisation.sales_tax)]
        )
        if status == "PAID":
            _payment(book, made, sums(book, made).due, due - timedelta(days=n % 9))
        elif n == last - 10:
            _payment(book, made, Decimal("250.00"), day + timedelta(days=3))


def _bills(
    book: Book,
    organisation: DemoOrganisation,
    contact: Record,
    account: str,
    price: str,
    place: int,
    today: date,
) -> None:
    """One bill per month: the last two open, earlier ones paid."""
    for n in range(6):
        day = today - timedelta(days=30 * (6 - n) - 3 * place - 5)
        due = day + timedelta(days=14)
        bill = {
            "type": "ACCPAY",
            "number": f"B{place + 1}{n + 1:03}",
            "contact": contact["id"],
            "reference": "",
            "status": "AUTHORISED" if n > 3 else "PAID",
            "date": day.isoformat(),
            "due": due.isoformat(),
            "currency": organisation.currency,
            "rate": "1",
        }
        made = _invoice(
            book,
            organisation,
            bill,
            [(f"{contact['name']}, month {n + 1}", "1", price, account, organisation.purchase_tax)],
        )
        if n <= 3:
            _payment(book, made, sums(book, made).due, due)


def _invoice(
    book: Book, organisation: DemoOrganisation, invoice: Record, lines: list[tuple[str, str, str, str, str]]
) -> Record:
    id_ = guid(book.name, "invoice", invoice["type"], invoice["contact"], invoice["number"])
    stored: list[dict[str, Any]] = [
        {
            "id": guid(id_, "line", place),
            "description": description,
            "quantity": quantity,
            "unit": unit,
            "account": account,
            "tax_type": tax,
            "rate": organisation.tax[tax],
        }
        for place, (description, quantity, unit, account, tax) in enumerate(lines)
    ]
    sent = invoice["status"] in {"AUTHORISED", "PAID"} and invoice["type"] == "ACCREC"
    record = {
        **invoice,
        "id": id_,
        "lines": stored,
        "sent": sent,
        "updated": _updated(date.fromisoformat(invoice["date"])),
    }
    return book.put("invoice", id_, record)


def _payment(book: Book, invoice: Record, amount: Decimal, day: date) -> None:
    id_ = guid(invoice["id"], "payment")
    record = {
        "id": id_,
        "invoice": invoice["id"],
        "account": "090",
        "amount": str(cents(amount)),
        "date": day.isoformat(),
        "reference": "",
        "updated": _updated(day),
    }
    book.put("payment", id_, record)
