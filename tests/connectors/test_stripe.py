"""What Stripe says and how it is read: keys and modes, pages, prices, lines of invoices, refusals."""

import pytest

from app.connectors.stripe import CONNECTOR
from app.connectors.stripe.records import encoded
from app.connectors.stripe.subscriptions import Subscription
from app.errors import (
    ObjectNotFound,
    PermissionDenied,
)
from tests.support.signed_in import SignedIn
from tests.support.stripe import byrd, requests_of, stripe_url  # noqa: F401


def test_a_form_is_written_with_brackets():
    sent = {
        "metadata": {"order": "7"},
        "line_items": [{"price": "price_1", "quantity": 2}],
        "auto_advance": False,
        "left_out": None,
    }
    assert encoded(sent) == [
        ("metadata[order]", "7"),
        ("line_items[0][price]", "price_1"),
        ("line_items[0][quantity]", "2"),
        ("auto_advance", "false"),
    ]


def test_no_tool_moves_money_out():
    writes = [tool.verb for tool in CONNECTOR.tools if not tool.reads_only]
    assert not [verb for verb in writes if "payout" in verb or "transfer" in verb or "topup" in verb]


# --- whose account ---


def test_the_account_says_its_mode(byrd):  # noqa: F811
    assert byrd.account.key == "acct_1PgafTB7WZ01zgkW/test" and byrd.account.name == "Byrd Ltd (test mode)"
    assert byrd.account.facts == {"account": "acct_1PgafTB7WZ01zgkW", "livemode": False}
    assert byrd.call("get_account")["live"] is False


def test_a_sign_in_of_an_app_stays_in_test_mode_when_its_token_does_not_say_so(stripe_url):  # noqa: F811
    there = SignedIn(CONNECTOR, stripe_url, auth_method="oauth")
    assert there.account.name == "Byrd Ltd (test mode)"
    checked = CONNECTOR.identify(there.api(None), {})  # as the connection check does
    assert (checked.key, checked.name) == (there.account.key, there.account.name)
    assert there.call("get_account")["live"] is False


def test_a_key_that_may_not_read_the_account_is_taken_when_it_may_read_the_balance(byrd, stripe_url):  # noqa: F811
    reader = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_reader")
    assert reader.account.key == byrd.account.key
    with pytest.raises(PermissionDenied) as refused:
        reader.call("create_customer", name="Nobody")
    assert refused.value.details["permission"] == "rak_customer_write"
    assert reader.call("list_customers")["items"]


def test_the_app_s_token_ends_after_an_hour_and_is_renewed(stripe_url):  # noqa: F811
    there = SignedIn(CONNECTOR, stripe_url, auth_method="oauth")
    assert "expires_in" not in there.tokens
    old = there.bearer()
    there.levers("advance", seconds=3700)
    assert there.call("get_balance")["available"]
    assert there.bearer() != old and there.refreshes == 1


def test_two_accounts_do_not_mix(byrd, stripe_url):  # noqa: F811
    harbour = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_harbour")
    invoice = byrd.call("list_invoices")["items"][0]["id"]
    with pytest.raises(ObjectNotFound):
        harbour.call("get_invoice", invoice=invoice)
    assert harbour.call("get_balance")["available"] == [{"amount": "1250", "currency": "JPY"}]


# --- reading ---


