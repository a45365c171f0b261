"""The first records of a company: six companies, a dozen contacts, deals, tasks and notes around today."""

from datetime import date, timedelta

from app.sandbox.store import Book

STAGES = ("lead", "qualified", "proposal", "negotiation", "won", "lost")
_COMPANIES = (
    ("Blue Door Bakery", "bluedoor.example", "Food"),
    ("Kestrel Legal", "kestrel.example", "Legal"),
    ("Osprey Logistics", "osprey.example", "Transport"),
    ("Tidewater Clinic", "tidewater.example", "Health"),
    ("Foundry Lane Homes", "foundrylane.example", "Property"),
    ("Marram School", "marram.example", "Education"),
)
_CONTACTS = (
    ("Ines Moreau", "Owner", 0),
    ("Tom Adeyemi", "Office manager", 0),
    ("Priya Nair", "Partner", 1),
    ("Jonas Lind", "Associate", 1),
    ("Marta Kowalska", "Operations", 2),
    ("Marta Kowalski", "Operations lead", 2),
    ("Dr. Yusuf Demir", "Director", 3),
    ("Hanna Weber", "Front desk", 3),
    ("Luca Bianchi", "Site manager", 4),
    ("Sofia Papadaki", "Sales", 4),
    ("Grace Okafor", "Head teacher", 5),
    ("Emil Sørensen", "Facilities", 5),
)
_DEALS = (
    ("Spring rebrand", 0, "proposal", "4800.00"),
    ("Client portal", 1, "negotiation", "18500.00"),
    ("Fleet signage", 2, "qualified", "7200.00"),
    ("Waiting room refit", 3, "lead", "9600.00"),
    ("Show home brochure", 4, "won", "3150.00"),
    ("Open day campaign", 5, "lost", "2400.00"),
)
_TASKS = (
    ("Send the revised offer", 1, 2),
    ("Call about the start date", 0, 0),
    ("Ask for a reference", 4, -3),
)


def seed(book: Book, today: date) -> None:
    """Fill an empty book."""
    currency = "USD" if book.name == "northwind" else "CAD"
    for number, (name, domain, industry) in enumerate(_COMPANIES, 1):
        record = {"id": f"co_{number}", "name": name, "website": f"https://{domain}", "industry": industry}
        book.put("company", record["id"], record)
    for number, (name, role, company) in enumerate(_CONTACTS, 1):
        mailbox = name.removeprefix("Dr. ").split()[0].lower()
        record = {
            "id": f"ct_{number}",
            "name": name,
            "email": f"{mailbox}@{_COMPANIES[company][1]}",
            "role": role,
            "company_id": f"co_{company + 1}",
            "created_on": (today - timedelta(days=200 - 9 * number)).isoformat(),
        }
        book.put("contact", record["id"], record)
    for number, (title, company, stage, amount) in enumerate(_DEALS, 1):
        record = {
            "id": f"dl_{number}",
            "title": title,
            "company_id": f"co_{company + 1}",
            "stage": stage,
            "amount": amount,
            "currency": currency,
            "expected_on": (today + timedelta(days=11 * number - 20)).isoformat(),
        }
        book.put("deal", record["id"], record)
    for number, (title, deal, days) in enumerate(_TASKS, 1):
        due = (today + timedelta(days=days)).isoformat()
        task = {
            "id": f"tk_{number}",
            "title": title,
            "deal_id": f"dl_{deal + 1}",
            "due_on": due,
            "done": False,
        }
        book.put("task", task["id"], task)
    for kind, last in (("contact", len(_CONTACTS)), ("task", len(_TASKS)), ("note", 0)):
        book.put("counter", kind, {"last": last})
