"""The demo companies and their first records, around today."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.sandbox.rules import DemoKey
from app.sandbox.service import DemoCompany
from app.sandbox.store import Book, Record

COMPANIES = (
    DemoCompany(
        "reed",
        "Reed Heating & Air",
        "dana@reedhvac.example",
        "Heating and cooling in Austin.",
        facts={"id": 5501, "name": ("Dana", "Reed")},
    ),
    DemoCompany(
        "harbour",
        "Harbour Plumbing",
        "sam@harbour.example",
        "Plumbing in Halifax.",
        facts={"id": 7702, "name": ("Sam", "Hale")},
    ),
)
# One OAuth Consumer per company, with the same id and secret.
CONSUMERS: Mapping[str, DemoKey] = {
    "sandbox": DemoKey("reed", "dana@reedhvac.example", secret="sandbox"),
    "harbour": DemoKey("harbour", "sam@harbour.example", secret="harbour"),
}
NO_DATE, NO_DAY = "1970-01-01T00:00:00+00:00", "-0001-11-30T00:00:00+00:00"
_NAMES = {
    "reed": (
        "Maple Dental",
        "Maple Dental North",
        "Cobalt Cycles",
        "Juniper Tea",
        "Lee Ho",
        "Saffron Yoga",
        "Birch & Sons",
        "Oak Street School",
    ),
    "harbour": ("Pier 9 Cafe", "Marina Lofts", "Kelp & Co"),
}
_TEAM = {
    "reed": (
        ("Sam", "Ortiz", "HVAC", "Lead"),
        ("Ines", "Park", "HVAC", "Technician"),
        ("Dana", "Reed", "Office", "Owner"),
    ),
    "harbour": (("Bo", "Larsen", "Plumbing", "Lead"),),
}
# code, name, category: as a company has them after its first day
_STATUSES = (
    ("01_UNS", "Unscheduled", "OPEN"),
    ("02_SCH", "Scheduled", "OPEN"),
    ("05_OTW", "On The Way", "OPEN_ACTIVE"),
    ("07_STA", "Started", "OPEN_ACTIVE"),
    ("10_CMP", "Completed", "OPEN_ACTIVE"),
    ("11_CXL", "Cancelled", "OPEN"),
    ("12_CLS", "Job Closed", "CLOSED"),
    ("20_ERQ", "Estimate Requested", "ESTIMATE"),
    ("21_EPR", "Estimate Provided", "ESTIMATE"),
    ("22_EWN", "Estimate Won", "ESTIMATE"),
)
_WORK = ("AC not cooling", "Furnace tune-up", "Install thermostat", "Leaking drain", "Annual inspection")


def seed(book: Book, today: date) -> None:
    """Fill a company's empty book. Ids differ per company."""
    for number, (code, name, category) in enumerate(_STATUSES, 1):
        status = {"id": number, "code": code, "name": name, "is_custom": "0", "category": category}
        book.put("status", number, status)
    first = {"reed": 901_234, "harbour": 955_001}[book.name]
    for number, name in enumerate(_NAMES[book.name]):
        customer = add_customer(book, {"customer_name": name}, today - timedelta(days=400 - number), first)
        customer |= {
            "account_number": str(30_021 + number),
            "account_balance": round(120.5 * number, 2),
            "is_vip": number == 2,
        }
        customer["last_serviced_date"] = (
            (today - timedelta(days=7 * number + 5)).isoformat() if number % 4 != 3 else NO_DATE
        )
        customer["contacts"] = [_contact(name)]
        customer["locations"] = [_location(number, book.name)]
        book.put("customer", customer["id"], customer)
        for made in range(number % 3):
            _add_equipment(book, customer, made)
    for name, last, department, title in _TEAM[book.name]:
        _add_technician(book, name, last, department, title)
    customers, team = book.all("customer"), book.all("tech")
    yesterday = today - timedelta(days=1)  # nothing was created in the future, whatever the hour
    for number in range(34 if book.name == "reed" else 6):
        start = today + timedelta(days=14 - number)
        done = start < today
        job = add_work(
            book,
            "job",
            customers[number % len(customers)],
            {"description": _WORK[number % 5]},
            min(start - timedelta(days=9), yesterday),
        )
        total = 150.0 + 50 * (number % 7)
        job |= {
            "status": "Completed" if done else "Scheduled",
            "category": ("Service Call", "Maintenance", "Installation")[number % 3],
            "start_date": start.isoformat(),
            "end_date": start.isoformat(),
            "time_frame_promised_start": "14:10",
            "time_frame_promised_end": "16:00",
            "duration": 7200,
            "total": total,
            "due_total": 0.0 if done and number % 5 else total,
            "payment_status": "Paid" if done and number % 5 else "Unpaid",
            "closed_at": f"{start}T18:00:00+00:00" if done else NO_DATE,
            "techs_assigned": [{k: team[number % len(team)][k] for k in ("id", "first_name", "last_name")}],
        }
        book.put("job", job["id"], job)
    for number in range(9 if book.name == "reed" else 2):
        estimate = add_work(
            book,
            "estimate",
            customers[number % len(customers)],
            {"description": "New unit"},
            yesterday - timedelta(days=number * 4),
        )
        estimate |= {
            "status": ("Estimate Requested", "Estimate Provided", "Estimate Won")[number % 3],
            "total": 4200.0 + 100 * number,
        }
        book.put("estimate", estimate["id"], {**estimate, "opportunity_rating": number % 5 + 1})


