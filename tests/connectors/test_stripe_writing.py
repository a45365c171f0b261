"""What changes something in Stripe: amounts in main units, drafts, refunds, writes that happen once."""

from decimal import Decimal

import pytest

from app.connectors.stripe import CONNECTOR
from app.connectors.stripe.amounts import in_decimal_units, in_main_units, in_smallest_units
from app.errors import InvalidArguments, ObjectNotFound
from tests.support.signed_in import SignedIn
from tests.support.stripe import byrd, requests_of, stripe_url  # noqa: F401

# --- amounts ---


@pytest.mark.parametrize(
    ("sent", "currency", "amount"),
    [
        (1099, "usd", "10.99"),
        (5, "eur", "0.05"),
        (-1000, "usd", "-10.00"),
        (500, "jpy", "500"),
        (500, "isk", "5.00"),
        (500, "ugx", "5.00"),
        (500, "mga", "500"),
        (1230, "KWD", "1.230"),
        (1050, "huf", "10.50"),
        (1050, "twd", "10.50"),
        (999_999_999_999, "idr", "9999999999.99"),
        (0, "usd", "0.00"),
    ],
)
def test_amounts_follow_stripes_own_list_of_currencies(sent, currency, amount):
    assert str(in_main_units(sent, currency)) == amount
    assert in_smallest_units(Decimal(amount), currency, "amount") == sent


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("12.345", "usd", "at most 2 decimals"),
        ("12.5", "jpy", "no decimals"),
        ("12.5", "isk", "no decimals"),
        ("12.01", "UGX", "no decimals"),
        ("5.124", "kwd", "at most 2 decimals"),  # Stripe's last digit must be 0
    ],
)
def test_an_amount_finer_than_its_currency_is_refused(amount, currency, says):
    with pytest.raises(InvalidArguments, match=f"amount: .*{currency.upper()} have {says}"):
        in_smallest_units(Decimal(amount), currency, "amount")


def test_nothing_is_sent_of_an_amount_that_is_too_fine(byrd):  # noqa: F811
    before = len(requests_of(byrd))
    with pytest.raises(InvalidArguments, match=r"items\.1\.amount"):
        items = [{"description": "a", "amount": 1}, {"description": "b", "amount": 0.005}]
        byrd.call("create_invoice", customer="cus_1", items=items, currency="usd")
    with pytest.raises(InvalidArguments, match="unit_amount: amounts in JPY have no decimals"):
        byrd.call("create_payment_link", product_name="x", unit_amount=12.5, currency="jpy")
    assert len(requests_of(byrd)) == before


@pytest.mark.parametrize(
    ("amount", "quantity", "currency", "sent"),
    [
        ("0.005", 1, "usd", "0.5"),
        ("12.50", 1, "USD", "1250"),
        ("-0.00000000000001", 1, "eur", "-0.000000000001"),
        ("100", 1, "usd", "10000"),
        ("0.25", 3, "jpy", "0.25"),
        ("12.5", 2, "isk", "1250"),
        ("0.0005", 20, "kwd", "0.5"),
    ],
)
def test_the_price_of_one_may_be_finer_than_its_currency(amount, quantity, currency, sent):
    assert in_decimal_units(Decimal(amount), quantity, currency, "unit_amount") == sent


@pytest.mark.parametrize(
    ("amount", "quantity", "currency", "says"),
    [
        ("0.000000000000001", 1, "usd", "USD have at most 14 decimals"),
        ("0.0000000000001", 1, "jpy", "JPY have at most 12 decimals"),
        ("12.5", 1, "isk", "ISK have no decimals"),
        ("5.124", 1, "kwd", "KWD have at most 2 decimals"),
    ],
)
def test_a_price_of_one_that_stripe_would_refuse_is_refused(amount, quantity, currency, says):
    with pytest.raises(InvalidArguments, match=f"unit_amount: .*{says}"):
        in_decimal_units(Decimal(amount), quantity, currency, "unit_amount")


def test_half_a_cent_each_is_sent_and_shown_as_such(byrd):  # noqa: F811
    items = [{"description": "Messages", "unit_amount": 0.005, "quantity": 300}]
    draft = byrd.call("create_invoice", customer=customer(byrd), items=items, currency="usd")
    assert draft["total"] == "1.50"
    assert [(line["unit_amount"], line["amount"]) for line in draft["lines"]] == [("0.005", "1.50")]


def test_stripe_itself_says_what_is_too_large(byrd):  # noqa: F811
    large = {"product_name": "Land", "unit_amount": 9_999_999_999.99}
    assert byrd.call("create_payment_link", large, currency="idr")["currency"] == "IDR"
    with pytest.raises(InvalidArguments, match="larger than Stripe allows"):
        byrd.call("create_payment_link", large, currency="usd")


