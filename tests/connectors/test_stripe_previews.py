"""What a person reads before Stripe is changed for them, and what is refused before they are asked."""

from decimal import Decimal

import pytest

from app.connectors.lookups import NO_ACCESS, UNKNOWN
from app.connectors.stripe import CONNECTOR
from app.errors import InvalidArguments, ObjectNotFound
from tests.support.signed_in import SignedIn
from tests.support.stripe import byrd, requests_of, stripe_url  # noqa: F401


@pytest.fixture
def shop(byrd):  # noqa: F811
    """Byrd Ltd on its first day, which a preview leaves as it is."""
    before = len(requests_of(byrd))
    yield byrd
    assert {each["method"] for each in requests_of(byrd)[before:]} <= {"GET"}


def facts(preview):
    return {fact.label: fact.value for fact in preview.facts}


def customer(here, email="office@mapledental.example"):
    return here.call("list_customers", email=email)["items"][0]["id"]


def price(here, name):
    found = here.call("list_subscriptions", status="all", limit=100)["items"]
    amounts = {"Support plan": "49.00", "Retainer": "300.00", "Messages": "0.005", "Seats": None}
    return next(
        item["price"] for each in found for item in each["items"] if item["unit_amount"] == amounts[name]
    )


def test_a_draft_names_the_customer_and_adds_up_every_kind_of_line(shop):
    found = shop.preview(
        "create_invoice",
        customer=customer(shop),
        currency="usd",
        items=[
            {"description": "Design", "unit_amount": 80.505, "quantity": 3},
            {"description": "Discount", "amount": -10},
            {"description": "Plan", "price": price(shop, "Support plan"), "quantity": 2},
        ],
    )
    assert found.headline == "Create draft invoice for Maple Dental: 3 lines, 329.52 USD before tax"
    assert found.button == "Create draft, 329.52 USD"
    assert facts(found)["Price of “Plan”"] == "49.00 USD per month"
    assert len(shop.last_api.calls) == 2


def test_the_total_is_what_stripe_makes_of_it(byrd):  # noqa: F811
    arguments = {
        "customer": customer(byrd),
        "currency": "usd",
        "items": [
            {"description": "Design", "unit_amount": 80.5, "quantity": 3},
            {"description": "Plan", "price": price(byrd, "Support plan")},
        ],
    }
    found = byrd.preview("create_invoice", arguments)
    made = byrd.call("create_invoice", arguments)
    assert f"2 lines, {Decimal(made['subtotal']):,} USD" in found.headline


def test_a_price_without_one_amount_is_not_guessed(shop):
    found = shop.preview(
        "create_invoice",
        customer=customer(shop),
        currency="usd",
        items=[
            {"description": "Hours", "amount": 50},
            {"description": "Seats", "price": price(shop, "Seats")},
        ],
    )
    assert found.headline.endswith(
        "2 lines, 50.00 USD before tax plus 1 line at a price that Stripe works out"
    )
    assert found.button == "Create draft invoice" and "Tiered" in facts(found)["Price of “Seats”"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"currency": None}, "currency: give it"),
        ({"items": [{"description": "x", "amount": 1.005}]}, "at most 2 decimals"),
        ({"items": [{"description": "x"}]}, "exactly one of amount"),
        ({"currency": "jpy", "items": [{"description": "x", "amount": 1.5}]}, "no decimals"),
    ],
)
def test_an_invoice_that_stripe_would_refuse_is_refused_before(shop, changes, says):
    given = {
        "customer": customer(shop),
        "currency": "usd",
        "items": [{"description": "Hours", "amount": 50}],
        **changes,
    }
    with pytest.raises(InvalidArguments, match=says):
        shop.preview("create_invoice", given)
    with pytest.raises(ObjectNotFound):
        shop.preview("create_invoice", customer="cus_none", **_valid())


def _valid():
    return {"currency": "usd", "items": [{"description": "Hours", "amount": 50}]}


def test_a_price_in_another_currency_is_refused(shop):
    items = [{"description": "Plan", "price": price(shop, "Support plan")}]
    with pytest.raises(InvalidArguments, match=r"items\.0\.price: this price is in USD, the invoice in EUR"):
        shop.preview("create_invoice", customer=customer(shop), currency="eur", items=items)
    with pytest.raises(ObjectNotFound):
        shop.preview(
            "create_invoice", customer=customer(shop), items=[{"description": "x", "price": "price_none"}]
        )


