"""Stripe's own Python package, unchanged, against the imitated Stripe: it reads what our tools read."""

from decimal import Decimal

import pytest
import stripe

from app.connectors.stripe import CONNECTOR
from app.connectors.stripe.amounts import in_main_units

KEY = "rk_test_sandbox_byrd"


@pytest.fixture
def here(connection_to):
    return connection_to(CONNECTOR)


@pytest.fixture
def official(here):
    """The package's client, pointed at the imitation as its own tests point it at their mock."""
    return stripe.StripeClient(KEY, base_addresses={"api": here.base_url}, max_network_retries=0).v1


def amount(value, currency):
    return Decimal(in_main_units(value, currency))


def test_the_package_speaks_the_version_we_name(official):
    assert stripe.api_version == CONNECTOR.headers["Stripe-Version"]


def test_the_account_and_the_balance(official, here):
    theirs, ours = official.accounts.retrieve_current(), here.call("get_account")
    assert (theirs.id, theirs.settings.dashboard.display_name) == (ours["id"], ours["name"])
    (held,) = official.balance.retrieve().available
    (mine,) = here.call("get_balance")["available"]
    assert (amount(held.amount, held.currency), held.currency.upper()) == (
        Decimal(mine["amount"]),
        mine["currency"],
    )


@pytest.mark.parametrize(
    ("verb", "resource", "arguments", "figure"),
    [
        ("list_customers", "customers", {}, None),
        ("list_invoices", "invoices", {}, "total"),
        ("list_payments", "payment_intents", {}, "amount"),
        ("list_payouts", "payouts", {}, "amount"),
        ("list_subscriptions", "subscriptions", {"status": "all"}, None),
    ],
)
def test_lists_are_read_to_their_end_alike(official, here, verb, resource, arguments, figure):
    pages = getattr(official, resource).list({"limit": 3, **arguments})
    theirs = {
        each.id: figure and amount(getattr(each, figure), each.currency) for each in pages.auto_paging_iter()
    }
    ours, following = {}, None
    while True:
        more = {"starting_after": following} if following else {}
        page = here.call(verb, {"limit": 7, **arguments, **more})
        ours |= {each["id"]: figure and Decimal(each[figure]) for each in page["items"]}
        following = page["next"]
        if following is None:
            break
    assert len(theirs) > 3 and list(theirs.items()) == list(ours.items())


def test_prices_of_subscriptions(official, here):
    for theirs in official.subscriptions.list({"status": "all", "limit": 100}).data:
        (ours,) = (
            each
            for each in here.call("list_subscriptions", status="all", limit=100)["items"]
            if each["id"] == theirs.id
        )
        (item,) = ours["items"]
        price = theirs["items"].data[0].price
        assert (item["interval"], item["interval_count"]) == (
            price.recurring.interval,
            price.recurring.interval_count,
        )
        if price.unit_amount_decimal is None:
            assert item["unit_amount"] is None and item["price_note"]
        else:
            assert Decimal(item["unit_amount"]) == Decimal(price.unit_amount_decimal) / 100


def test_an_invoice_of_ours_with_all_its_lines(official, here):
    customer = official.customers.create({"name": "Long Order Ltd", "email": "long@example.com"})
    items = [{"description": f"Line {n}", "unit_amount": 1.25, "quantity": n + 1} for n in range(14)]
    ours = here.call("create_invoice", customer=customer.id, items=items, currency="usd")
    theirs = official.invoices.retrieve(ours["id"])
    assert theirs.lines.has_more and len(theirs.lines.data) < len(items)  # only the first are embedded
    lines = list(official.invoices.line_items.list(ours["id"], {"limit": 5}).auto_paging_iter())
    assert [(line.description, amount(line.amount, line.currency)) for line in lines] == [
        (line["description"], Decimal(line["amount"])) for line in ours["lines"]
    ]
    assert amount(theirs.total, theirs.currency) == Decimal(ours["total"])


def test_an_invoice_of_theirs_is_sent_by_ours(official, here):
    customer = official.customers.list({"email": "jenny@rosen.example"}).data[0]
    draft = official.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 7}
    )
    official.invoice_items.create(
        {"customer": customer.id, "invoice": draft.id, "amount": 1250, "currency": "usd"}
    )
    sent = here.call("send_invoice", invoice=draft.id, confirm=True)
    assert (sent["status"], sent["total"]) == ("open", "12.50")
    assert official.invoices.retrieve(draft.id).status == "open"


def test_a_refund_and_a_payment_link_of_ours(official, here):
    payment = official.payment_intents.list({"limit": 50}).data[-1]
    made = here.call("create_refund", payment_intent=payment.id, amount=1.5, confirm=True)
    assert made["amount"] == "1.50"
    link = here.call("create_payment_link", product_name="Workshop", unit_amount=120, currency="usd")
    assert link["url"].startswith("https://buy.stripe.com/")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        official.refunds.create({"payment_intent": payment.id, "amount": payment.amount})
    assert refused.value.param == "amount"


def test_a_subscription_canceled_by_ours(official, here):
    one = official.subscriptions.list({"status": "active"}).data[0]
    here.call("cancel_subscription", subscription=one.id, confirm=True)
    assert official.subscriptions.retrieve(one.id).cancel_at_period_end is True


def test_its_errors_are_those_the_package_knows(official, here):
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        official.invoices.create({"customer": "cus_nope"})
    assert (unknown.value.http_status, unknown.value.code) == (400, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as gone:
        official.invoices.retrieve("in_nope")
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")
    stranger = stripe.StripeClient("rk_test_nobody1", base_addresses={"api": here.base_url})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.balance.retrieve()
    reader = stripe.StripeClient("rk_test_sandbox_reader", base_addresses={"api": here.base_url})
    with pytest.raises(stripe.PermissionError):
        reader.v1.customers.create({"name": "Nobody"})
