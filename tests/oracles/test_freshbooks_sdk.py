"""FreshBooks' own Python SDK against the imitated FreshBooks over HTTP: what it reads is what our tools read.

`freshbooks-sdk` is unchanged; it takes its addresses from `FRESHBOOKS_API_URL` and `FRESHBOOKS_AUTH_URL`.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from freshbooks import Client, FilterBuilder, FreshBooksError, IncludesBuilder, PaginateBuilder, SortBuilder

from app.connectors.freshbooks import CONNECTOR
from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.clock import now, today
from tests.support.waiting import AT_MOST_SECONDS

TODAY = today()
LINES = IncludesBuilder().include("lines")


@pytest.fixture(scope="module")
def here(connection_to):
    return connection_to(CONNECTOR)


@pytest.fixture
def sdk(here, monkeypatch):
    """The SDK with the connection's tokens."""
    monkeypatch.setenv("FRESHBOOKS_API_URL", here.base_url)
    monkeypatch.setenv("FRESHBOOKS_AUTH_URL", here.base_url)
    return Client(
        "sandbox",
        client_secret="sandbox",
        redirect_uri=here.redirect_uri,
        access_token=here.tokens["access_token"],
        refresh_token=here.tokens["refresh_token"],
        auto_retry=False,
    )


@pytest.fixture(scope="module")
def account(here):
    return here.business.facts["account_id"]


@pytest.fixture(scope="module")
def business(here):
    return int(here.business.id)


def text(value):
    """A value of the SDK as our tools write it."""
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def the_same(rows, records, **attributes):
    """Whether each row has what the SDK's record has; `attributes` names the SDK's for ours."""
    assert len(rows) == len(records) > 0
    for row, record in zip(rows, records, strict=True):
        read = {ours: text(getattr(record, theirs)) for ours, theirs in attributes.items()}
        assert {name: row[name] for name in attributes} == read
    return True


INVOICE = {
    "invoice_id": "invoiceid",
    "invoice_number": "invoice_number",
    "client_id": "customerid",
    "client": "current_organization",
    "create_date": "create_date",
    "due_date": "due_date",
    "v3_status": "v3_status",
}


# --- signing in ---


def test_it_knows_the_same_person_and_business(sdk, here, account):
    me = sdk.current_user()
    (membership,) = me.business_memberships
    business = membership.business
    assert (str(me.identity_id), business.name) == (here.account.key, here.account.name)
    assert here.business.facts == {
        "account_id": business.account_id,
        "business_uuid": business.business_uuid,
        "role": membership.role,
        "timezone": business.timezone,
    }


def test_its_consent_page_is_ours(sdk, here):
    url = urlsplit(sdk.get_auth_request_url(list(CONNECTOR.auth.read_scopes)))
    assert url.path.rstrip("/") == urlsplit(here.at(CONNECTOR.auth.authorize_url)).path.rstrip("/")
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert query["response_type"] == "code" and query["redirect_uri"] == here.redirect_uri
    assert query["scope"].split() == list(CONNECTOR.auth.read_scopes)


def test_it_exchanges_and_refreshes_as_we_do(sdk, here):
    scopes = list(CONNECTOR.auth.write_scopes)
    approved = {"company": "northwind", "decision": "approve", "granted": scopes}
    page = requests.get(sdk.get_auth_request_url(scopes), timeout=AT_MOST_SECONDS).url
    back = requests.post(page, data=approved, allow_redirects=False, timeout=AT_MOST_SECONDS).headers[
        "Location"
    ]
    first = sdk.get_access_token(parse_qs(urlsplit(back).query)["code"][0])
    assert first.access_token_expires_at > now()
    second = sdk.refresh_access_token()
    assert second.refresh_token != first.refresh_token
    with pytest.raises(FreshBooksError, match="expired or revoked"):
        sdk.refresh_access_token(first.refresh_token)
    here.tokens = {
        **here.tokens,
        "access_token": second.access_token,
        "refresh_token": second.refresh_token,
    }


# --- reading ---