def add_customer(book: Book, given: dict[str, Any], made: date | datetime, first: int = 0) -> Record:
    """Create a customer."""
    number = book.new_id("customer", first or 1)
    record = {
        "id": number,
        "customer_name": given["customer_name"],
        "fully_qualified_name": given["customer_name"],
        "parent_customer": None,
        "account_number": "",
        "account_balance": 0,
        "private_notes": given.get("private_notes"),
        "public_notes": given.get("public_notes"),
        "last_serviced_date": NO_DATE,
        "is_vip": False,
        "is_taxable": True,
        "payment_terms": "Due Upon Receipt",
        "created_at": _stamp(made),
        "updated_at": _stamp(made),
        "contacts": given.get("contacts") or [],
        "locations": given.get("locations") or [],
        "custom_fields": [],
    }
    return book.put("customer", number, record)


def add_work(book: Book, kind: str, customer: Record, given: dict[str, Any], made: date | datetime) -> Record:
    """Create a job or estimate."""
    base = {"reed": 0, "harbour": 50_000}[book.name] + (778_001 if kind == "job" else 66_010)
    number = book.new_id(kind, base)
    record = {
        "id": number,
        "number": str(1043 + number - base) if kind == "job" else f"E-{210 + number - base}",
        "description": given.get("description"),
        "tech_notes": given.get("tech_notes"),
        "status": given.get("status") or ("Unscheduled" if kind == "job" else "Estimate Requested"),
        "sub_status": None,
        "customer_id": customer["id"],
        "customer_name": customer["customer_name"],
        "category": given.get("category"),
        "start_date": given.get("start_date"),
        "duration": given.get("duration", 3600),
        "total": sum(float(line.get("rate", 100)) * int(line.get("multiplier", 1)) for line in _lines(given)),
        "po_number": given.get("po_number"),
        "street_1": (customer["locations"] or [{}])[0].get("street_1", ""),
        "city": (customer["locations"] or [{}])[0].get("city", ""),
        "postal_code": (customer["locations"] or [{}])[0].get("postal_code", ""),
        "created_at": _stamp(made),
        "updated_at": _stamp(made),
        "requested_date": _stamp(made),
        "techs_assigned": given.get("techs_assigned") or [],
        "notes": given.get("notes") or [],
        "products": [_line(line, "product") for line in given.get("products") or []],
        "services": [_line(line, "service") for line in given.get("services") or []],
    }
    if kind == "job":
        record |= {
            "priority": given.get("priority", "Normal"),
            "end_date": given.get("end_date") or given.get("start_date"),
            "due_total": record["total"],
            "payment_status": "Unpaid",
            "closed_at": NO_DATE,
        }
    return book.put(kind, number, record)


def _stamp(made: date | datetime) -> str:
    """A moment as ServiceFusion writes it; a day of the demo data means its morning."""
    moment = made if isinstance(made, datetime) else datetime.combine(made, time(9), UTC)
    return moment.isoformat(timespec="seconds")


def _lines(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(given.get("products") or []), *(given.get("services") or [])]


def _line(given: dict[str, Any], kind: str) -> Record:
    rate, multiplier = float(given.get("rate", 100)), int(given.get("multiplier", 1))
    return {
        "name": given[kind],
        "description": "",
        "multiplier": multiplier,
        "rate": rate,
        "total": rate * multiplier,
    }


def _contact(customer: str) -> Record:
    host = "".join(letter for letter in customer.lower() if letter.isalpha())
    return {
        "prefix": "",
        "fname": "Lee",
        "lname": "Ho",
        "job_title": "Manager",
        "is_primary": True,
        "phones": [{"phone": "555-0100", "ext": 0, "type": "Mobile"}],
        "emails": [{"email": f"lee@{host}.example", "class": "Business", "types_accepted": "CONF"}],
    }


def _location(number: int, company: str) -> Record:
    city, state, code, country = (
        ("Austin", "TX", "78701", "USA") if company == "reed" else ("Halifax", "NS", "B3H 1A1", "Canada")
    )
    place = {"city": city, "state_prov": state, "postal_code": code, "country": country}
    return {
        "street_1": f"{number + 1} Elm St",
        "street_2": "",
        **place,
        "nickname": "Main",
        "is_primary": True,
        "is_bill_to": True,
    }


def _add_technician(book: Book, first_name: str, last_name: str, department: str, title: str) -> None:
    number = book.new_id("tech", {"reed": 311, "harbour": 611}[book.name])
    host = {"reed": "reedhvac", "harbour": "harbour"}[book.name]
    record = {
        "id": number,
        "first_name": first_name,
        "last_name": last_name,
        "email": f"{first_name.lower()}@{host}.example",
        "phone_1": f"555-0{number}",
        "phone_2": "",
        "department": department,
        "title": title,
        "bio": "",
        "is_sales_rep": title == "Owner",
        "is_field_worker": title != "Owner",
        "created_at": "2024-03-01T09:00:00+00:00",
        "updated_at": NO_DATE,
    }
    book.put("tech", number, record)


def _add_equipment(book: Book, customer: Record, made: int) -> None:
    number = book.new_id("equipment", 12)
    record = {
        "id": number,
        "type": ("Furnace", "Air conditioner")[made % 2],
        "make": "Acme",
        "model": f"F-{20 + number}",
        "serial_number": f"SN{100 + number}",
        "location": "Roof",
        "notes": "",
        "install_date": "2022-05-01",
        "warranty_date": NO_DAY,
        "customer_id": customer["id"],
        "customer": customer["customer_name"],
        "custom_fields": [],
    }
    book.put("equipment", number, record)
