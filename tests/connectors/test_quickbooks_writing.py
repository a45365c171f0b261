"""What changes something in QuickBooks, against the imitated service over HTTP."""

from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from app.connectors.quickbooks import CONNECTOR
from app.errors import InvalidArguments, OutcomeUnknown
from app.sandbox.clock import today
from tests.support.quickbooks import QuickBooks

TODAY = today().isoformat()


def line(**changes):
    return {"item_id": "6", "quantity": 2.5, "unit_price": 35.5, **changes}


def test_it_creates_an_invoice_with_exact_amounts(quickbooks):
    lines = [line(description="Weeding"), line(quantity=3, unit_price=33.335)]
    due = (today() + timedelta(days=14)).isoformat()
    made = quickbooks.call(
        "create_invoice",
        customer_id="24",
        lines=lines,
        date=TODAY,
        due_date=due,
        memo="Hi",
        customer_email="a@example.com",
    )
    assert (made["total"], made["balance"], made["status"], made["currency"]) == (
        "188.76",
        "188.76",
        "open",
        "USD",
    )
    assert [(each["quantity"], each["unit_price"], each["amount"]) for each in made["lines"]] == [
        ("2.5", "35.50", "88.75"),
        ("3", "33.335", "100.01"),
    ]
    assert (made["due_date"], made["memo"], made["billing_email"], made["email_status"]) == (
        due,
        "Hi",
        "a@example.com",
        "NotSet",
    )
    assert "in the ledger; it was not sent" in quickbooks.last_api.note
    assert quickbooks.call("get_invoice", invoice_id=made["invoice_id"]) == made


@pytest.mark.parametrize(
    ("changes", "field", "advice"),
    [
        ({"customer_id": "999"}, "customer_id", "quickbooks_list_customers"),
        ({"customer_id": "30"}, "customer_id", "active"),
        ({"lines": [line(item_id="12")]}, "lines", "quickbooks_list_items"),
    ],
)
def test_a_refusal_names_the_argument_in_our_words_and_the_reason_only_in_the_details(
    quickbooks, changes, field, advice
):
    with pytest.raises(InvalidArguments) as refused:
        quickbooks.call("create_invoice", {"customer_id": "24", "lines": [line()], **changes})
    assert refused.value.details["fields"] == [field] and advice in refused.value.message
    assert refused.value.details["codes"] == ["2500"] and "not found" in refused.value.details["reasons"][0]
    assert "not found" not in refused.value.message and refused.value.details["intuit_tid"]


def test_a_due_date_before_the_date_is_refused_before_anything_is_sent(quickbooks):
    quickbooks.levers("clear")
    with pytest.raises(InvalidArguments, match="due_date"):
        quickbooks.call("create_invoice", customer_id="24", lines=[line()], date=TODAY, due_date="2020-01-01")
    assert quickbooks.requests() == []


def test_closed_books_are_explained(quickbooks):
    quickbooks.levers("close_books", company="maple", until=TODAY)
    with pytest.raises(InvalidArguments, match="books are closed"):
        quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    with pytest.raises(InvalidArguments, match="books are closed"):
        quickbooks.call("record_payment", invoice_id=quickbooks.overdue()["invoice_id"], amount=1)


def test_it_creates_a_customer_once(quickbooks):
    made = quickbooks.call(
        "create_customer",
        display_name="Fresh Fields",
        email="hello@fresh.example",
        phone="555 0100",
        company_name="FF",
    )
    assert (made["email"], made["phone"], made["company_name"], made["balance"]) == (
        "hello@fresh.example",
        "555 0100",
        "FF",
        "0.00",
    )
    for name in ("fresh fields", "Old Mill Inn"):
        with pytest.raises(InvalidArguments, match=r"display_name: .* already exists"):
            quickbooks.call("create_customer", display_name=name)


def test_it_records_a_payment_up_to_the_balance(quickbooks):
    made = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    quickbooks.levers("clear")
    with pytest.raises(InvalidArguments, match=r"no more than 88\.75 USD") as over:
        quickbooks.call("record_payment", invoice_id=made["invoice_id"], amount=88.76)
    assert over.value.details["balance"] == "88.75" and [r["method"] for r in quickbooks.requests()] == [
        "GET"
    ]
    part = quickbooks.call("record_payment", invoice_id=made["invoice_id"], amount=0.1, date=TODAY)
    assert (part["total"], part["unapplied"], part["currency"], part["customer_id"]) == (
        "0.10",
        "0.00",
        "USD",
        "24",
    )
    assert quickbooks.call("get_invoice", invoice_id=made["invoice_id"])["balance"] == "88.65"
    quickbooks.call("record_payment", invoice_id=made["invoice_id"], amount=88.65)
    assert quickbooks.call("get_invoice", invoice_id=made["invoice_id"])["status"] == "paid"
    with pytest.raises(InvalidArguments, match=r"no more than 0\.00"):
        quickbooks.call("record_payment", invoice_id=made["invoice_id"], amount=1)


