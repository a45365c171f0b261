"""Invoices of companies with VAT or GST, against the imitated Canadian company over HTTP."""

import pytest

from app.errors import InvalidArguments
from tests.support.quickbooks import QuickBooks

HST = "5"  # 13 %


@pytest.fixture
def northern(quickbooks_url, quickbooks):
    return QuickBooks(quickbooks_url, "northern")


def line(**changes):
    return {"item_id": "2", "quantity": 2, "unit_price": 90, **changes}


def test_a_line_without_a_tax_code_is_refused_with_what_to_do(northern):
    with pytest.raises(InvalidArguments, match=r"tax_code from quickbooks_list_tax_codes") as refused:
        northern.call("create_invoice", customer_id="1", lines=[line(tax_code=HST), line()])
    assert (refused.value.details["fields"], refused.value.details["codes"]) == (["lines"], ["6000"])
    assert refused.value.details["reasons"][0].endswith(
        "Make sure all your transactions have a GST/HST rate before you save."
    )


def test_with_a_tax_code_the_tax_is_added(northern):
    made = northern.call("create_invoice", customer_id="1", lines=[line(tax_code=HST), line(tax_code="3")])
    assert (made["total"], made["total_tax"], made["currency"]) == ("383.40", "23.40", "CAD")
    assert [each["tax_code"] for each in made["lines"]] == [HST, "3"]
    assert northern.call("get_invoice", invoice_id=made["invoice_id"]) == made


def test_prices_with_the_tax_inside_come_to_the_same_total(northern):
    lines = [line(quantity=1, unit_price=113, tax_code=HST), line(quantity=3, unit_price=9.99, tax_code="6")]
    made = northern.call(
        "create_invoice", customer_id="1", lines=lines, global_tax_calculation="TaxInclusive"
    )
    assert made["total"] == "142.97"  # 113.00 + 29.97, tax included
    assert (made["lines"][0]["amount"], made["lines"][0]["unit_price"]) == ("100.00", "100.00")


def test_an_invoice_outside_the_scope_of_tax_needs_no_codes(northern):
    made = northern.call(
        "create_invoice", customer_id="1", lines=[line()], global_tax_calculation="NotApplicable"
    )
    assert (made["total"], made["total_tax"]) == ("180.00", "0.00")


@pytest.mark.parametrize("code", [None, "99", "10"])
def test_tax_inside_a_price_must_be_known_before_anything_is_written(northern, code):
    """10 is inactive, 99 is no code."""
    northern.levers("clear")
    lines = [line(tax_code=code)] if code else [line()]
    with pytest.raises(InvalidArguments, match="with TaxInclusive each line needs a tax_code"):
        northern.call("create_invoice", customer_id="1", lines=lines, global_tax_calculation="TaxInclusive")
    assert {request["method"] for request in northern.requests()} == {"GET"}


def test_an_unknown_tax_code_is_named_as_such(northern):
    with pytest.raises(InvalidArguments, match="tax_code from quickbooks_list_tax_codes") as refused:
        northern.call("create_invoice", customer_id="1", lines=[line(tax_code="99")])
    assert refused.value.details["codes"] == ["2500"]


def test_in_the_us_a_line_is_taxable_or_not(quickbooks):
    made = quickbooks.call("create_invoice", customer_id="24", lines=[line(tax_code="TAX"), line()])
    assert [each["tax_code"] for each in made["lines"]] == ["TAX", "NON"]


def test_a_customer_who_pays_in_another_currency_is_invoiced_in_it(northern):
    """CurrencyRef is required where a company has several currencies."""
    made = northern.call("create_invoice", customer_id="4", lines=[line(tax_code="3")])
    assert (made["currency"], made["total"]) == ("USD", "180.00")
    with pytest.raises(InvalidArguments, match=r"customer_id: QuickBooks does not know it"):
        northern.call("create_invoice", customer_id="999", lines=[line(tax_code="3")])
