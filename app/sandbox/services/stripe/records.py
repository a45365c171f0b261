"""Creates and stores customers, invoices, payments… of the imitated Stripe. Money is whole numbers."""

from typing import Any

from app.sandbox.store import Book, Record

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_id(book: Book, prefix: str, kind: str) -> str:
    """The next id, in the shape of Stripe's."""
    number = book.new_id(kind, 1001)
    return f"{prefix}_1{_LETTERS[number % 23]}{_LETTERS[number % 19]}b7WZ{number:06d}{book.name[:2].title()}"


def add_customer(book: Book, created: int, **given: Any) -> Record:
    """A new customer."""
    id_ = new_id(book, "cus", "customer")
    record = {
        "id": id_,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        **given,
    }
    return book.put("customer", id_, record)


def add_invoice(
    book: Book, customer: Record, created: int, currency: str, days_until_due: int, **given: Any
) -> Record:
    """A new draft without lines."""
    id_ = new_id(book, "in", "invoice")
    record = {
        "id": id_,
        "object": "invoice",
        "amount_due": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "auto_advance": False,
        "billing_reason": "manual",
        "collection_method": "send_invoice",
        "created": created,
        "currency": currency,
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "description": None,
        "due_date": created + days_until_due * 86_400,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "lines": {"object": "list", "has_more": False, "url": f"/v1/invoices/{id_}/lines", "data": []},
        "livemode": False,
        "metadata": {},
        "number": None,
        "status": "draft",
        "subtotal": 0,
        "total": 0,
        **given,
    }
    return book.put("invoice", id_, record)


def add_line(book: Book, invoice: Record, description: str | None, amount: int, quantity: int = 1) -> Record:
    """A new line of a draft."""
    item = new_id(book, "ii", "invoiceitem")
    line = {
        "id": item.replace("ii_", "il_"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {"invoice_item": item, "proration": False},
        },
        "quantity": quantity,
        "taxes": [],
    }
    lines = {**invoice["lines"], "data": [*invoice["lines"]["data"], line]}
    total = sum(each["amount"] for each in lines["data"])
    change(
        book,
        "invoice",
        invoice,
        lines=lines,
        subtotal=total,
        total=total,
        amount_due=total,
        amount_remaining=total,
    )
    return {
        "id": item,
        "object": "invoiceitem",
        **{k: line[k] for k in ("amount", "currency", "description", "invoice", "quantity")},
    }


def finalize(book: Book, invoice: Record) -> Record:
    """A draft becomes open: it has a number and an address to be paid at."""
    number = f"{book.name[:4].upper()}-{book.new_id('number', 1):04d}"
    link = f"https://invoice.stripe.com/i/{book.name}/test_{invoice['id']}"
    pdf = f"https://pay.stripe.com/invoice/{book.name}/{invoice['id']}/pdf"
    return change(
        book, "invoice", invoice, status="open", number=number, hosted_invoice_url=link, invoice_pdf=pdf
    )


def pay(book: Book, invoice: Record) -> Record:
    """An open invoice is paid."""
    return change(book, "invoice", invoice, status="paid", amount_paid=invoice["total"], amount_remaining=0)


def add_payment(
    book: Book,
    customer: Record | None,
    created: int,
    amount: int,
    currency: str,
    status: str,
    description: str,
) -> Record:
    """A new payment; one that succeeded has a charge."""
    id_ = new_id(book, "pi", "payment_intent")
    charge = new_id(book, "ch", "charge") if status == "succeeded" else None
    record: Record = {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount if status == "succeeded" else 0,
        "created": created,
        "currency": currency,
        "customer": customer["id"] if customer else None,
        "description": description,
        "latest_charge": charge,
        "livemode": False,
        "metadata": {},
        "status": status,
    }
    return book.put("payment_intent", id_, record)


def add_price(
    book: Book, created: int, amount: int, currency: str, name: str, interval: str | None = None
) -> Record:
    """A new price of a new product."""
    id_ = new_id(book, "price", "price")
    record = {
        "id": id_,
        "object": "price",
        "active": True,
        "created": created,
        "currency": currency,
        "livemode": False,
        "nickname": name,
        "recurring": {"interval": interval, "interval_count": 1} if interval else None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": amount,
    }
    return book.put("price", id_, record)


def add_subscription(
    book: Book, customer: Record, price: Record, created: int, status: str, period_end: int, quantity: int = 1
) -> Record:
    """A new subscription."""
    id_ = new_id(book, "sub", "subscription")
    item = {
        "id": id_.replace("sub_", "si_"),
        "object": "subscription_item",
        "current_period_start": created,
        "current_period_end": period_end,
        "price": price,
        "quantity": quantity,
    }
    record = {
        "id": id_,
        "object": "subscription",
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": created if status == "canceled" else None,
        "created": created,
        "customer": customer["id"],
        "items": {"object": "list", "has_more": False, "data": [item]},
        "livemode": False,
        "metadata": {},
        "status": status,
    }
    return book.put("subscription", id_, record)


def add_payout(book: Book, created: int, arrival: int, amount: int, currency: str, status: str) -> Record:
    """A new payout to the bank."""
    id_ = new_id(book, "po", "payout")
    record = {
        "id": id_,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": True,
        "created": created,
        "currency": currency,
        "livemode": False,
        "method": "standard",
        "status": status,
    }
    return book.put("payout", id_, record)


def change(book: Book, kind: str, record: Record, **fields: Any) -> Record:
    """Save a record with some fields changed."""
    record.update(fields)
    return book.put(kind, record["id"], record)