def test_a_payment_is_in_the_currency_of_the_invoice(quickbooks_url, quickbooks):
    northern = QuickBooks(quickbooks_url, "northern")
    invoice = northern.call("create_invoice", customer_id="4", lines=[line(item_id="2", tax_code="3")])
    assert invoice["currency"] == "USD"
    assert northern.call("record_payment", invoice_id=invoice["invoice_id"], amount=10)["currency"] == "USD"


def test_it_mails_an_invoice_only_when_confirmed(quickbooks):
    invoice = quickbooks.call(
        "create_invoice", customer_id="24", lines=[line()], customer_email="family@example.com"
    )
    with pytest.raises(InvalidArguments, match="nothing was sent"):
        quickbooks.call("send_invoice", invoice_id=invoice["invoice_id"], confirm=False)
    assert quickbooks.levers.log()["mails"] == []
    sent = quickbooks.call("send_invoice", invoice_id=invoice["invoice_id"], confirm=True)
    assert (sent["email_status"], sent["sent_to"]) == ("EmailSent", "family@example.com") and sent[
        "delivered_at"
    ]
    again = quickbooks.call(
        "send_invoice", invoice_id=invoice["invoice_id"], confirm=True, send_to="boss+x@example.com"
    )
    assert again["sent_to"] == "boss+x@example.com"
    assert [mail["to"] for mail in quickbooks.levers.log()["mails"]] == [
        "family@example.com",
        "boss+x@example.com",
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "error", "words"),
    [
        ({"queued": True}, "NeedToSend", None, "has not been sent"),
        ({"error": "Bounced Email"}, "EmailSent", "Bounced Email", "could not deliver"),
        ({}, "EmailSent", None, "Invoice sent"),
    ],
)
def test_a_mail_is_called_sent_only_when_quickbooks_says_so(quickbooks, outcome, status, error, words):
    invoice = quickbooks.call(
        "create_invoice", customer_id="24", lines=[line()], customer_email="family@example.com"
    )
    quickbooks.levers("delivery", company="maple", **outcome)
    sent = quickbooks.call("send_invoice", invoice_id=invoice["invoice_id"], confirm=True)
    assert (sent["email_status"], sent["delivery_error"]) == (status, error)
    assert words in quickbooks.last_api.note
    assert quickbooks.call("get_invoice", invoice_id=invoice["invoice_id"])["delivery_error"] == error


def test_an_invoice_without_an_address_asks_for_one_and_mails_nothing(quickbooks):
    invoice = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    with pytest.raises(InvalidArguments, match="send_to"):
        quickbooks.call("send_invoice", invoice_id=invoice["invoice_id"], confirm=True)
    assert quickbooks.levers.log()["mails"] == []


def test_it_voids_an_invoice_only_when_confirmed_and_once(quickbooks):
    invoice = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    with pytest.raises(InvalidArguments, match="nothing was voided"):
        quickbooks.call("void_invoice", invoice_id=invoice["invoice_id"], confirm=False)
    voided = quickbooks.call("void_invoice", invoice_id=invoice["invoice_id"], confirm=True)
    assert (voided["status"], voided["total"], voided["balance"]) == ("voided", "0.00", "0.00")
    quickbooks.levers("clear")
    assert quickbooks.call("void_invoice", invoice_id=invoice["invoice_id"], confirm=True) == voided
    assert [r["method"] for r in quickbooks.requests()] == ["GET"]
    assert "already voided" in quickbooks.last_api.note


def test_whether_it_is_void_is_told_by_its_numbers_and_not_by_a_note(quickbooks):
    free = quickbooks.call("create_invoice", customer_id="24", lines=[line(unit_price=0)])
    assert (free["total"], free["status"]) == ("0.00", "paid")
    voided = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    quickbooks.call("void_invoice", invoice_id=voided["invoice_id"], confirm=True)

    def note(invoice, text):
        change = {"Id": invoice["invoice_id"], "sparse": True, "PrivateNote": text}
        record = quickbooks.api_call("GET", f"/invoice/{invoice['invoice_id']}").json()["Invoice"]
        change["SyncToken"] = record["SyncToken"]
        assert quickbooks.api_call("POST", "/invoice", json=change).status_code == 200
        return quickbooks.call("get_invoice", invoice_id=invoice["invoice_id"])["status"]

    assert note(free, "Voided cheque enclosed") == "paid"
    assert note(voided, "Annulé") == "voided"


