"""The demo accounts' first records, around today."""

from datetime import UTC, date, datetime, timedelta

from app.sandbox.services.stripe import plans, records
from app.sandbox.services.stripe.companies import ACCOUNTS
from app.sandbox.store import Book, Record

_PEOPLE = (
    ("Jenny Rosen", "jenny@rosen.example"),
    ("Maple Dental", "office@mapledental.example"),
    ("Cobalt Cycles", "ap@cobaltcycles.example"),
    ("Juniper Tea", "hello@junipertea.example"),
    ("Walk-in customer", None),
)


def seed(book: Book, today: date) -> None:
    """Fill an account's empty book."""
    currency = ACCOUNTS[book.name].currency
    scale = 1 if currency == "jpy" else 100

    def at(days_ago: int, hour: int = 10) -> int:
        day = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=days_ago)
        return int(day.timestamp()) + hour * 3600

    customers = [
        records.add_customer(book, at(200 - 30 * number), name=name, email=email, currency=currency)
        for number, (name, email) in enumerate(_PEOPLE)
    ]
    jenny, maple, cobalt, juniper, walk_in = customers
    plans.add_price(book, at(300), 120 * scale, currency, "Consulting hour")
    plan = plans.add_price(book, at(300), 49 * scale, currency, "Support plan", "month")
    retainer = plans.add_price(book, at(300), 300 * scale, currency, "Retainer", "month", 3)
    messages = plans.add_price(
        book,
        at(300),
        None,
        currency,
        "Messages",
        "month",
        unit_amount_decimal="0.5",
        usage_type="metered",
    )
    seats = plans.add_price(
        book, at(300), None, currency, "Seats", "year", billing_scheme="tiered", tiers_mode="graduated"
    )
    boxes = plans.add_price(
        book,
        at(300),
        10 * scale,
        currency,
        "Boxes",
        "week",
        transform_quantity={"divide_by": 12, "round": "up"},
    )

    for customer, days_ago, lines, ending in (
        (jenny, 90, (("Consulting", 980, 1), ("Travel", 120, 1)), "paid"),
        (maple, 60, (("Website", 2400, 1),), "paid"),
        (cobalt, 50, (("Consulting", 1800, 1),), "open"),  # overdue
        (juniper, 6, (("Tea shop design", 640, 1), ("Prints", 15, 4)), "open"),
        (maple, 2, (("Support plan", 49, 1),), "draft"),
        (jenny, 30, (("Duplicate", 980, 1),), "void"),
    ):
        invoice = records.add_invoice(book, customer, at(days_ago), currency, 30)
        for description, amount, quantity in lines:
            records.add_line(book, invoice, description, amount * quantity * scale, quantity)
        if ending != "draft":
            records.finalize(book, invoice)
        if ending == "paid":
            records.pay(book, invoice)
        if ending == "void":
            records.change(book, "invoice", invoice, status="void")

    for number in range(28):
        status = "requires_payment_method" if number % 9 == 4 else "succeeded"
        amount = 1099 + 350 * number
        description = ("Consulting", "Support plan", "Prints")[number % 3]
        records.add_payment(
            book,
            (walk_in, jenny, maple)[number % 3],
            at(number, 9 + number % 8),
            amount,
            currency,
            status,
            description,
        )
    records.add_payment(book, cobalt, at(1), 250 * scale, currency, "canceled", "Ordered twice")
    for days_ago, status in ((3, "requires_action"), (4, "requires_capture"), (5, "requires_confirmation")):
        records.add_payment(book, cobalt, at(days_ago), 80 * scale, currency, status, "Deposit")

    subscriptions: tuple[tuple[Record, Record, int, str, int, int | None], ...] = (
        (maple, plan, 75, "active", 12, 1),
        (cobalt, plan, 40, "past_due", -3, 2),
        (jenny, plan, 150, "canceled", -60, 1),
        (juniper, retainer, 100, "active", 80, 1),
        (cobalt, messages, 95, "active", 20, None),
        (maple, seats, 90, "trialing", 30, 12),
        (juniper, boxes, 85, "active", 3, 30),
        (walk_in, plan, 1, "incomplete", 29, 1),
        (walk_in, plan, 30, "incomplete_expired", 0, 1),
        (jenny, plan, 20, "unpaid", 5, 1),
        (jenny, plan, 35, "paused", 5, 1),
    )
    for customer, price, days_ago, status, left, seats_taken in subscriptions:
        plans.add_subscription(book, customer, price, at(days_ago), status, at(-left), seats_taken)
    for days_ago, status in ((21, "paid"), (14, "failed"), (7, "paid"), (1, "in_transit")):
        records.add_payout(
            book, at(days_ago), at(days_ago - 2, 0), (1100 - days_ago) * scale, currency, status
        )
    amounts = {"available": 1250 * scale, "pending": 42 * scale}
    book.put("balance", "balance", {**amounts, "currency": currency})
