"""Writes of customers, payment links, refunds and subscriptions."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.services.stripe import records
from app.sandbox.services.stripe.reading import one
from app.sandbox.services.stripe.request_checks import AuthorizedCall, opens
from app.sandbox.services.stripe.wire import amount_in, listed, missing, no_such, refusal
from app.sandbox.store import Record

bp = Blueprint("stripe_writing", __name__)


@bp.post("/v1/customers")
@opens("customer_write", "name", "email", "phone", "description", "metadata", "address")
def create_customer(call: AuthorizedCall) -> Response:
    """Create a customer. No field is required, and duplicates are allowed."""
    email = call.given.get("email")
    if email is not None and "@" not in email:
        raise refusal(400, f"Invalid email address: {email}", code="email_invalid", param="email")
    given = {name: value for name, value in call.given.items() if name != "expand"}
    return jsonify(records.add_customer(call.book, call.now, **given))


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
            currency = data.get("currency")
            if not currency or not data.get("product_data", {}).get("name"):
                raise missing("line_items[0][price_data]")
            if amount_in(data, "unit_amount", currency) is None:
                raise missing("line_items[0][price_data][unit_amount]")
    id_ = records.new_id(call.book, "plink", "payment_link")
    link: Record = {
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
    amount = amount_in(call.given, "amount", payment["currency"]) or left
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
    if found["status"] in {"canceled", "incomplete_expired"}:
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
            raise no_such("charge", str(charge), "charge")
        payment = found[0]
    if payment["status"] != "succeeded":
        raise refusal(
            400, "This PaymentIntent does not have a successful charge to refund.", param="payment_intent"
        )
    return payment
