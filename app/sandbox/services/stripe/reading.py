"""Reads."""

from flask import Blueprint, Response, jsonify

from app.sandbox.services.stripe.request_checks import AuthorizedCall, opens
from app.sandbox.services.stripe.wire import in_range, no_such, page, refusal
from app.sandbox.store import Record

bp = Blueprint("stripe_reading", __name__)
# https://docs.stripe.com/api/subscriptions/list#list_subscriptions-status
_SUBSCRIPTION_STATES = (
    "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused",
    "trialing", "unpaid",
)  # fmt: skip


@bp.get("/v1/account")
@opens("accounts_kyc_basic_read")
def account(call: AuthorizedCall) -> Response:
    """The account of the key."""
    mine = call.account
    return jsonify(
        id=mine.id,
        object="account",
        business_profile={"name": mine.name, "url": None},
        business_type="company",
        charges_enabled=True,
        payouts_enabled=True,
        details_submitted=True,
        country=mine.country,
        default_currency=mine.currency,
        email=mine.email,
        settings={"dashboard": {"display_name": mine.name, "timezone": mine.timezone}},
        type="standard",
    )


@bp.get("/v1/balance")
@opens("balance_read")
def balance(call: AuthorizedCall) -> Response:
    """The balance of the account."""
    held = call.book.find("balance", "balance") or {}

    def sums(name: str) -> list[dict[str, object]]:
        return [{"amount": held[name], "currency": held["currency"], "source_types": {"card": held[name]}}]

    return jsonify(object="balance", available=sums("available"), pending=sums("pending"), livemode=False)


@bp.get("/v1/customers")
@opens("customer_read", "email", "created")
def customers(call: AuthorizedCall) -> Response:
    """Newest first; the e-mail address must match exactly."""
    return listed(call, "/v1/customers", "customer", "email")


@bp.get("/v1/customers/<id_>")
@opens("customer_read")
def customer(call: AuthorizedCall, id_: str) -> Response:
    """One customer."""
    return jsonify(one(call, "customer", id_))


@bp.get("/v1/prices")
@opens("price_read", "active", "product", "type")
def prices(call: AuthorizedCall) -> Response:
    """Newest first."""
    return listed(call, "/v1/prices", "price", "product")


@bp.get("/v1/prices/<id_>")
@opens("price_read")
def price(call: AuthorizedCall, id_: str) -> Response:
    """One price."""
    return jsonify(one(call, "price", id_))


@bp.get("/v1/products/<id_>")
@opens("product_read")
def product(call: AuthorizedCall, id_: str) -> Response:
    """The product of a price. Each price here has one of its own, which has the price's name."""
    found = call.book.first("price", product=id_)
    if found is None:
        raise no_such("product", id_)
    members = {
        "active": True,
        "created": found["created"],
        "description": None,
        "livemode": False,
        "metadata": {},
    }
    return jsonify({"id": id_, "object": "product", "name": found["nickname"], **members})


@bp.get("/v1/payment_intents")
@opens("payment_intent_read", "customer", "created")
def payments(call: AuthorizedCall) -> Response:
    """Newest first, without a filter for the status."""
    return listed(call, "/v1/payment_intents", "payment_intent", "customer")


@bp.get("/v1/payment_intents/<id_>")
@opens("payment_intent_read")
def payment(call: AuthorizedCall, id_: str) -> Response:
    """One payment."""
    return jsonify(one(call, "payment_intent", id_))


@bp.get("/v1/charges/<id_>")
@opens("charge_read")
def charge(call: AuthorizedCall, id_: str) -> Response:
    """The charge of a payment."""
    found = [record for record in call.book.all("payment_intent") if record["latest_charge"] == id_]
    if not found:
        raise no_such("charge", id_)
    shared = {
        k: found[0][k] for k in ("amount", "created", "currency", "customer", "description", "livemode")
    }
    refunded = sum(each["amount"] for each in call.book.all("refund") if each["charge"] == id_)
    own = {
        "amount_captured": found[0]["amount_received"],
        "amount_refunded": refunded,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "disputed": False,
        "paid": True,
        "payment_intent": found[0]["id"],
        "receipt_email": None,
        "refunded": refunded >= found[0]["amount_received"],
        "status": "succeeded",
    }
    return jsonify({"id": id_, "object": "charge", **own, **shared})


@bp.get("/v1/subscriptions")
@opens("subscription_read", "customer", "price", "status")
def subscriptions(call: AuthorizedCall) -> Response:
    """Newest first; canceled ones only by `status`."""
    status = call.given.get("status")
    if status not in {None, *_SUBSCRIPTION_STATES}:
        raise refusal(
            400, f"Invalid status: must be one of {', '.join(_SUBSCRIPTION_STATES)}", param="status"
        )
    price = call.given.get("price")
    if price is not None:
        one(call, "price", price, "price")
    wanted = {
        None: set(_SUBSCRIPTION_STATES) - {"canceled"},
        "all": set(_SUBSCRIPTION_STATES),
        "ended": {"canceled", "incomplete_expired"},
    }.get(status, {status})
    found = [
        record
        for record in matching(call, "subscription", "customer")
        if record["status"] in wanted and price in {None, record["items"]["data"][0]["price"]["id"]}
    ]
    return page("/v1/subscriptions", found, call.given)


@bp.get("/v1/subscriptions/<id_>")
@opens("subscription_read")
def subscription(call: AuthorizedCall, id_: str) -> Response:
    """One subscription, also a canceled one."""
    return jsonify(one(call, "subscription", id_))


@bp.get("/v1/payouts")
@opens("payout_read", "status", "arrival_date", "created")
def payouts(call: AuthorizedCall) -> Response:
    """Newest first."""
    return listed(call, "/v1/payouts", "payout", "status", since="arrival_date")


def listed(call: AuthorizedCall, path: str, kind: str, *equal: str, since: str = "created") -> Response:
    """A page of the records that match the filters and the time range."""
    return page(path, matching(call, kind, *equal, since=since), call.given)


def matching(call: AuthorizedCall, kind: str, *equal: str, since: str = "created") -> list[Record]:
    """The records that match the filters and the time range. Raises RequestRefused for unknown customers."""
    if "customer" in equal and "customer" in call.given:
        one(call, "customer", call.given["customer"], "customer")
    return [
        record
        for record in call.book.all(kind)
        if all(call.given.get(name) in {None, record[name]} for name in equal)
        and in_range(record, since, call.given.get(since))
    ]


def one(call: AuthorizedCall, kind: str, id_: str, param: str = "id") -> Record:
    """The record of that id. Raises RequestRefused for an id of another account or mode."""
    record = call.book.find(kind, id_)
    if record is None:
        raise no_such(kind.replace("_", " "), id_, param)
    return record
