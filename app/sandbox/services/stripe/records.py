"""Creates and stores customers, invoices, payments and payouts. Money is whole numbers."""

from typing import Any

from app.sandbox.store import Book, Record

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "insufficient_funds",
    "message": "Your card has insufficient funds.",
}


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
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
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
        "lines": [],  # all of them; `reading.invoice_resource` embeds the first
        "livemode": False,
        "metadata": {},
        "number": None,
        "status": "draft",
        "subtotal": 0,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_taxes": [],
        **given,
    }
    return book.put("invoice", id_, record)


def add_line(
    book: Book,
    invoice: Record,
    description: str | None,
    amount: int,
    quantity: int = 1,
    pricing: Record | None = None,
) -> Record:
    """A new line of a draft."""
    item = new_id(book, "ii", "invoiceitem")
    line = {
        "id": item.replace("ii_", "il_"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {"invoice_item": item, "proration": False},
        },
        "period": {"start": invoice["created"], "end": invoice["created"]},
        "pricing": pricing,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subtotal": amount,
        "taxes": [],
    }
    lines = [*invoice["lines"], line]
    total = sum(each["amount"] for each in lines)
    change(
        book,
        "invoice",
        invoice,
        lines=lines,
        subtotal=total,
        total=total,
        total_excluding_tax=total,
        amount_due=total,
        amount_remaining=total,
    )
    return {
        "id": item,
        "object": "invoiceitem",
        "date": line["period"]["start"],
        **{k: line[k] for k in ("amount", "currency", "description", "invoice", "quantity", "livemode")},
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
        "amount_capturable": amount if status == "requires_capture" else 0,
        "amount_received": amount if status == "succeeded" else 0,
        "cancellation_reason": "duplicate" if status == "canceled" else None,
        "created": created,
        "currency": currency,
        "customer": customer["id"] if customer else None,
        "description": description,
        "last_payment_error": _DECLINED if status == "requires_payment_method" else None,
        "latest_charge": charge,
        "livemode": False,
        "metadata": {},
        "status": status,
    }
    return book.put("payment_intent", id_, record)


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
        "failure_code": "account_closed" if status == "failed" else None,
        "failure_message": "The bank account has been closed." if status == "failed" else None,
        "livemode": False,
        "method": "standard",
        "status": status,
    }
    return book.put("payout", id_, record)


def change(book: Book, kind: str, record: Record, **fields: Any) -> Record:
    """Save a record with some fields changed."""
    record.update(fields)
    return book.put(kind, record["id"], record)
