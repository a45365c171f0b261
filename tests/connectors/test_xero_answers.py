"""Answers the imitated Xero does not give, and how the connector takes them."""

import base64
import json

import pytest
import responses

from app.connectors.api import Api
from app.connectors.spec import Business
from app.connectors.xero import CONNECTOR
from app.connectors.xero.values import calendar_date
from app.errors import (
    InvalidArguments,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
)

ELSEWHERE = "70784a63-d24b-46a9-a4db-0e70a274b056"
LINE = {"description": "Work", "quantity": 1, "unit_amount": 10, "account_code": "200"}


class FixedToken:
    claims = {"xero_userid": "u1"}

    def bearer(self):
        return "t." + base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip("=") + ".s"

    def refreshed(self, rejected):
        return self.bearer()


@pytest.fixture
def answers():
    with responses.RequestsMock() as mock:
        yield mock


def ask(verb, **arguments):
    tool = CONNECTOR.find_tool(f"xero_{verb}")
    api = Api(
        CONNECTOR, "http://localhost:1", FixedToken(), Business(ELSEWHERE, "Org", {"tenant_id": ELSEWHERE})
    )
    return tool.call(api, tool.parse(arguments))


INVOICES = "http://localhost:1/api.xro/2.0/Invoices"


@pytest.mark.parametrize(
    "body",
    [
        "<Response/>",
        "[]",
        '{"Status":"OK"}',
        '{"Invoices":"no"}',
        '{"Invoices":[{"Total":1}]}',
        '{"Invoices":[7]}',
    ],
)
def test_a_list_that_is_none_is_an_outage_not_a_crash(answers, body):
    answers.add("GET", INVOICES, body=body, status=200)
    with pytest.raises(ProviderUnavailable, match="could not be read"):
        ask("list_invoices")


@pytest.mark.parametrize("body", ["<Response/>", "[]", '{"Invoices":[]}', '{"Invoices":[{"Total":1}]}'])
def test_a_write_with_an_unreadable_answer_is_of_unknown_outcome(answers, body):
    answers.add("PUT", INVOICES, body=body, status=200)
    with pytest.raises(OutcomeUnknown, match="may have been made"):
        ask("create_invoice", contact_id=ELSEWHERE, line_items=[LINE])


def test_a_record_refused_with_status_200_is_refused(answers):
    refused = {
        "StatusAttributeString": "ERROR",
        "HasErrors": True,
        "ValidationErrors": [{"Message": "Due date\u202e missing\x00" + "!" * 999}],
    }
    answers.add("PUT", INVOICES, json={"Invoices": [refused]}, status=200)
    with pytest.raises(InvalidArguments, match="due_date") as error:
        ask("create_invoice", contact_id=ELSEWHERE, line_items=[LINE])
    reason = error.value.details["reasons"][0]
    assert reason.startswith("Due date missing!") and len(reason) == 300


def test_a_400_without_json_is_still_a_sentence(answers):
    answers.add("GET", INVOICES, body="<html>bad</html>", status=400)
    with pytest.raises(InvalidArguments, match="without a reason"):
        ask("list_invoices")


@pytest.mark.parametrize(
    "reason, field",
    [
        ("The contact name Account & Date Ltd is already assigned to another contact.", "name"),
        ("You have reached the limit of invoices you can approve.", "status"),
        ("The TaxType code 'X' does not exist or cannot be used for this type of transaction.", "tax_type"),
        ("Email address must be valid.", "email"),
        ("Invoice not of valid status for modification", "status"),
        ("Payments can only be made against Authorised documents", "invoice_id"),
        ("DueDate is required.", "due_date"),
        ("The TaxType code 'DATE' does not exist.", "tax_type"),
        ("The contact's account has been archived.", "contact_id"),
        ("Contact with ID c1 is archived and cannot be used with account code 200.", "contact_id"),
        ("The contact's email address is not valid.", "email"),
        ("Account code '200' is not a valid code for this document.", "account_code"),
        ("The account is archived, please contact support.", "account_code"),
        ("Tracking category 'Account status' cannot be used.", None),
        ("The update could not be validated.", None),
        ("The syntax of the accountant's upload is not supported.", None),
    ],
)
def test_a_reason_points_at_the_argument_it_is_about(answers, reason, field):
    element = {"Contact": {"ValidationErrors": []}, "ValidationErrors": [{"Message": reason}]}
    answers.add("GET", INVOICES, json={"ErrorNumber": 10, "Elements": [element]}, status=400)
    with pytest.raises(InvalidArguments) as refused:
        ask("list_invoices")
    assert refused.value.details["fields"] == ([field] if field else [])
    assert reason not in refused.value.message


def test_a_number_of_xeros_says_more_than_its_words(answers):
    body = {"ErrorNumber": 16, "Type": "QueryParseException", "Message": "No property 'Account' of Date"}
    answers.add("GET", INVOICES, json=body, status=400)
    with pytest.raises(InvalidArguments, match="could not read the filters") as refused:
        ask("list_invoices")
    assert refused.value.details["fields"] == ["arguments"]


@pytest.mark.parametrize(
    ("period", "year", "until"),
    [
        ("/Date(1793836800000+0000)/", None, "2026-11-05"),
        (None, "/Date(1793836800000+0000)/", "2026-11-05"),
        ("/Date(1761955200000)/", "/Date(1793836800000)/", "2026-11-05"),
        (None, None, None),
    ],
)
def test_the_later_lock_date_counts(answers, period, year, until):
    own = {"OrganisationID": ELSEWHERE, "PeriodLockDate": period, "EndOfYearLockDate": year}
    answers.add("GET", INVOICES.replace("Invoices", "Organisation"), json={"Organisations": [own]})
    assert ask("get_organisation")["locked_until"] == until


