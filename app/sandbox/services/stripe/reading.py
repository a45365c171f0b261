"""Reads."""

from flask import Blueprint, Response, jsonify

from app.sandbox.services.stripe.request_checks import AuthorizedCall, opens
from app.sandbox.services.stripe.wire import in_range, no_such, page

bp = Blueprint("stripe_reading", __name__)


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
    return _listed(call, "/v1/customers", "customer", "email")


@bp.get("/v1/invoices")
@opens("invoice_read", "status", "customer", "created", "collection_method")
def invoices(call: AuthorizedCall) -> Response:
    """Newest first."""
    return _listed(call, "/v1/invoices", "invoice", "status", "customer")


@bp.get("/v1/invoices/<id_>")
@opens("invoice_read")
def invoice(call: AuthorizedCall, id_: str) -> Response:
    """One invoice."""
    return jsonify(one(call, "invoice", id_))


@bp.get("/v1/payment_intents")
@opens("payment_intent_read", "customer", "created")
def payments(call: AuthorizedCall) -> Response:
    """Newest first, without a filter for the status."""
    return _listed(call, "/v1/payment_intents", "payment_intent", "customer")


@bp.get("/v1/subscriptions")
@opens("subscription_read", "customer", "price", "status")
def subscriptions(call: AuthorizedCall) -> Response:
    """Newest first; canceled ones only by `status`."""
    status = call.given.get("status")
    found = [
        record
        for record in call.book.all("subscription")
        if (status == "all" or (record["status"] == status if status else record["status"] != "canceled"))
        and call.given.get("customer") in {None, record["customer"]}
        and call.given.get("price") in {None, record["items"]["data"][0]["price"]["id"]}
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
    return _listed(call, "/v1/payouts", "payout", "status", since="arrival_date")


def _listed(call: AuthorizedCall, path: str, kind: str, *equal: str, since: str = "created") -> Response:
    """A page of the records that match the filters and the time range."""
    found = [
        record
        for record in call.book.all(kind)
        if all(call.given.get(name) in {None, record[name]} for name in equal)
        and in_range(record, since, call.given.get(since))
    ]
    return page(path, found, call.given)


def one(call: AuthorizedCall, kind: str, id_: str, param: str = "id") -> dict[str, object]:
    """The record of that id. Raises RequestRefused for an id of another account or mode."""
    record = call.book.find(kind, id_)
    if record is None:
        raise no_such(kind.replace("_", " "), id_, param)
    return record