def test_an_open_invoice_is_named_by_its_number(shop):
    invoice = shop.call("list_invoices", status="open")["items"][0]
    found = shop.preview("send_invoice", invoice=invoice["id"], confirm=True)
    amount = f"{Decimal(invoice['total']):,} USD"
    assert found.headline == (
        f"Email invoice {invoice['number']}, {amount}, to "
        f"{invoice['customer_name']} <{invoice['customer_email']}>"
    )
    assert found.button == f"Send invoice, {amount}" and "test mode" in found.warning
    assert "invoice" in found.covers and len(shop.last_api.calls) == 1


def test_a_draft_becomes_final_and_a_missing_address_is_told(byrd):  # noqa: F811
    draft = byrd.call("list_invoices", status="draft")["items"][0]
    found = byrd.preview("send_invoice", invoice=draft["id"], confirm=True)
    assert found.headline.startswith("Email a draft invoice, 49.00 USD, to Maple Dental <")
    assert "A draft becomes final" in found.warning and "invoice" not in found.covers
    without = byrd.call("create_customer", name="Paper Only")["id"]
    made = byrd.call("create_invoice", customer=without, **_valid())
    found = byrd.preview("send_invoice", invoice=made["id"], confirm=True)
    assert found.headline.endswith("to Paper Only") and "no email address" in found.warning


@pytest.mark.parametrize("status", ["paid", "void"])
def test_what_cannot_be_sent_is_refused(shop, status):
    invoice = shop.call("list_invoices", status=status)["items"][0]["id"]
    with pytest.raises(InvalidArguments, match=f"This one is {status}"):
        shop.preview("send_invoice", invoice=invoice, confirm=True)
    with pytest.raises(InvalidArguments, match="confirm: nothing was sent"):
        shop.preview("send_invoice", invoice=invoice, confirm=False)


def test_a_link_names_what_is_sold_and_for_how_much(shop):
    new = {"product_name": "Workshop", "unit_amount": 120, "currency": "usd"}
    found = shop.preview("create_payment_link", new)
    assert (found.headline, found.button) == (
        "Create payment link for “Workshop”: 120.00 USD",
        "Create link, 120.00 USD",
    )
    assert found.facts == () and "Anyone with the link can pay" in found.warning
    two = shop.preview("create_payment_link", price=price(shop, "Retainer"), quantity=2)
    assert two.headline == (
        "Create payment link for “Retainer”: 2 × 300.00 USD every 3 months = 600.00 USD every 3 months"
    )
    with pytest.raises(InvalidArguments, match="give either a price"):
        shop.preview("create_payment_link", product_name="Workshop")
    with pytest.raises(InvalidArguments, match="at most 2 decimals"):
        shop.preview("create_payment_link", {**new, "unit_amount": 1.005})
    with pytest.raises(ObjectNotFound):
        shop.preview("create_payment_link", price="price_none")


def paid(here, name="Jenny Rosen"):
    found = here.call("list_payments", status="succeeded", limit=100)["items"]
    email = {"Jenny Rosen": "jenny@rosen.example", "Maple Dental": "office@mapledental.example"}[name]
    return next(each for each in found if each["customer"] == customer(here, email))


def test_a_refund_names_the_payer_and_what_is_left(byrd):  # noqa: F811
    payment = paid(byrd)
    by_payment = {"payment_intent": payment["id"], "confirm": True}
    found = byrd.preview("create_refund", by_payment, amount=2.5, currency="usd")
    assert found.headline == (
        f"Refund 2.50 USD of the payment of {payment['amount']} USD by Jenny Rosen <jenny@rosen.example>"
    )
    assert found.button == "Refund 2.50 USD"
    assert facts(found)["Left to refund"] == f"{payment['amount']} USD"
    byrd.call("create_refund", by_payment, amount=2.5)
    left = Decimal(payment["amount"]) - Decimal("2.5")
    by_charge = byrd.preview("create_refund", charge=payment["latest_charge"], confirm=True)
    assert by_charge.headline.startswith(f"Refund all that is left, {left} USD, of the payment of ")
    assert len(byrd.last_api.calls) == 2
    with pytest.raises(InvalidArguments, match=f"amount: only {left} USD is left"):
        byrd.preview("create_refund", by_payment, amount=float(payment["amount"]))
    byrd.call("create_refund", by_payment)
    with pytest.raises(InvalidArguments, match="already refunded in full"):
        byrd.preview("create_refund", by_payment)