def test_it_reads_the_same_page_of_invoices(sdk, here, account):
    pages, newest = PaginateBuilder(2, 20), SortBuilder().descending("invoice_date")
    theirs = sdk.invoices.list(account, builders=[pages, newest])
    ours = here.call("list_invoices", {"page": 2, "per_page": 20})
    assert the_same(ours["items"], list(theirs), **INVOICE)
    assert [row["amount"] for row in ours["items"]] == [each.data["amount"]["amount"] for each in theirs]
    assert [row["currency"] for row in ours["items"]] == [each.amount.code for each in theirs]
    assert (ours["total"], ours["next"]) == (theirs.pages.total, 3)


@pytest.mark.parametrize("status", ["draft", "overdue", "paid"])
def test_its_filters_find_the_same_invoices(sdk, here, account, status):
    tomorrow = TODAY + timedelta(days=1)  # a maximum is the first day outside
    search = FilterBuilder().equals("v3_status", status).between("date", max=tomorrow)
    theirs = sdk.invoices.list(account, builders=[search, PaginateBuilder(1, 100)])
    ours = here.call("list_invoices", {"status": status, "date_to": TODAY.isoformat(), "per_page": 100})
    assert {row["invoice_id"] for row in ours["items"]} == {each.invoiceid for each in theirs}


def test_it_reads_the_same_lines_only_when_they_are_included(sdk, here, account):
    number = here.call("list_invoices", {"status": "overdue"})["items"][0]["invoice_id"]
    assert sdk.invoices.get(account, number).lines is None
    theirs = sdk.invoices.get(account, number, includes=LINES)
    ours = here.call("get_invoice", {"invoice_id": number})
    assert the_same([ours], [theirs], **INVOICE, notes="notes", payment_status="payment_status")
    for row, line in zip(ours["lines"], theirs.lines, strict=True):
        assert (row["name"], row["qty"]) == (line.name, line.data["qty"])
        assert (row["unit_cost"], row["amount"]) == (line.unit_cost.amount, line.amount.amount)


def test_it_reads_the_same_clients(sdk, here, account):
    theirs = sdk.clients.list(account, builders=[FilterBuilder().like("user_like", "o")])
    ours = here.call("list_clients", {"search": "o"})["items"]
    assert the_same(
        ours,
        list(theirs),
        id="id",
        organization="organization",
        first_name="fname",
        last_name="lname",
        email="email",
        currency="currency_code",
    )


def test_it_reads_the_same_expenses(sdk, here, account):
    theirs = sdk.expenses.list(account, builders=[PaginateBuilder(1, 50)])
    ours = here.call("list_expenses")["items"]
    assert the_same(ours, list(theirs), id="id", date="date", vendor="vendor", notes="notes")
    assert [row["amount"] for row in ours] == [each.data["amount"]["amount"] for each in theirs]


def test_it_reads_the_same_time_and_projects(sdk, here, business):
    search = FilterBuilder().boolean("billed", False)
    search.equals("sort", "-started_at")  # its SortBuilder writes the accounting family's form
    theirs = sdk.time_entries.list(business, builders=[search, PaginateBuilder(1, 50)])
    ours = here.call("list_time_entries", {"billed": False})
    assert the_same(
        ours["items"],
        list(theirs),
        id="id",
        note="note",
        client_id="client_id",
        project_id="project_id",
        billable="billable",
    )
    assert [row["hours"] for row in ours["items"]] == [round(each.duration / 3600, 2) for each in theirs]
    projects = sdk.projects.list(business)
    assert the_same(
        here.call("list_projects")["items"],
        list(projects),
        id="id",
        title="title",
        due_date="due_date",
        active="active",
    )


# --- writing ---


def test_an_invoice_of_the_sdk_is_what_ours_is(sdk, here, account):
    client = here.call("list_clients", {"search": "cobalt"})["items"][0]["id"]
    line = {"name": "", "description": "Work", "qty": "2", "unit_cost": {"amount": "40.25", "code": "USD"}}
    sent = {"customerid": client, "create_date": TODAY.isoformat(), "due_offset_days": 30, "lines": [line]}
    assert sdk.invoices.create(account, sent).lines is None
    theirs = sdk.invoices.create(account, sent, includes=LINES)
    ours = here.call(
        "create_invoice",
        {
            "client_id": client,
            "line_items": [{"description": "Work", "qty": 2, "unit_cost": 40.25}],
            "date": TODAY.isoformat(),
        },
    )
    alike = {
        name: theirs_ for name, theirs_ in INVOICE.items() if name not in {"invoice_id", "invoice_number"}
    }
    assert the_same([ours], [theirs], **alike)
    assert the_same(ours["lines"], list(theirs.lines), description="description")
    assert ours["amount"] == theirs.amount.amount == "80.50"