def test_pages_lead_on_by_the_last_id_until_the_end(byrd):  # noqa: F811
    seen, after = [], None
    for _ in range(10):
        page = byrd.call("list_payments", limit=6, **({"starting_after": after} if after else {}))
        seen += [payment["id"] for payment in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 32


def test_payments_are_filtered_by_us(byrd):  # noqa: F811
    found = byrd.call("list_payments", status="canceled", limit=100)
    assert [payment["description"] for payment in found["items"]] == ["Ordered twice"]
    assert found["items"][0]["cancellation_reason"] == "duplicate"
    assert all("status" not in line.get("query", "") for line in requests_of(byrd))


def test_the_version_is_always_named_and_dates_are_seconds(byrd, monkeypatch):  # noqa: F811
    byrd.call("list_invoices", created_after="2026-11-01")
    assert "created%5Bgte%5D=1793491200" in requests_of(byrd)[-1]["query"]
    assert CONNECTOR.headers["Stripe-Version"] == "2026-10-28.endive"


@pytest.mark.parametrize(
    "status", ["requires_confirmation", "requires_action", "requires_capture", "requires_payment_method"]
)
def test_payments_are_found_by_every_state_stripe_has(byrd, status):  # noqa: F811
    found = byrd.call("list_payments", status=status, limit=100)["items"]
    assert found and {payment["status"] for payment in found} == {status}


def test_a_payment_says_what_was_only_authorized_and_why_it_failed(byrd):  # noqa: F811
    (held,) = byrd.call("list_payments", status="requires_capture", limit=100)["items"]
    assert (held["amount_capturable"], held["amount_received"]) == ("80.00", "0.00")
    failed = byrd.call("list_payments", status="requires_payment_method", limit=100)["items"]
    assert {payment["failure"] for payment in failed} == {"card_declined"}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, 10),
        ("all", 11),
        ("canceled", 1),
        ("ended", 2),
        ("incomplete", 1),
        ("incomplete_expired", 1),
        ("trialing", 1),
        ("unpaid", 1),
        ("paused", 1),
    ],
)
def test_subscriptions_are_found_by_every_state_stripe_has(byrd, status, found):  # noqa: F811
    items = byrd.call("list_subscriptions", {"limit": 100, **({"status": status} if status else {})})["items"]
    assert len(items) == found
    assert status in {None, "all", "ended"} or {each["status"] for each in items} == {status}


def item(byrd, price):  # noqa: F811
    """The item of the subscription to the price whose nickname in Stripe is given by its interval or note."""
    found = [each["items"][0] for each in byrd.call("list_subscriptions", status="all", limit=100)["items"]]
    return next(each for each in found if price(each))


def test_what_is_billed_every_three_months_says_so(byrd):  # noqa: F811
    retainer = item(byrd, lambda each: each["interval_count"] == 3)
    assert (retainer["amount"], retainer["currency"], retainer["interval"]) == ("300.00", "USD", "month")
    plan = item(byrd, lambda each: each["quantity"] == 2)
    assert (plan["unit_amount"], plan["amount"], plan["interval_count"]) == ("49.00", "98.00", 1)


@pytest.mark.parametrize(
    ("own", "of_item", "discounted"),
    [([], ["di_1"], True), (["di_1"], [], True), ([], [], False), (None, None, None)],
)
def test_a_discount_of_an_item_counts_as_one_of_the_subscription(own, of_item, discounted):
    record = {"id": "sub_1", "discounts": own, "items": {"data": [{"id": "si_1", "discounts": of_item}]}}
    assert Subscription.model_validate(record).discounted is discounted


def test_a_price_that_is_no_single_amount_says_why(byrd):  # noqa: F811
    tiered = item(byrd, lambda each: "Tiered" in (each["price_note"] or ""))
    assert (tiered["unit_amount"], tiered["amount"], tiered["quantity"]) == (None, None, 12)
    assert "each tier of the quantity has a price of its own" in tiered["price_note"]
    metered = item(byrd, lambda each: "Metered" in (each["price_note"] or ""))
    assert (metered["unit_amount"], metered["amount"]) == ("0.005", None)  # half a cent
    packages = item(byrd, lambda each: "package of 12" in (each["price_note"] or ""))
    assert (packages["quantity"], packages["amount"]) == (30, "30.00")  # three packages at 10.00


def test_every_line_of_a_long_invoice_can_be_read(byrd):  # noqa: F811
    items = [{"description": f"Line {number}", "amount": number + 1} for number in range(25)]
    made = byrd.call("create_invoice", customer=customer(byrd), items=items, currency="usd")
    assert (len(made["lines"]), made["more_lines"], made["total"]) == (25, False, "325.00")
    again = byrd.call("get_invoice", invoice=made["id"])
    assert [line["description"] for line in again["lines"]] == [each["description"] for each in items]
    seen, after = [], None
    while True:
        more = {"starting_after": after} if after else {}
        page = byrd.call("list_invoice_lines", invoice=made["id"], limit=10, **more)
        seen += [line["amount"] for line in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"{number + 1}.00" for number in range(25)]


def customer(there):
    return there.call("list_customers", email="jenny@rosen.example")["items"][0]["id"]