def test_a_refund_that_stripe_would_refuse_is_refused_before(shop):
    payment = paid(shop)["id"]
    failed = shop.call("list_payments", status="requires_payment_method")["items"][0]["id"]
    for arguments, says in (
        ({"payment_intent": payment, "confirm": False}, "confirm: nothing was refunded"),
        ({"confirm": True}, "either by payment_intent or by charge"),
        ({"payment_intent": payment, "confirm": True, "currency": "eur"}, "the payment is in USD"),
        ({"payment_intent": payment, "confirm": True, "amount": 1.005}, "at most 2 decimals"),
        ({"payment_intent": failed, "confirm": True}, "did not succeed"),
    ):
        with pytest.raises(InvalidArguments, match=says):
            shop.preview("create_refund", arguments)
    with pytest.raises(ObjectNotFound):
        shop.preview("create_refund", payment_intent="pi_none", confirm=True)


def test_a_cancellation_names_plan_price_customer_and_day(byrd):  # noqa: F811
    plan = next(
        each
        for each in byrd.call("list_subscriptions", status="active")["items"]
        if each["customer"] == customer(byrd)
    )
    cancel = {"subscription": plan["id"], "confirm": True}
    later = byrd.preview("cancel_subscription", cancel)
    assert later.headline.startswith(
        "Cancel subscription Support plan (49.00 USD per month) of Maple Dental at the end of the paid "
        "period, "
    )
    assert facts(later)["Customer"] == "Maple Dental <office@mapledental.example>"
    now = byrd.preview("cancel_subscription", cancel, at_period_end=False)
    assert now.headline == "Cancel subscription Support plan (49.00 USD per month) of Maple Dental at once"
    assert now.button == "Cancel subscription now" and now.warning == "Nothing is refunded."
    byrd.call("cancel_subscription", cancel, at_period_end=False)
    with pytest.raises(InvalidArguments, match="already ended"):
        byrd.preview("cancel_subscription", cancel)
    with pytest.raises(InvalidArguments, match="confirm: nothing was canceled"):
        byrd.preview("cancel_subscription", {**cancel, "confirm": False})


def test_a_new_customer_is_compared_with_those_there_are(shop):
    found = shop.preview("create_customer", name="Saffron Yoga", email="hi@saffron.example")
    assert found.headline == "Create customer Saffron Yoga <hi@saffron.example>" and not found.warning
    same = shop.preview("create_customer", name="Maple", email="office@mapledental.example")
    assert same.warning == "A customer with this email already exists."
    for arguments in ({"description": "nobody"}, {"email": "not an address"}):
        with pytest.raises(InvalidArguments):
            shop.preview("create_customer", arguments)


def test_a_key_that_may_only_write_still_shows_what_was_sent(stripe_url, byrd):  # noqa: F811
    payment = paid(byrd)
    plan = byrd.call("list_subscriptions", status="active")["items"][0]
    invoice = byrd.call("list_invoices", status="open")["items"][0]["id"]
    writer = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_writer")
    refund = writer.preview("create_refund", payment_intent=payment["id"], confirm=True)
    assert refund.headline == "Refund all that is left of the payment"
    assert facts(refund) == {"Payment": NO_ACCESS, "Left to refund": UNKNOWN}
    cancel = writer.preview("cancel_subscription", subscription=plan["id"], confirm=True)
    assert cancel.headline == (
        "Cancel a subscription that could not be looked up at the end of the paid period"
    )
    sent = writer.preview("send_invoice", invoice=invoice, confirm=True)
    assert facts(sent) == {"Invoice": NO_ACCESS}
    new = writer.preview("create_invoice", customer="cus_1", **_valid())
    assert new.headline == "Create draft invoice for a customer: 1 line, 50.00 USD before tax"