def test_a_refund_is_in_the_payments_own_currency(byrd, stripe_url):  # noqa: F811
    harbour = SignedIn(CONNECTOR, stripe_url, api_key="rk_test_sandbox_harbour")
    payment = harbour.call("list_payments", status="succeeded")["items"][0]
    with pytest.raises(InvalidArguments, match="the payment is in JPY"):
        harbour.call("create_refund", payment_intent=payment["id"], amount=10, currency="usd", confirm=True)
    with pytest.raises(InvalidArguments, match="amounts in JPY have no decimals"):
        harbour.call("create_refund", payment_intent=payment["id"], amount=10.5, confirm=True)
    assert not [line for line in requests_of(harbour) if line["method"] == "POST"]
    made = harbour.call("create_refund", charge=payment["latest_charge"], amount=10, confirm=True)
    assert (made["amount"], made["currency"]) == ("10", "JPY")


# --- what it does ---


def customer(there):
    return there.call("list_customers", email="jenny@rosen.example")["items"][0]["id"]


def test_an_invoice_is_a_draft_until_it_is_sent(byrd):  # noqa: F811
    items = [
        {"description": "Hours", "unit_amount": 120.50, "quantity": 3},
        {"description": "Discount", "amount": -10},
    ]
    draft = byrd.call("create_invoice", customer=customer(byrd), items=items, currency="USD")
    assert (draft["status"], draft["number"], draft["total"]) == ("draft", None, "351.50")
    assert [(line["description"], line["amount"]) for line in draft["lines"]] == [
        ("Hours", "361.50"),
        ("Discount", "-10.00"),
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
def test_a_line_says_its_amount_in_one_way(byrd, items):  # noqa: F811
    before = len(requests_of(byrd))
    with pytest.raises(InvalidArguments, match=r"items\.0"):
        byrd.call("create_invoice", customer="cus_1", items=items, currency="usd")
    assert len(requests_of(byrd)) == before


def test_a_draft_that_lacks_lines_is_named(byrd):  # noqa: F811
    items = [{"description": "One", "amount": 100}, {"description": "Two", "price": "price_nope"}]
    with pytest.raises(ObjectNotFound) as refused:
        byrd.call("create_invoice", customer=customer(byrd), items=items, currency="usd")
    assert refused.value.message.startswith("A draft was created with 1 of 2 lines")
    draft = byrd.call("get_invoice", invoice=refused.value.details["invoice"])
    assert [line["description"] for line in draft["lines"]] == ["One"]


@pytest.mark.parametrize("fault", [{"when": "after"}, {"when": "before"}])
def test_a_lost_answer_makes_no_second_customer(byrd, fault):  # noqa: F811
    byrd.levers("drop", method="POST", path="/v1/customers", **fault)
    made = byrd.call("create_customer", email="once@example.com")
    assert [each["id"] for each in byrd.call("list_customers", email="once@example.com")["items"]] == [
        made["id"]
    ]


def test_a_refund_gives_back_what_is_left_and_no_more(byrd):  # noqa: F811
    payment = byrd.call("list_payments", status="succeeded")["items"][0]
    byrd.call("create_refund", payment_intent=payment["id"], amount=5, confirm=True)
    with pytest.raises(InvalidArguments):
        byrd.call(
            "create_refund", payment_intent=payment["id"], amount=float(payment["amount"]), confirm=True
        )
    rest = byrd.call("create_refund", charge=payment["latest_charge"], confirm=True)
    assert Decimal(rest["amount"]) == Decimal(payment["amount"]) - 5
    with pytest.raises(InvalidArguments, match="already refunded in full"):
        byrd.call("create_refund", payment_intent=payment["id"], confirm=True)


def test_a_refund_names_one_payment_and_needs_a_yes(byrd):  # noqa: F811
    for arguments in (
        {"confirm": True},
        {"confirm": True, "payment_intent": "pi_1", "charge": "ch_1"},
        {"confirm": False, "charge": "ch_1"},
    ):
        with pytest.raises(InvalidArguments):
            byrd.call("create_refund", arguments)
    assert not [line for line in requests_of(byrd) if line["method"] == "POST"]


def test_a_subscription_ends_with_its_period_or_at_once(byrd):  # noqa: F811
    one = byrd.call("list_subscriptions", status="active")["items"][0]["id"]
    assert byrd.call("cancel_subscription", subscription=one, confirm=True)["cancel_at_period_end"] is True
    byrd.levers("drop", method="DELETE", when="after")  # done, but we do not hear of it
    assert (
        byrd.call("cancel_subscription", subscription=one, at_period_end=False, confirm=True)["status"]
        == "canceled"
    )
    with pytest.raises(ObjectNotFound):
        byrd.call("cancel_subscription", subscription="sub_nope", at_period_end=False, confirm=True)