def test_the_sdk_cannot_write_a_due_date_either(sdk, account):
    with pytest.raises(FreshBooksError) as refused:
        sdk.invoices.create(account, {"customerid": 217_570, "due_date": TODAY.isoformat()})
    assert (refused.value.status_code, refused.value.error_code) == (403, 1038)


def test_the_sdk_sends_an_invoice_as_our_tool_does(sdk, here, account):
    client = here.call("list_clients", {"search": "cobalt"})["items"][0]["id"]
    line = {"description": "Work", "qty": 1, "unit_cost": 40}
    one, two = (
        here.call("create_invoice", {"client_id": client, "line_items": [line]})["invoice_id"]
        for _ in range(2)
    )
    theirs = sdk.invoices.update(account, one, {"action_email": True})
    ours = here.call("send_invoice", {"invoice_id": two, "confirm": True})
    assert theirs.v3_status == ours["v3_status"] == "sent"
    mails = here.levers.log()["mails"][-2:]
    assert mails[0]["to"] == mails[1]["to"] == ours["recipients"]


def test_a_payment_of_the_sdk_counts_in_what_our_tool_says_is_due(sdk, here, account):
    due = here.call("list_invoices", {"status": "overdue"})["items"][0]
    paid = {"invoiceid": due["invoice_id"], "amount": {"amount": "5.00"}, "date": TODAY.isoformat()}
    theirs = sdk.payments.create(account, {**paid, "type": "Check"})
    ours = here.call(
        "record_payment",
        {"invoice_id": due["invoice_id"], "amount": 5, "date": TODAY.isoformat(), "type": "Check"},
    )
    assert the_same([ours], [theirs], invoice_id="invoiceid", type="type", date="date")
    assert ours["amount"] == theirs.amount.amount
    assert Decimal(ours["invoice_outstanding"]) == Decimal(due["outstanding"]) - 10


def test_time_of_the_sdk_is_what_ours_is(sdk, here, business):
    sent = {"is_logged": True, "duration": 5400, "started_at": f"{TODAY}T12:00:00Z", "note": "Call"}
    theirs = sdk.time_entries.create(business, {**sent, "billable": True})
    ours = here.call("log_time", {"hours": 1.5, "description": "Call", "date": TODAY.isoformat()})
    assert the_same([ours], [theirs], note="note", billable="billable", billed="billed")
    assert ours["hours"] == theirs.duration / 3600


# --- refusals ---


def test_what_the_sdk_reads_of_an_unknown_id_is_not_found_here(sdk, here, account, business):
    with pytest.raises(FreshBooksError) as theirs:
        sdk.invoices.get(account, 1)
    assert (theirs.value.status_code, theirs.value.error_code) == (404, 1012)
    with pytest.raises(ObjectNotFound):
        here.call("get_invoice", {"invoice_id": 1})
    with pytest.raises(FreshBooksError) as theirs:
        sdk.time_entries.get(business, 1)
    assert (theirs.value.status_code, str(theirs.value)) == (404, "Requested resource could not be found.")


def test_what_the_sdk_reads_of_a_refused_time_entry_names_our_argument(sdk, here, business):
    sent = {"is_logged": True, "duration": 60, "started_at": f"{TODAY}T12:00:00Z", "client_id": 1}
    with pytest.raises(FreshBooksError) as theirs:
        sdk.time_entries.create(business, sent)
    assert (theirs.value.error_code, theirs.value.error_details) == (2001, [{"client_id": "does not exist"}])
    with pytest.raises(InvalidArguments, match="client_id"):
        here.call("log_time", {"hours": 1, "description": "x", "client_id": 1})
