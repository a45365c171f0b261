"""Reading invoices and bills from Xero, against the imitated service over HTTP."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.connectors.rows import size_in_tokens
from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.clock import today


def test_it_pages_through_invoices_newest_first(xero):
    first = xero.call("list_invoices", page_size=50)
    second = xero.call("list_invoices", page_size=50, page=first["next"])
    assert (len(first["items"]), len(second["items"]), first["total"], second["next"]) == (50, 19, 69, None)
    dates = [row["date"] for row in first["items"] + second["items"]]
    assert dates == sorted(dates, reverse=True)
    assert len({row["invoice_id"] for row in first["items"] + second["items"]}) == 69


def test_the_longest_page_stays_within_what_a_client_takes(xero):
    assert size_in_tokens(xero.call("list_invoices", page_size=100)) < 20_000
    assert size_in_tokens(xero.call("get_profit_and_loss", periods=11, timeframe="MONTH")) < 10_000


def test_it_filters_invoices(xero):
    contact = xero.contact()
    since = (today() - timedelta(days=60)).isoformat()
    found = xero.call(
        "list_invoices", type="ACCREC", status=["AUTHORISED", "PAID"], contact_id=contact, date_from=since
    )["items"]
    assert (
        found
        and {(r["type"], r["contact_id"]) for r in found} == {("ACCREC", contact)}
        and min(r["date"] for r in found) >= since
    )
    assert [r["number"] for r in xero.call("list_invoices", search="inv-0042")["items"]] == ["INV-0042"]
    assert xero.call("list_invoices", date_to="2001-01-01")["items"] == []


def test_a_search_covers_numbers_and_references_and_says_so_when_it_finds_nothing(xero):
    assert xero.call("list_invoices", search="City Agency")["items"] == []
    assert "`contact`" in xero.last_api.note
    assert [r["reference"] for r in xero.call("list_invoices", search="monthly retainer")["items"]] == [
        "Monthly retainer"
    ]


def test_invoices_are_found_by_a_part_of_the_contacts_name(xero):
    found = xero.call("list_invoices", contact="agency")
    assert found["total"] and {row["contact_name"] for row in found["items"]} == {"City Agency"}
    assert found == xero.call("list_invoices", contact_id=xero.contact())
    several = xero.call("list_invoices", contact="ba", page_size=100)["items"]
    assert {row["contact_name"] for row in several} == {"Bayside Club", "Basket Case"}


def test_the_invoices_of_a_contact_that_nobody_knows_are_not_just_none(xero):
    with pytest.raises(ObjectNotFound, match="xero_list_contacts"):
        xero.call("list_invoices", contact="Nobody Inc")
    with pytest.raises(InvalidArguments, match="not both"):
        xero.call("list_invoices", contact="agency", contact_id=xero.contact())


@pytest.mark.parametrize("verb", ["list_invoices", "list_payments", "get_profit_and_loss"])
def test_days_in_the_wrong_order_are_refused(xero, verb):
    first, last = ("from_date", "to_date") if verb.startswith("get") else ("date_from", "date_to")
    with pytest.raises(InvalidArguments, match="Swap"):
        xero.call(verb, **{first: "2026-02-01", last: "2026-01-01"})


def test_no_record_of_one_day_repeats_or_vanishes_between_pages(xero):
    """A database returns records that are alike in the sorted field in any order."""
    for verb, key in (("list_invoices", "invoice_id"), ("list_contacts", "contact_id")):
        ids, page = [], 1
        while page:
            answer = xero.call(verb, page=page, **({"page_size": 4} if verb == "list_invoices" else {}))
            ids += [row[key] for row in answer["items"]]
            page = answer["next"]
        assert len(ids) == len(set(ids)) == answer["total"]


def test_every_invoice_names_its_currency(xero):
    rows = xero.call("list_invoices", type="ACCREC", page_size=100)["items"]
    assert {row["currency"] for row in rows} == {"AUD", "USD"}


def test_a_draft_may_have_no_due_date(xero):
    assert None in [row["due_date"] for row in xero.call("list_invoices", status=["DRAFT"])["items"]]


def test_it_gets_an_invoice_by_number_with_lines_and_payments(xero):
    invoice = xero.call("get_invoice", invoice_id="INV-0035")
    assert (invoice["number"], invoice["lines_left_out"]) == ("INV-0035", 0)
    assert invoice["lines"][0]["account_code"] == "200" and invoice["payments"][0]["amount"] == "250.00"
    assert Decimal(invoice["amount_due"]) == Decimal(invoice["total"]) - 250
    assert xero.call("get_invoice", invoice_id=invoice["invoice_id"]) == invoice


@pytest.mark.parametrize("name", ["INV-9999", "..", "../../connections", "a/b?c#d", "%2e%2e", "\u202eINV"])
def test_an_unknown_invoice_is_not_found_whatever_it_is_called(xero, name):
    xero.levers("clear")
    with pytest.raises(ObjectNotFound):
        xero.call("get_invoice", invoice_id=name)
    assert all(request["path"].startswith("/api.xro/2.0/Invoices/") for request in xero.requests())
