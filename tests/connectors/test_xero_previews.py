"""What a person reads before Xero is changed for them, and what is refused before they are asked."""

from datetime import timedelta

import pytest

from app.connectors.lookups import NO_ACCESS, UNKNOWN, long_day
from app.connectors.xero import CONNECTOR
from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.clock import today
from tests.connectors.test_xero_writing import ELSEWHERE, line
from tests.support.xero import Xero

TODAY = today().isoformat()


@pytest.fixture
def books(xero):
    """The demo company on its first day, which a preview leaves as it is."""
    yield xero
    assert not [
        each for each in xero.requests() if each["method"] == "PUT" or each["path"].endswith("/Email")
    ]


def facts(preview):
    return {fact.label: fact.value for fact in preview.facts}


def test_an_invoice_names_contact_lines_and_the_exact_total(books):
    found = books.preview(
        "create_invoice",
        contact_id=books.contact(),
        line_items=[line(), line(quantity=2, unit_amount=10.5, account_code="260")],
    )
    assert found.headline == "Create draft invoice for City Agency: 2 lines, 121.00 AUD before tax"
    assert found.button == "Create draft invoice, 121.00 AUD" and not found.warning
    assert facts(found)["Accounts"] == "Sales (200) and Other Revenue (260)"
    assert facts(found)["Tax"] == "the account's default"
    assert len(books.last_api.calls) == 3


def test_an_approved_bill_says_what_it_is_and_when_it_is_due(books):
    due = today() + timedelta(days=7)
    found = books.preview(
        "create_invoice",
        contact_id=books.contact("PowerDirect"),
        type="ACCPAY",
        line_items=[line(account_code="445", tax_type="INPUT")],
        status="AUTHORISED",
        due_date=due.isoformat(),
    )
    assert found.headline == (
        f"Create approved bill from PowerDirect: 1 line, 100.00 AUD before tax, due {long_day(due)}"
    )
    assert "in the books at once" in found.warning and "(10%)" in facts(found)["Tax"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "AUTHORISED"}, "due_date: an AUTHORISED"),
        ({"date": "2026-11-05", "due_date": "2026-11-04"}, "due_date: it must be a day on or after"),
        ({"contact_id": ELSEWHERE}, "contact_id: use the id of an active contact"),
        ({"line_items": [line(account_code="999")]}, "account_code: use the code"),
        ({"line_items": [line(account_code="090")]}, "not of a bank account"),
        ({"line_items": [line(tax_type="NOPE")]}, "tax_type"),
        ({"status": "AUTHORISED", "date": "2020-01-01", "due_date": "2020-01-31"}, "locked up to"),
    ],
)
def test_an_invoice_that_xero_would_refuse_is_refused_before(books, changes, says):
    given = {"contact_id": books.contact(), "line_items": [line()], **changes}
    with pytest.raises(InvalidArguments, match=says):
        books.preview("create_invoice", given)


def test_an_archived_contact_is_refused(books):
    everybody = books.call("list_contacts", include_archived=True)["items"]
    archived = next(each for each in everybody if each["status"] == "ARCHIVED")
    with pytest.raises(InvalidArguments, match="contact_id"):
        books.preview("create_invoice", contact_id=archived["contact_id"], line_items=[line()])


def test_an_email_names_everybody_it_goes_to(xero_url, books):
    harbour = Xero(xero_url, "harbour")
    sent = harbour.call("list_invoices", contact="Kauri", status=["AUTHORISED"])["items"][0]
    found = harbour.preview("email_invoice", invoice_id=sent["invoice_id"], confirm=True)
    assert found.headline == (
        f"Email invoice {sent['number']}, {float(sent['total']):,.2f} NZD, to "
        "Kauri Cafe <accounts@kauricafe.example.com> and 1 contact person"
    )
    assert found.button == f"Send invoice, {float(sent['total']):,.2f} NZD"
    assert facts(found)["Recipients"] == "accounts@kauricafe.example.com and wiremu@kauricafe.example.com"
    assert found.warning == "Goes to 2 email addresses."
    assert len(harbour.last_api.calls) == 2


