"""What changes something in Xero, against the imitated service over HTTP."""

from datetime import timedelta

import pytest

from app.connectors.xero import CONNECTOR
from app.errors import InvalidArguments, OutcomeUnknown
from app.sandbox.clock import today
from tests.support.xero import Xero

ELSEWHERE = "70784a63-d24b-46a9-a4db-0e70a274b056"


def line(**changes):
    return {"description": "Work", "quantity": 3, "unit_amount": 33.3333, "account_code": "200", **changes}


def test_it_creates_a_draft_with_exact_amounts(xero):
    made = xero.call(
        "create_invoice",
        contact_id=xero.contact(),
        line_items=[line()],
        reference="P/O 1",
        date=today().isoformat(),
    )
    assert (made["status"], made["subtotal"], made["total_tax"], made["total"], made["currency"]) == (
        "DRAFT",
        "100.00",
        "10.00",
        "110.00",
        "AUD",
    )
    assert "nothing was sent" in xero.last_api.note
    assert xero.call("get_invoice", invoice_id=made["invoice_id"])["lines"][0]["unit_amount"] == "33.3333"


def test_it_creates_a_bill(xero):
    due = (today() + timedelta(days=7)).isoformat()
    made = xero.call(
        "create_invoice",
        contact_id=xero.contact("PowerDirect"),
        type="ACCPAY",
        line_items=[line(account_code="445", tax_type="INPUT")],
        due_date=due,
        status="AUTHORISED",
    )
    assert (made["type"], made["status"], made["due_date"]) == ("ACCPAY", "AUTHORISED", due)
    assert "The bill was created with status AUTHORISED" in xero.last_api.note


def test_the_reference_of_a_bill_is_the_suppliers_number_and_stays_findable(xero):
    made = xero.call(
        "create_invoice",
        contact_id=xero.contact("PowerDirect"),
        type="ACCPAY",
        line_items=[line(account_code="445")],
        reference="PD 2026/11",
    )
    assert made["number"] == "PD 2026/11"
    assert xero.call("get_invoice", invoice_id=made["invoice_id"])["number"] == "PD 2026/11"
    found = xero.call("list_invoices", type="ACCPAY", search="2026/11")["items"]
    assert [row["invoice_id"] for row in found] == [made["invoice_id"]]


def test_an_approved_invoice_needs_a_due_date_before_anything_is_sent(xero):
    before = len(xero.requests())
    with pytest.raises(InvalidArguments, match="due_date"):
        xero.call("create_invoice", contact_id=ELSEWHERE, line_items=[line()], status="AUTHORISED")
    assert len(xero.requests()) == before


def test_an_invoice_is_not_due_before_its_date(xero):
    before = len(xero.requests())
    with pytest.raises(InvalidArguments, match="due_date: it must be a day on or after"):
        xero.call(
            "create_invoice",
            contact_id=ELSEWHERE,
            line_items=[line()],
            date="2026-11-05",
            due_date="2026-11-04",
        )
    assert len(xero.requests()) == before


def test_a_refusal_names_the_argument_in_our_words_and_xeros_reason_only_in_the_details(xero):
    with pytest.raises(InvalidArguments) as refused:
        xero.call("create_invoice", contact_id=xero.contact(), line_items=[line(account_code="999")])
    assert (
        "account_code: use a code from xero_list_accounts" in refused.value.message
        and "999" not in refused.value.message
    )
    assert refused.value.details["fields"] == ["account_code"]
    assert refused.value.details["reasons"] == ["Account code '999' is not a valid code for this document."]


def test_a_locked_period_is_explained(xero):
    with pytest.raises(InvalidArguments, match="locked in Xero"):
        xero.call(
            "create_invoice",
            contact_id=xero.contact(),
            line_items=[line()],
            status="AUTHORISED",
            date="2020-01-01",
            due_date="2020-01-31",
        )


def test_it_creates_a_contact_once(xero):
    made = xero.call("create_contact", name="Fresh Fields", email="hello@fresh.example.com", first_name="Flo")
    assert xero.call("list_contacts", search="fresh fields")["items"][0]["contact_id"] == made["contact_id"]
    with pytest.raises(InvalidArguments, match="name: a contact with that name already exists"):
        xero.call("create_contact", name="Fresh Fields")


def test_it_records_a_payment_up_to_what_is_due(xero):
    invoice = xero.call("get_invoice", invoice_id="INV-0042")
    payment = {"invoice_id": invoice["invoice_id"], "account_code": "090", "date": today().isoformat()}
    with pytest.raises(InvalidArguments, match="amount: pay no more"):
        xero.call("record_payment", amount=1100.01, **payment)
    with pytest.raises(InvalidArguments, match="account_code"):
        xero.call("record_payment", amount=1, **{**payment, "account_code": "200"})
    part = xero.call("record_payment", amount=100.1, reference="part", **payment)
    assert (part["amount"], part["amount_still_due"], part["currency"]) == ("100.10", "999.90", "AUD")
    assert xero.call("record_payment", amount=999.9, **payment)["amount_still_due"] == "0.00"
    assert xero.call("get_invoice", invoice_id="INV-0042")["status"] == "PAID"