def test_a_discount_explains_a_line(answers):
    line = {"Quantity": 2, "UnitAmount": 50.0, "DiscountRate": 10, "LineAmount": 90.0}
    body = {"InvoiceID": ELSEWHERE, "CurrencyCode": "JPY", "TotalDiscount": 10, "LineItems": [line]}
    answers.add("GET", INVOICES + "/INV-1", json={"Invoices": [body]})
    invoice = ask("get_invoice", invoice_id="INV-1")
    assert invoice["total_discount"] == "10"
    assert {key: invoice["lines"][0][key] for key in ("quantity", "discount_rate", "line_amount")} == {
        "quantity": 2.0,
        "discount_rate": 10.0,
        "line_amount": "90",
    }


def test_a_payment_on_a_credit_note_names_whose_it_is(answers):
    note = {"CurrencyCode": "AUD", "Contact": {"Name": "City Agency"}}
    payment = {"PaymentID": "p1", "Amount": 5, "PaymentType": "ARCREDITPAYMENT", "CreditNote": note}
    answers.add("GET", INVOICES.replace("Invoices", "Payments"), json={"Payments": [payment]})
    (row,) = ask("list_payments")["items"]
    assert (row["amount"], row["currency"], row["contact_name"]) == ("5.00", "AUD", "City Agency")


def test_a_name_that_fits_too_many_contacts_asks_for_more_of_it(answers):
    contacts = [{"ContactID": str(n), "Name": f"Cafe {n}"} for n in range(51)]
    answers.add("GET", INVOICES.replace("Invoices", "Contacts"), json={"Contacts": contacts})
    with pytest.raises(InvalidArguments, match="more than 50"):
        ask("list_invoices", contact="cafe")
    answers.add("GET", INVOICES, json={"Invoices": []})
    ask("list_invoices", contact="cafe 7")
    assert "ContactIDs=7&" in answers.calls[-1].request.url


@pytest.mark.parametrize("problem", ["minute", "DayLimit", "appminute", "", None])
def test_a_429_without_a_retry_after_is_understood(answers, problem):
    answers.add(
        "GET", INVOICES, status=429, headers={"X-Rate-Limit-Problem": problem} if problem is not None else {}
    )
    with pytest.raises(ProviderRateLimited) as limited:
        ask("list_invoices")
    assert limited.value.retry_after_seconds >= 60


def test_insufficient_scope_is_also_read_from_the_header(answers):
    answers.add(
        "GET", INVOICES, status=401, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    )
    with pytest.raises(PermissionDenied, match="lacks permission"):
        ask("list_invoices")


def test_long_lists_of_accounts_say_what_was_left_out(answers):
    accounts = [
        {"AccountID": str(n), "Code": str(n), "Name": f"Account {n}", "Type": "EXPENSE"} for n in range(300)
    ]
    answers.add("GET", "http://localhost:1/api.xro/2.0/Accounts", json={"Accounts": accounts})
    found = ask("list_accounts")
    assert (len(found["items"]), found["left_out"]) == (250, 50)


def test_practices_are_listed_but_are_no_organisation(answers):
    tenants = [
        {"id": "1", "tenantId": "p", "tenantType": "PRACTICE", "tenantName": "Books & Co"},
        {"id": "2", "tenantId": "o", "tenantType": "ORGANISATION", "tenantName": "Client Ltd"},
    ]
    answers.add("GET", "http://localhost:1/connections", json=tenants)
    account = CONNECTOR.identify(Api(CONNECTOR, "http://localhost:1", FixedToken()), {})
    assert (account.key, account.name, len(account.businesses)) == ("u1", "Client Ltd", 1)
    assert [o["type"] for o in ask("list_organisations")["items"]] == ["PRACTICE", "ORGANISATION"]


def test_only_what_this_consent_opened_is_reached(answers):
    class LatestConsent(FixedToken):
        claims = {"xero_userid": "u1", "authentication_event_id": "e2"}

    tenants = [
        {"tenantId": f"t{n}", "tenantType": "ORGANISATION", "tenantName": f"Org {n}", "authEventId": f"e{n}"}
        for n in (1, 2, 3)
    ]
    answers.add("GET", "http://localhost:1/connections", json=tenants)
    account = CONNECTOR.identify(Api(CONNECTOR, "http://localhost:1", LatestConsent()), {})
    assert [b.name for b in account.businesses] == ["Org 2"]


def test_a_token_that_names_nobody_connects_nobody():
    class Opaque(FixedToken):
        def bearer(self):
            return "opaque"

    with pytest.raises(ProviderError, match="who signed in"):
        CONNECTOR.identify(Api(CONNECTOR, "http://localhost:1", Opaque()), {"id_token": "a.!!!.c"})


@pytest.mark.parametrize(
    "sent, day",
    [
        ("/Date(1793836800000+0000)/", "2026-11-05"),
        ("/Date(1793836800000)/", "2026-11-05"),
        ("/Date(-86400000)/", "1969-12-31"),
        ("/Date(1793793600000+1200)/", "2026-11-05"),
        ("2026-11-05T00:00:00", "2026-11-05"),
        ("2026-11-05 00:00:00", "2026-11-05"),
        ("2026-11-05", "2026-11-05"),
        ("", None),
        (None, None),
        ("soon", "soon"),
    ],
)
def test_a_day_stays_the_day_xero_wrote(sent, day):
    assert calendar_date(sent) == day