def test_what_cannot_be_emailed_is_refused(books):
    draft = books.call("list_invoices", type="ACCREC", status=["DRAFT"])["items"][0]["invoice_id"]
    with pytest.raises(InvalidArguments, match="This one is DRAFT"):
        books.preview("email_invoice", invoice_id=draft, confirm=True)
    bill = books.call("list_invoices", type="ACCPAY")["items"][0]["invoice_id"]
    with pytest.raises(InvalidArguments, match="Only sales invoices"):
        books.preview("email_invoice", invoice_id=bill, confirm=True)
    with pytest.raises(InvalidArguments, match="confirm: nothing was sent"):
        books.preview("email_invoice", invoice_id=draft, confirm=False)
    with pytest.raises(ObjectNotFound):
        books.preview("email_invoice", invoice_id=ELSEWHERE, confirm=True)


def test_a_contact_without_an_address_gets_no_email(xero):
    contact = xero.call("create_contact", name="Paper Only")["contact_id"]
    made = xero.call(
        "create_invoice", contact_id=contact, line_items=[line()], status="AUTHORISED", due_date=TODAY
    )
    with pytest.raises(InvalidArguments, match="no email address in Xero"):
        xero.preview("email_invoice", invoice_id=made["invoice_id"], confirm=True)


def test_a_payment_names_document_account_and_what_stays_due(books):
    invoice = books.call("get_invoice", invoice_id="INV-0042")
    found = books.preview(
        "record_payment", invoice_id=invoice["invoice_id"], account_code="090", amount=100.1, date=TODAY
    )
    assert found.headline == (
        f"Record payment of 100.10 AUD on invoice INV-0042 from {invoice['contact_name']} into "
        f"Business Bank Account, dated {long_day(today())}"
    )
    assert facts(found)["Due after this payment"] == "999.90 AUD"
    assert facts(found)["Account"] == "Business Bank Account (090)"
    bill = books.call("list_invoices", type="ACCPAY", status=["AUTHORISED"])["items"][0]
    paid = books.preview(
        "record_payment", invoice_id=bill["invoice_id"], account_code="090", amount=1, date=TODAY
    )
    assert f" to {bill['contact_name']} out of Business Bank Account" in paid.headline
    assert "bill" in paid.headline and "invoice_id" not in paid.covers  # a supplier's number may repeat


def test_a_payment_that_xero_would_refuse_is_refused_before(books):
    invoice = books.call("get_invoice", invoice_id="INV-0042")["invoice_id"]
    draft = books.call("list_invoices", type="ACCREC", status=["DRAFT"])["items"][0]["invoice_id"]
    payment = {"invoice_id": invoice, "account_code": "090", "amount": 1, "date": TODAY}
    for changes, says in (
        ({"amount": 1100.01}, "amount: pay no more than the 1,100.00 AUD"),
        ({"account_code": "200"}, "account_code: use an active BANK account"),
        ({"account_code": None}, "account_code, or account_id"),
        ({"account_code": None, "account_id": ELSEWHERE}, "account_id: use an active"),
        ({"invoice_id": draft}, "only an AUTHORISED"),
        ({"invoice_id": ELSEWHERE}, "invoice_id: use an id"),
        ({"date": "2020-01-01"}, "locked up to"),
    ):
        with pytest.raises(InvalidArguments, match=says):
            books.preview("record_payment", {**payment, **changes})


def test_a_new_contact_has_a_name_of_its_own(books):
    found = books.preview("create_contact", name="Fresh Fields", email="hi@fresh.example", first_name="Flo")
    assert found.headline == "Create contact Fresh Fields (Flo) <hi@fresh.example>"
    with pytest.raises(InvalidArguments, match="an active contact in Xero has this name"):
        books.preview("create_contact", name="city agency")


def test_without_the_right_to_read_contacts_the_invoice_is_still_named(xero_url, books):
    scopes = tuple(scope for scope in CONNECTOR.auth.write_scopes if scope != "accounting.contacts")
    here = Xero(xero_url, "harbour", scopes)
    sent = here.call("list_invoices", type="ACCREC", status=["AUTHORISED"])["items"][0]
    found = here.preview("email_invoice", invoice_id=sent["invoice_id"], confirm=True)
    assert found.headline.startswith(f"Email invoice {sent['number']}, ")
    assert found.headline.endswith(f" to {sent['contact_name']}")
    assert facts(found)["Recipients"] == UNKNOWN
    new = here.preview("create_invoice", contact_id=sent["contact_id"], line_items=[line()])
    assert new.headline == "Create draft invoice for a contact: 1 line, 100.00 NZD before tax"
    assert facts(new)["Contact"] == NO_ACCESS
