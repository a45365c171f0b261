"""What a person reads before QuickBooks is changed for them, and what is refused before they are asked."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.connectors.lookups import long_day
from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.clock import today
from tests.connectors.test_quickbooks_writing import line
from tests.support.quickbooks import QuickBooks


def facts(preview):
    return {fact.label: fact.value for fact in preview.facts}


def nothing_changed(here):
    return all(
        each["method"] == "GET" or "/oauth2/" in each["path"] or "/connect/" in each["path"]
        for each in here.requests()
    )


@pytest.fixture
def maple(quickbooks):
    """Maple & Pine Landscaping on its first day, which a preview leaves as it is."""
    quickbooks.levers("clear")
    yield quickbooks
    assert nothing_changed(quickbooks)


def test_an_invoice_names_customer_items_and_the_exact_total(maple):
    due = today() + timedelta(days=14)
    found = maple.preview(
        "create_invoice",
        customer_id="24",
        lines=[line(), line(quantity=3, unit_price=33.335)],
        due_date=due.isoformat(),
    )
    assert found.headline == (
        "Create invoice for Sonnenschein Family Store: 2 lines, 188.76 USD before tax, due " + long_day(due)
    )
    assert found.button == "Create invoice, 188.76 USD"
    assert facts(found)["Customer"] == "Sonnenschein Family Store <family@example.com>"
    assert facts(found)["Items"] == "Gardening" and "no drafts" in found.warning
    assert len(maple.last_api.calls) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"customer_id": "999"}, "customer_id: QuickBooks does not know it"),
        ({"customer_id": "30"}, "customer_id: this customer is inactive"),
        ({"lines": [line(item_id="12")]}, "lines: use ids of active items"),
        ({"lines": [line(tax_code="77")]}, "lines: use tax codes"),
        ({"date": "2026-11-05", "due_date": "2026-11-04"}, "due_date: it must be a day on or after"),
    ],
)
def test_an_invoice_that_quickbooks_would_refuse_is_refused_before(maple, changes, says):
    with pytest.raises(InvalidArguments, match=says):
        maple.preview("create_invoice", {"customer_id": "24", "lines": [line()], **changes})


def test_prices_with_tax_inside_say_so_and_are_checked(quickbooks_url, quickbooks):
    northern = QuickBooks(quickbooks_url, "northern")
    codes = northern.call("list_tax_codes")["items"]
    taxed = next(code for code in codes if code["percent"] and Decimal(code["percent"]))
    given = {"customer_id": "4", "global_tax_calculation": "TaxInclusive"}
    found = northern.preview(
        "create_invoice", {**given, "lines": [line(item_id="2", tax_code=taxed["tax_code"])]}
    )
    assert "88.75 USD including tax" in found.headline and facts(found)["Tax"] == taxed["name"]
    with pytest.raises(InvalidArguments, match="each line needs a tax_code"):
        northern.preview("create_invoice", {**given, "lines": [line(item_id="2")]})


def test_an_email_names_invoice_amount_and_address(maple):
    invoice = maple.call("get_invoice", invoice_id=maple.overdue()["invoice_id"])
    found = maple.preview(
        "send_invoice", invoice_id=invoice["invoice_id"], confirm=True, send_to="bills@example.com"
    )
    amount = f"{Decimal(invoice['total']):,} USD"
    assert found.headline == (
        f"Email invoice {invoice['number']}, {amount}, to {invoice['customer']} <bills@example.com>"
    )
    assert found.button == f"Send invoice, {amount}" and not found.warning
    assert facts(found)["Status"] == "overdue"
    assert "invoice_id" not in found.covers  # QuickBooks lets two invoices have one number


def test_what_cannot_be_sent_is_refused(maple):
    invoices = [
        maple.call("get_invoice", invoice_id=row["invoice_id"])
        for row in maple.call("list_invoices", status="open")["items"]
    ]
    without = next(each["invoice_id"] for each in invoices if not each["billing_email"])
    with pytest.raises(InvalidArguments, match="send_to: nothing was sent"):
        maple.preview("send_invoice", invoice_id=without, confirm=True)
    with pytest.raises(InvalidArguments, match="confirm"):
        maple.preview("send_invoice", invoice_id=without, confirm=False, send_to="bills@example.com")
    with pytest.raises(ObjectNotFound):
        maple.preview("send_invoice", invoice_id="999999", confirm=True)


def test_a_payment_says_what_stays_due(maple):
    invoice = maple.overdue()
    found = maple.preview(
        "record_payment", invoice_id=invoice["invoice_id"], amount=0.1, date=today().isoformat()
    )
    assert found.headline == (
        f"Record payment of 0.10 USD on invoice {invoice['number']} from {invoice['customer']}, received "
        f"{long_day(today())}"
    )
    rest = Decimal(invoice["balance"]) - Decimal("0.1")
    assert facts(found)["Due after this payment"] == f"{rest:,.2f} USD"
    with pytest.raises(InvalidArguments, match="no more than"):
        maple.preview(
            "record_payment",
            invoice_id=invoice["invoice_id"],
            amount=str(Decimal(invoice["balance"]) + 1),
        )


def test_voiding_says_what_becomes_of_payments(quickbooks):
    made = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    void = {"invoice_id": made["invoice_id"], "confirm": True}
    found = quickbooks.preview("void_invoice", void)
    assert found.headline == f"Void invoice {made['number']}, 88.75 USD, for Sonnenschein Family Store"
    assert found.button == "Void invoice, 88.75 USD" and not found.warning
    quickbooks.call("record_payment", invoice_id=made["invoice_id"], amount=5)
    paid = quickbooks.preview("void_invoice", void)
    assert "become credit" in paid.warning and facts(paid)["Paid so far"] == "5.00 USD"
    quickbooks.call("void_invoice", void)
    assert "already voided" in quickbooks.preview("void_invoice", void).warning
    with pytest.raises(InvalidArguments, match="confirm: nothing was voided"):
        quickbooks.preview("void_invoice", {**void, "confirm": False})


def test_a_new_customer_has_a_name_of_its_own(maple):
    found = maple.preview("create_customer", display_name="Fresh Fields", email="hi@fresh.example")
    assert found.headline == "Create customer Fresh Fields <hi@fresh.example>"
    for name in ("Old Mill Inn", "sonnenschein family store"):  # the first one is inactive
        with pytest.raises(InvalidArguments, match="a customer with this name already exists"):
            maple.preview("create_customer", display_name=name)
