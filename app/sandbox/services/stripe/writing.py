"""Writes."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.services.stripe import records
from app.sandbox.services.stripe.reading import one
from app.sandbox.services.stripe.request_checks import AuthorizedCall, opens
from app.sandbox.services.stripe.wire import integer, listed, missing, refusal
from app.sandbox.store import Record

bp = Blueprint("stripe_writing", __name__)
_COLLECTION = ("collection_method", "days_until_due", "due_date", "auto_advance")
_AMOUNT = ("amount", "currency", "unit_amount_decimal", "quantity", "pricing")


@bp.post("/v1/customers")
@opens("customer_write", "name", "email", "phone", "description", "metadata", "address")
def create_customer(call: AuthorizedCall) -> Response:
    """Create a customer. No field is required, and duplicates are allowed."""
    email = call.given.get("email")
    if email is not None and "@" not in email:
        raise refusal(400, f"Invalid email address: {email}", code="email_invalid", param="email")
    return jsonify(records.add_customer(call.book, call.now, **call.given))


@bp.post("/v1/invoices")
@opens("invoice_write", "customer", "currency", *_COLLECTION, "description", "metadata")
def create_invoice(call: AuthorizedCall) -> Response:
    """Create a draft without lines."""
    if "customer" not in call.given:
        raise missing("customer")
    customer = one(call, "customer", call.given["customer"], "customer")
    days = integer(call.given, "days_until_due")
    if (
        call.given.get("collection_method") == "send_invoice"
        and days is None
        and "due_date" not in call.given
    ):
        raise missing("days_until_due")
    currency = call.given.get("currency") or call.account.currency
    invoice = records.add_invoice(
        call.book, customer, call.now, currency, days or 30, description=call.given.get("description")
    )
    return jsonify(invoice)


@bp.post("/v1/invoiceitems")
@opens("invoice_write", "customer", "invoice", "description", *_AMOUNT)
def create_item(call: AuthorizedCall) -> Response:
    """Add a line to a draft."""
    if "customer" not in call.given:
        raise missing("customer")
    invoice = one(call, "invoice", call.given.get("invoice", ""), "invoice")
    if invoice["status"] != "draft":
        raise refusal(
            400, "This invoice is no longer editable.", code="invoice_not_editable", param="invoice"
        )
    if call.given.get("currency") not in {None, invoice["currency"]}:
        raise refusal(400, "The currency of the invoice item does not match the invoice.", param="currency")
    quantity = integer(call.given, "quantity", 1) or 1
    amount = integer(call.given, "amount")
    if "pricing" in call.given:
        price = one(call, "price", call.given["pricing"].get("price", ""), "pricing[price]")
        amount = int(str(price["unit_amount"])) * quantity
    elif amount is None:
        unit = integer(call.given, "unit_amount_decimal")
        if unit is None:
            raise missing("amount")
        amount = unit * quantity
    return jsonify(records.add_line(call.book, invoice, call.given.get("description"), amount, quantity))


@bp.post("/v1/invoices/<id_>/send")
@opens("invoice_write")
def send_invoice(call: AuthorizedCall, id_: str) -> Response:
    """Finalize a draft. Test mode sends no mail."""
    invoice = one(call, "invoice", id_)
    lines: Any = invoice["lines"]
    if invoice["status"] == "draft" and not lines["data"]:
        raise refusal(400, "Nothing to invoice for customer", code="invoice_no_customer_line_items")
    if invoice["status"] not in {"draft", "open"}:
        raise refusal(
            400, f"You can only manually send an invoice that is open; this one is {invoice['status']}."
        )
    return jsonify(records.finalize(call.book, invoice) if invoice["status"] == "draft" else invoice)


@bp.post("/v1/payment_links")
@opens("payment_link_write", "line_items", "metadata")
def create_link(call: AuthorizedCall) -> Response:
    """Create a payment link."""
    lines = listed(call.given.get("line_items"))
    if not lines:
        raise missing("line_items")
    currency = None
    for line in lines:
        if "price" in line:
            currency = one(call, "price", line["price"], "line_items[0][price]")["currency"]
        else:
            data = line.get("price_data") or {}
            if not data.get("product_data", {}).get("name") or integer(data, "unit_amount") is None:
                raise missing("line_items[0][price_data]")
            currency = data.get("currency")
    id_ = records.new_id(call.book, "plink", "payment_link")
    link = {
        "id": id_,
        "object": "payment_link",
        "active": True,
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "url": f"https://buy.stripe.com/test_{id_[6:]}",
    }
    return jsonify(call.book.put("payment_link", id_, link))


@bp.post("/v1/refunds")
@opens("charge_write", "payment_intent", "charge", "amount", "reason", "metadata")
def create_refund(call: AuthorizedCall) -> Response:
    """Refund a payment, at most its rest."""
    payment = _paid(call)
    gone = sum(
        refund["amount"] for refund in call.book.all("refund") if refund["payment_intent"] == payment["id"]
    )
    left = payment["amount_received"] - gone
    if left <= 0:
        raise refusal(400, "Charge has already been refunded.", code="charge_already_refunded")
    amount = integer(call.given, "amount", left) or left
    if amount > left:
        raise refusal(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    id_ = records.new_id(call.book, "re", "refund")
    refund = {
        "id": id_,
        "object": "refund",
        "amount": amount,
        "charge": payment["latest_charge"],
        "created": call.now,
        "currency": payment["currency"],
        "metadata": {},
        "payment_intent": payment["id"],
        "reason": call.given.get("reason"),
        "status": "succeeded",
    }
    return jsonify(call.book.put("refund", id_, refund))


@bp.post("/v1/subscriptions/<id_>")
@opens("subscription_write", "cancel_at_period_end", "metadata")
def change_subscription(call: AuthorizedCall, id_: str) -> Response:
    """Cancel at the end of the paid period."""
    found = one(call, "subscription", id_)
    if found["status"] == "canceled":
        raise refusal(400, "A canceled subscription can only update its cancellation_details and metadata.")
    ends = call.given.get("cancel_at_period_end") == "true"
    items: Any = found["items"]
    until = items["data"][0]["current_period_end"] if ends else None
    return jsonify(
        records.change(call.book, "subscription", found, cancel_at_period_end=ends, cancel_at=until)
    )


@bp.delete("/v1/subscriptions/<id_>")
@opens("subscription_write")
def cancel_subscription(call: AuthorizedCall, id_: str) -> Response:
    """Cancel now. 404 for a canceled subscription."""
    found = one(call, "subscription", id_)
    if found["status"] == "canceled":
        raise refusal(404, f"No such subscription: '{id_}'", code="resource_missing", param="id")
    return jsonify(records.change(call.book, "subscription", found, status="canceled", canceled_at=call.now))


def _paid(call: AuthorizedCall) -> Record:
    """The payment to refund, by its id or the id of its charge."""
    if "payment_intent" in call.given:
        payment: Record = one(call, "payment_intent", call.given["payment_intent"], "payment_intent")
    else:
        charge = call.given.get("charge")
        found = [
            record
            for record in call.book.all("payment_intent")
            if charge and record["latest_charge"] == charge
        ]
        if not found:
            raise refusal(404, f"No such charge: '{charge}'", code="resource_missing", param="charge")
        payment = found[0]
    if payment["status"] != "succeeded":
        raise refusal(
            400, "This PaymentIntent does not have a successful charge to refund.", param="payment_intent"
        )
    return payment