def test_a_payment_from_an_account_without_a_code_goes_by_its_id(xero):
    (card,) = [each for each in xero.call("list_accounts", type="BANK")["items"] if not each["code"]]
    invoice = xero.call("get_invoice", invoice_id="INV-0042")["invoice_id"]
    payment = {"invoice_id": invoice, "amount": 5, "date": today().isoformat()}
    made = xero.call("record_payment", account_id=card["account_id"], **payment)
    assert (made["account_id"], made["account_code"]) == (card["account_id"], None)
    (listed,) = [p for p in xero.call("list_payments")["items"] if p["payment_id"] == made["payment_id"]]
    assert listed["account_id"] == card["account_id"]
    for neither_or_both in ({}, {"account_id": card["account_id"], "account_code": "090"}):
        with pytest.raises(InvalidArguments, match="account_code, or account_id"):
            xero.call("record_payment", **neither_or_both, **payment)


def test_only_an_approved_invoice_can_be_paid(xero):
    (draft, *_) = xero.call("list_invoices", type="ACCREC", status=["DRAFT"])["items"]
    with pytest.raises(InvalidArguments, match="invoice_id: only an AUTHORISED"):
        xero.call(
            "record_payment",
            invoice_id=draft["invoice_id"],
            account_code="090",
            amount=1,
            date=today().isoformat(),
        )


def test_it_mails_an_invoice_only_when_confirmed(xero_url, xero):
    harbour = Xero(xero_url, "harbour")
    open_ = harbour.call("list_invoices", contact="Kauri", status=["AUTHORISED"])["items"][0]["invoice_id"]
    with pytest.raises(InvalidArguments, match="nothing was sent") as refused:
        harbour.call("email_invoice", invoice_id=open_, confirm=False)
    assert harbour.levers.log()["mails"] == []
    assert harbour.call("email_invoice", invoice_id=open_, confirm=True)["sent"] is True
    (mail,) = harbour.levers.log()["mails"]
    # The contact, and the one of their two people whom Xero includes in e-mails.
    assert mail["to"] == refused.value.details["recipients"]
    assert mail["to"] == ["accounts@kauricafe.example.com", "wiremu@kauricafe.example.com"]
    assert "contact persons included in emails" in harbour.last_api.note


def test_without_a_yes_nothing_is_sent_even_when_the_recipients_cannot_be_read(xero):
    xero.levers("fail", status=500, path="/Invoices/", times=10)
    with pytest.raises(InvalidArguments, match="nothing was sent") as refused:
        xero.call("email_invoice", invoice_id=ELSEWHERE, confirm=False)
    assert "recipients" not in refused.value.details
    xero.levers("clear")


def test_a_demo_company_may_mail_nothing_and_says_so(xero):
    open_ = xero.call("get_invoice", invoice_id="INV-0042")["invoice_id"]
    with pytest.raises(InvalidArguments, match="email limit for today"):
        xero.call("email_invoice", invoice_id=open_, confirm=True)


def test_a_write_whose_answer_was_lost_is_done_once(xero):
    contact = xero.contact()
    xero.levers("fail", method="PUT", when="after", status=503)
    made = xero.call("create_invoice", contact_id=contact, line_items=[line()], reference="lost answer")
    found = xero.call("list_invoices", search="lost answer")["items"]
    assert [row["invoice_id"] for row in found] == [made["invoice_id"]]


def test_a_write_that_keeps_failing_is_of_unknown_outcome(xero):
    contact = xero.contact()
    xero.levers("fail", method="PUT", times=3, status=500, body="html")
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        xero.call("create_invoice", contact_id=contact, line_items=[line()])


@pytest.mark.parametrize(
    "verb, arguments",
    [
        ("list_invoices", {"page_size": 101}),
        ("list_invoices", {"contact_id": '") OR Type=="ACCPAY'}),
        ("list_invoices", {"status": ["DRAFT", "GONE"]}),
        ("list_accounts", {"type": 'BANK" OR "1'}),
        ("list_payments", {"date_from": "yesterday"}),
        ("get_profit_and_loss", {"periods": 12}),
        ("create_contact", {"name": ""}),
        ("create_invoice", {"contact_id": ELSEWHERE, "line_items": []}),
        ("create_invoice", {"contact_id": ELSEWHERE, "line_items": [line(discount=1)]}),
        ("create_invoice", {"contact_id": ELSEWHERE, "line_items": [line(quantity=float("nan"))]}),
        (
            "record_payment",
            {"invoice_id": ELSEWHERE, "account_code": "090", "amount": 0, "date": "2026-11-01"},
        ),
        (
            "record_payment",
            {"invoice_id": ELSEWHERE, "account_code": "090", "amount": 1.005, "date": "2026-11-01"},
        ),
        (
            "record_payment",
            {"invoice_id": ELSEWHERE, "account_code": "090", "amount": True, "date": "2026-11-01"},
        ),
        ("email_invoice", {"invoice_id": "INV-0042", "confirm": True}),
    ],
)
def test_arguments_out_of_bounds_are_refused_before_anything_is_sent(verb, arguments):
    with pytest.raises(InvalidArguments):
        CONNECTOR.find_tool(f"xero_{verb}").parse(arguments)
