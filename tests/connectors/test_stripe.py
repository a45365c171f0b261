"""What is special about Stripe: keys and modes, money in whole numbers, forms with brackets, writes that
happen once.
"""

import json

import pytest

from app.connectors.services import services_of
from app.connectors.stripe import CONNECTOR
from app.connectors.stripe.errors import read_error
from app.connectors.stripe.records import encoded
from app.connectors.stripe.values import money_text
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ReconnectNeeded,
)
from app.outbound import Response
from tests.support.processes import Levers, run_sandbox
from tests.support.signed_in import SignedIn


@pytest.fixture(scope="module")
def stripe_url():
    """A process of its own, since its tests put Stripe back to its first day."""
    with run_sandbox() as url:
        yield url


@pytest.fixture
def byrd(stripe_url):
    Levers(stripe_url, "stripe")("reset")
    return SignedIn(CONNECTOR, stripe_url)


def requests_of(there):
    return there.levers.log()["requests"]


def answer(status, headers=None, **error):
    return Response(status, headers or {}, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (1099, "usd", "10.99 USD"),
        (5, "eur", "0.05 EUR"),
        (-1000, "usd", "-10.00 USD"),
        (500, "jpy", "500 JPY"),
        (500, "isk", "5.00 ISK"),
        (500, "ugx", "5.00 UGX"),
        (500, "mga", "500 MGA"),
        (1230, "KWD", "1.230 KWD"),
        (0, "usd", "0.00 USD"),
    ],
)
def test_money_is_said_as_people_write_it(amount, currency, words):
    assert money_text(amount, currency) == words


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


def test_the_account_says_its_mode(byrd):
    assert byrd.account.key == "acct_1PgafTB7WZ01zgkW/test" and byrd.account.name == "Byrd Ltd (test mode)"
    assert byrd.account.facts == {"account": "acct_1PgafTB7WZ01zgkW", "livemode": False}
    assert byrd.call("get_account")["live"] is False


def test_a_key_that_may_not_read_the_account_is_taken_when_it_may_read_the_balance(byrd, stripe_url):
    reader = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_reader")
    assert reader.account.key == byrd.account.key
    with pytest.raises(PermissionDenied) as refused:
        reader.call("create_customer", name="Nobody")
    assert refused.value.details["permission"] == "rak_customer_write"
    assert reader.call("list_customers")["items"]


def test_the_app_s_token_ends_after_an_hour_and_is_renewed(stripe_url):
    there = SignedIn(CONNECTOR, stripe_url, auth_method="oauth")
    assert "expires_in" not in there.tokens
    old = there.bearer()
    there.levers("advance", seconds=3700)
    assert there.call("get_balance")["available"]
    assert there.bearer() != old and there.refreshes == 1


def test_two_accounts_do_not_mix(byrd, stripe_url):
    harbour = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_harbour")
    invoice = byrd.call("list_invoices")["items"][0]["id"]
    with pytest.raises(ObjectNotFound):
        harbour.call("get_invoice", invoice=invoice)
    assert harbour.call("get_balance")["available"][0]["text"] == "1250 JPY"


# --- reading ---