def test_an_invoice_changed_between_look_and_write_is_looked_at_again(quickbooks, monkeypatch):
    invoice = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    from app.connectors.quickbooks import invoicing

    looks, real = [], invoicing.read_invoice

    def read_and_be_overtaken(api, invoice_id):
        record = real(api, invoice_id)
        if not looks:
            change = {
                "Id": invoice_id,
                "SyncToken": record["SyncToken"],
                "sparse": True,
                "PrivateNote": "by somebody else",
            }
            assert quickbooks.api_call("POST", "/invoice", json=change).status_code == 200
        looks.append(record["SyncToken"])
        return record

    monkeypatch.setattr(invoicing, "read_invoice", read_and_be_overtaken)
    voided = quickbooks.call("void_invoice", invoice_id=invoice["invoice_id"], confirm=True)
    assert looks == ["0", "1"] and voided["status"] == "voided"
    assert (
        quickbooks.call("get_invoice", invoice_id=invoice["invoice_id"])["note"] == "Voided by somebody else"
    )


# --- done once ---


def test_every_write_carries_a_requestid_of_its_own_and_no_read_does(quickbooks):
    quickbooks.levers("clear")
    for name in ("One", "Two"):
        quickbooks.call("create_customer", display_name=name)
    quickbooks.call("list_customers")
    ids = [parse_qs(r["query"]).get("requestid") for r in quickbooks.requests()]
    assert ids[2] is None and ids[0] != ids[1] and all(len(i[0]) == 32 for i in ids[:2])


@pytest.mark.parametrize("lost", ["fail", "drop"])
def test_a_write_whose_answer_was_lost_is_done_once(quickbooks, lost):
    before = len(quickbooks.call("list_invoices", customer_id="24")["items"])
    quickbooks.levers(lost, method="POST", when="after", path="/invoice")
    made = quickbooks.call("create_invoice", customer_id="24", lines=[line()])
    rows = quickbooks.call("list_invoices", customer_id="24")["items"]
    assert len(rows) == before + 1 and made["invoice_id"] in {row["invoice_id"] for row in rows}


def test_a_mail_whose_answer_was_lost_goes_out_once(quickbooks):
    invoice = quickbooks.call(
        "create_invoice", customer_id="24", lines=[line()], customer_email="family@example.com"
    )
    quickbooks.levers("fail", path="/send", when="after", status=503)
    assert (
        quickbooks.call("send_invoice", invoice_id=invoice["invoice_id"], confirm=True)["email_status"]
        == "EmailSent"
    )
    assert len(quickbooks.levers.log()["mails"]) == 1


def test_a_write_that_keeps_failing_is_of_unknown_outcome(quickbooks):
    quickbooks.levers("fail", method="POST", times=3, status=500, body="html")
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        quickbooks.call("create_invoice", customer_id="24", lines=[line()])


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("list_invoices", {"limit": 201}),
        ("list_invoices", {"offset": -1}),
        ("list_invoices", {"customer_id": "24' OR Id > '0"}),
        ("list_invoices", {"status": "draft"}),
        ("list_customers", {"search": "a\nb"}),
        ("get_invoice", {"invoice_id": "../companyinfo/1"}),
        ("get_profit_and_loss", {"start_date": "2026-01-01"}),
        (
            "get_profit_and_loss",
            {"start_date": "2026-01-01", "end_date": "2026-02-01", "accounting_method": "cash&x=1"},
        ),
        ("list_accounts", {"classification": "Bank"}),
        ("create_customer", {"display_name": "A:B"}),
        ("create_customer", {"display_name": "A", "email": "a@b"}),
        ("create_customer", {"display_name": "A", "email": "a@example.com,b@example.com"}),
        ("create_invoice", {"customer_id": "1", "lines": []}),
        ("create_invoice", {"customer_id": "1", "lines": [line(discount=1)]}),
        ("create_invoice", {"customer_id": "1", "lines": [line(quantity=0)]}),
        ("create_invoice", {"customer_id": "1", "lines": [line(unit_price=float("nan"))]}),
        ("record_payment", {"invoice_id": "1", "amount": 0}),
        ("record_payment", {"invoice_id": "1", "amount": 1.005}),
        ("record_payment", {"invoice_id": "1", "amount": True}),
        ("send_invoice", {"invoice_id": "1"}),
        (
            "send_invoice",
            {"invoice_id": "1", "confirm": True, "send_to": "x@example.com\nBcc: y@example.com"},
        ),
        ("void_invoice", {"invoice_id": "1"}),
    ],
)
def test_arguments_out_of_bounds_are_refused_before_anything_is_sent(verb, arguments):
    with pytest.raises(InvalidArguments):
        CONNECTOR.find_tool(f"quickbooks_{verb}").parse(arguments)


def test_dates_in_the_wrong_order_are_refused(quickbooks):
    with pytest.raises(InvalidArguments, match="Swap"):
        quickbooks.call("list_invoices", date_from="2026-02-01", date_to="2026-01-01")
    with pytest.raises(InvalidArguments, match="Swap"):
        quickbooks.call("get_profit_and_loss", start_date="2026-02-01", end_date="2026-01-01")