def test_pages_lead_on_by_the_last_id_until_the_end(byrd):
    seen, after = [], None
    for _ in range(10):
        page = byrd.call("list_payments", limit=6, **({"starting_after": after} if after else {}))
        seen += [payment["id"] for payment in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 29


def test_payments_are_filtered_by_us(byrd):
    found = byrd.call("list_payments", status="canceled", limit=100)
    assert [payment["description"] for payment in found["items"]] == ["Ordered twice"]
    assert all("status" not in line.get("query", "") for line in requests_of(byrd))


def test_the_version_is_always_named_and_dates_are_seconds(byrd, monkeypatch):
    byrd.call("list_invoices", created_after="2026-11-01")
    assert "created%5Bgte%5D=1793491200" in requests_of(byrd)[-1]["query"]
    assert CONNECTOR.headers["Stripe-Version"] == "2026-10-28.endive"


def test_canceled_subscriptions_appear_when_asked_for(byrd):
    assert len(byrd.call("list_subscriptions")["items"]) == 2
    found = byrd.call("list_subscriptions", status="all")["items"]
    assert {each["status"] for each in found} == {"active", "past_due", "canceled"}
    assert (
        found[0]["items"][0]["unit_amount_text"] == "49.00 USD" and found[0]["items"][0]["current_period_end"]
    )


# --- writing ---


def customer(there):
    return there.call("list_customers", email="jenny@rosen.example")["items"][0]["id"]


def test_an_invoice_is_a_draft_until_it_is_sent(byrd):
    items = [
        {"description": "Hours", "unit_amount": 12_050, "quantity": 3},
        {"description": "Discount", "amount": -1_000},
    ]
    draft = byrd.call("create_invoice", customer=customer(byrd), items=items, currency="USD")
    assert (draft["status"], draft["number"], draft["total_text"]) == ("draft", None, "351.50 USD")
    assert [(line["description"], line["amount"]) for line in draft["lines"]] == [
        ("Hours", 36_150),
        ("Discount", -1_000),
    ]
    with pytest.raises(InvalidArguments, match="nothing was sent"):
        byrd.call("send_invoice", invoice=draft["id"], confirm=False)
    sent = byrd.call("send_invoice", invoice=draft["id"], confirm=True)
    assert (
        sent["status"] == "open" and sent["hosted_invoice_url"] and "test/invoices/" in sent["dashboard_url"]
    )


@pytest.mark.parametrize(
    "items",
    [
        [{"description": "Both", "amount": 1, "unit_amount": 1}],
        [{"description": "Neither"}],
        [{"description": "Line with quantity", "amount": 100, "quantity": 2}],
    ],
)
def test_a_line_says_its_amount_in_one_way(byrd, items):
    before = len(requests_of(byrd))
    with pytest.raises(InvalidArguments, match=r"items\.0"):
        byrd.call("create_invoice", customer="cus_1", items=items, currency="usd")
    assert len(requests_of(byrd)) == before


def test_a_draft_that_lacks_lines_is_named(byrd):
    items = [{"description": "One", "amount": 100}, {"description": "Two", "price": "price_nope"}]
    with pytest.raises(ObjectNotFound) as refused:
        byrd.call("create_invoice", customer=customer(byrd), items=items, currency="usd")
    assert refused.value.message.startswith("A draft was created, but not all of its lines")
    draft = byrd.call("get_invoice", invoice=refused.value.details["invoice"])
    assert [line["description"] for line in draft["lines"]] == ["One"]


@pytest.mark.parametrize("fault", [{"when": "after"}, {"when": "before"}])
def test_a_lost_answer_makes_no_second_customer(byrd, fault):
    byrd.levers("drop", method="POST", path="/v1/customers", **fault)
    made = byrd.call("create_customer", email="once@example.com")
    assert [each["id"] for each in byrd.call("list_customers", email="once@example.com")["items"]] == [
        made["id"]
    ]


def test_a_refund_gives_back_what_is_left_and_no_more(byrd):
    payment = byrd.call("list_payments", status="succeeded")["items"][0]
    byrd.call("create_refund", payment_intent=payment["id"], amount=500, confirm=True)
    with pytest.raises(InvalidArguments):
        byrd.call("create_refund", payment_intent=payment["id"], amount=payment["amount"], confirm=True)
    rest = byrd.call("create_refund", charge=payment["latest_charge"], confirm=True)
    assert rest["amount"] == payment["amount"] - 500
    with pytest.raises(InvalidArguments, match="refunded in full already"):
        byrd.call("create_refund", payment_intent=payment["id"], confirm=True)


def test_a_refund_names_one_payment_and_needs_a_yes(byrd):
    for arguments in (
        {"confirm": True},
        {"confirm": True, "payment_intent": "pi_1", "charge": "ch_1"},
        {"confirm": False, "charge": "ch_1"},
    ):
        with pytest.raises(InvalidArguments):
            byrd.call("create_refund", arguments)
    assert not [line for line in requests_of(byrd) if line["method"] == "POST"]


def test_a_subscription_ends_with_its_period_or_at_once(byrd):
    one = byrd.call("list_subscriptions", status="active")["items"][0]["id"]
    assert byrd.call("cancel_subscription", subscription=one, confirm=True)["cancel_at_period_end"] is True
    byrd.levers("drop", method="DELETE", when="after")  # done, but we do not hear of it
    assert (
        byrd.call("cancel_subscription", subscription=one, at_period_end=False, confirm=True)["status"]
        == "canceled"
    )
    with pytest.raises(ObjectNotFound):
        byrd.call("cancel_subscription", subscription="sub_nope", at_period_end=False, confirm=True)


# --- refusals ---


def test_a_rolled_key_needs_its_person(byrd):
    byrd.levers("roll_keys")
    with pytest.raises(ReconnectNeeded):
        byrd.call("get_balance")


def test_a_limit_without_a_time_is_waited_for_briefly(byrd):
    byrd.levers("rate_limit", times=1)
    assert byrd.call("get_balance")["available"]


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (
            answer(
                402, type="card_error", code="card_declined", decline_code="insufficient_funds", message="No"
            ),
            ProviderError,
            "declined",
        ),
        (
            answer(
                404, code="resource_missing", message="No such customer; a similar object exists in live mode"
            ),
            ObjectNotFound,
            "live mode only",
        ),
        (
            answer(400, code="parameter_missing", param="customer", message="Missing"),
            InvalidArguments,
            "about customer",
        ),
        (answer(409, code="idempotency_key_in_use", message="Busy"), ProviderRateLimited, "still working"),
        (answer(429, code="lock_timeout", message="Locked"), ProviderRateLimited, "still working"),
    ],
)
def test_a_refusal_says_what_to_do(refusal, kind, words):
    error = read_error(refusal)
    assert isinstance(error, kind) and words in error.message


def test_a_key_is_never_repeated_not_even_in_part():
    error = read_error(
        answer(
            403,
            code="more_permissions_required",
            message="The provided key 'rk_live_****abcd' lacks 'rak_invoice_read'.",
        )
    )
    assert "abcd" not in json.dumps(error.details) and error.details["permission"] == "rak_invoice_read"


def test_what_is_no_refusal_of_stripe_is_left_to_the_status():
    assert read_error(Response(403, {}, b"<html>")) is None and read_error(Response(200, {}, b"{}")) is None
    assert services_of(None).get("stripe") is CONNECTOR
