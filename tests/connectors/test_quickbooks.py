"""Connecting QuickBooks and reading from it, against the imitated service over HTTP."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from app import config
from app.connectors import endpoints
from app.connectors.quickbooks import CONNECTOR
from app.connectors.quickbooks.query import contains, literal, select, where
from app.connectors.rows import size_in_tokens
from app.errors import (
    ObjectNotFound,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
)
from app.sandbox.clock import today
from app.vault import token_endpoint
from app.vault.token_endpoint import TokenRefused
from tests.support.quickbooks import QuickBooks

TODAY = today()


# --- which company ---


def test_the_account_is_the_company_the_callback_named_and_the_token_opens(quickbooks):
    account = quickbooks.account
    assert (account.key, account.name) == ("9341454816381446", "Maple & Pine Landscaping")
    assert account.facts == {"realmId": account.key}
    assert [(b.id, b.facts) for b in account.businesses] == [
        (account.key, {"home_currency": "USD", "several_currencies": False})
    ]


def test_a_company_the_token_does_not_open_is_never_kept(quickbooks_url, quickbooks):
    other = QuickBooks(quickbooks_url, "northern").account.key
    for realm in (other, "1234567890123456789"):
        with pytest.raises(ReconnectNeeded, match="named a company that this connection can't open"):
            quickbooks.identify(realmId=realm)
    assert quickbooks.identify(realmId=quickbooks.account.key) == quickbooks.account
    assert quickbooks.refreshes == 0


@pytest.mark.parametrize("realm", [None, "", "..", "1/2", "12 ", "\u0661\u0662", "9" * 31, 5])
def test_what_is_no_company_number_is_refused_before_anything_is_asked(quickbooks, realm):
    quickbooks.levers("clear")
    with pytest.raises(ProviderError, match="which company"):
        quickbooks.identify(**({} if realm is None else {"realmId": realm}))
    assert quickbooks.requests() == []


def test_the_stored_fact_is_enough_to_ask_again(quickbooks):
    assert CONNECTOR.identify(quickbooks.api(None), {}) == quickbooks.account


def test_two_companies_are_two_accounts_whose_data_does_not_mix(quickbooks_url, quickbooks):
    northern = QuickBooks(quickbooks_url, "northern")
    assert northern.account.key != quickbooks.account.key
    assert northern.call("get_company_info")["home_currency"] == "CAD"
    with pytest.raises(ReconnectNeeded, match="same company"):
        quickbooks.call("get_company_info", business=northern.account.businesses[0])
    assert quickbooks.refreshes == 0


def test_every_request_names_the_minor_version(quickbooks):
    quickbooks.levers("clear")
    quickbooks.call("list_invoices", limit=1)
    quickbooks.call("get_balance_sheet", as_of=TODAY.isoformat())
    quickbooks.call("create_customer", display_name="Juniper Tea")
    assert [parse_qs(line["query"])["minorversion"] for line in quickbooks.requests()] == [["75"]] * 3


# --- reading ---


def test_it_gets_the_company(quickbooks):
    got = quickbooks.call("get_company_info")
    assert (got["name"], got["country"], got["fiscal_year_start_month"]) == (
        "Maple & Pine Landscaping",
        "US",
        "January",
    )
    assert (got["home_currency"], got["email"]) == ("USD", "ada@example.com")


def test_it_finds_customers_whatever_is_in_their_name(quickbooks_url, quickbooks):
    assert [c["customer_id"] for c in quickbooks.call("list_customers", search="amy's")["items"]] == ["1"]
    northern = QuickBooks(quickbooks_url, "northern")
    assert [c["display_name"] for c in northern.call("list_customers", search="O'Malley &")["items"]] == [
        "O'Malley & Daughters"
    ]


@pytest.mark.parametrize(
    "text", ["' OR Active = true", "\\", "\\' OR Id = '1", "x' MAXRESULTS 1000 --", "%' AND Id > '0"]
)
def test_text_to_search_for_never_becomes_part_of_the_question(quickbooks, text):
    assert quickbooks.call("list_customers", search=text)["items"] == []
    assert quickbooks.call("list_items", search=text)["items"] == []


def test_a_name_with_a_backslash_is_found(quickbooks):
    name = "Up\\Down's 'n More"
    made = quickbooks.call("create_customer", display_name=name)
    assert [c["customer_id"] for c in quickbooks.call("list_customers", search="Up\\Down's")["items"]] == [
        made["customer_id"]
    ]


def test_inactive_customers_are_listed_only_when_asked_for(quickbooks):
    assert quickbooks.call("list_customers", search="Mill")["items"] == []
    assert [c["display_name"] for c in quickbooks.call("list_customers", active=False)["items"]] == [
        "Old Mill Inn"
    ]


def test_it_pages_to_the_end_without_gap_or_repetition(quickbooks):
    seen, offset = [], 0
    while offset is not None:
        page = quickbooks.call("list_invoices", limit=13, offset=offset)
        seen += page["items"]
        offset = page["next"]
    assert len(seen) == len({row["invoice_id"] for row in seen}) == 40
    assert [row["date"] for row in seen] == sorted((row["date"] for row in seen), reverse=True)
    assert quickbooks.call("list_invoices", limit=40)["next"] is None


def test_records_that_are_alike_keep_their_places_between_pages(quickbooks):
    """QuickBooks orders by what the statement names and nothing else, so the id is always named."""
    quickbooks.levers("clear")
    quickbooks.call("list_invoices", limit=1)
    quickbooks.call("list_customers", limit=1)
    statements = [parse_qs(line["query"])["query"][0] for line in quickbooks.requests()]
    assert "ORDERBY TxnDate DESC, Id DESC " in statements[0]
    assert "ORDERBY DisplayName, Id " in statements[1]


def test_it_lists_tax_codes_with_their_rates(quickbooks_url, quickbooks):
    codes = QuickBooks(quickbooks_url, "northern").call("list_tax_codes")["items"]
    assert [(c["name"], c["tax_code"], c["percent"]) for c in codes] == [
        ("Exempt", "2", "0"),
        ("GST/PST BC", "6", "12"),
        ("HST ON", "5", "13"),
        ("Zero-rated", "3", "0"),
    ]
    # in the US QuickBooks itself finds the rate
    codes = {c["tax_code"]: c["percent"] for c in quickbooks.call("list_tax_codes")["items"]}
    assert codes == {"TAX": None, "NON": None, "2": "8"}


def test_the_longest_page_stays_within_what_a_client_takes(quickbooks):
    row = quickbooks.call("list_invoices", limit=200)["items"][0]
    assert size_in_tokens([row] * 200) < 20_000


@pytest.mark.parametrize(
    ("status", "states"),
    [
        ("open", {"open", "overdue"}),
        ("overdue", {"overdue"}),
        ("paid", {"paid"}),
        ("all", {"open", "overdue", "paid", "voided"}),
    ],
)
def test_it_lists_invoices_by_state_and_never_calls_a_voided_one_paid(quickbooks, status, states):
    rows = quickbooks.call("list_invoices", status=status, limit=200)["items"]
    assert {row["status"] for row in rows} == states
    assert all((Decimal(row["balance"]) > 0) == (row["status"] in {"open", "overdue"}) for row in rows)
    assert all((row["due_date"] < TODAY.isoformat()) for row in rows if row["status"] == "overdue")


def test_it_lists_invoices_of_a_customer_in_a_time(quickbooks):
    since = (TODAY - timedelta(days=90)).isoformat()
    rows = quickbooks.call("list_invoices", customer_id="24", date_from=since, date_to=TODAY.isoformat())[
        "items"
    ]
    assert (
        rows
        and {row["customer"] for row in rows} == {"Sonnenschein Family Store"}
        and min(row["date"] for row in rows) >= since
    )


def test_an_invoice_names_its_currency_even_where_quickbooks_does_not(quickbooks_url, quickbooks):
    assert {row["currency"] for row in quickbooks.call("list_invoices")["items"]} == {"USD"}
    northern = QuickBooks(quickbooks_url, "northern")
    assert {row["currency"] for row in northern.call("list_invoices")["items"]} == {"CAD", "USD"}


def test_it_gets_an_invoice_with_its_lines_and_without_the_sum_line(quickbooks):
    invoice = quickbooks.call("get_invoice", invoice_id="103")
    assert [line["kind"] for line in invoice["lines"]] == ["SalesItemLineDetail"] * len(invoice["lines"])
    assert sum(Decimal(line["amount"]) for line in invoice["lines"]) == Decimal(invoice["total"])
    assert invoice["billing_email"] == "diego@example.com" and invoice["lines"][0]["item"] == "Garden Design"


@pytest.mark.parametrize("id", ["1", "99999999999999999999"])
def test_a_record_that_is_not_there_is_not_found_though_quickbooks_says_400(quickbooks, id):
    with pytest.raises(ObjectNotFound) as missing:
        quickbooks.call("get_invoice", invoice_id=id)
    assert missing.value.details["intuit_tid"].startswith("1-")


def test_it_lists_items_and_accounts(quickbooks):
    items = quickbooks.call("list_items", search="gard")["items"]
    assert [(i["name"], i["unit_price"], i["income_account"]) for i in items] == [
        ("Garden Design", "75.00", "Landscaping Services"),
        ("Gardening", "35.50", "Landscaping Services"),
    ]
    accounts = {a["name"]: a for a in quickbooks.call("list_accounts", classification="Revenue")["items"]}
    assert accounts["Plants and Soil"]["full_name"] == "Landscaping Services:Job Materials:Plants and Soil"
    assert {a["classification"] for a in accounts.values()} == {"Revenue"}


# --- tokens and limits ---


def test_an_expired_token_is_renewed_once_and_the_call_goes_on(quickbooks):
    quickbooks.levers("expire")
    assert quickbooks.call("get_company_info")["country"] == "US"
    assert quickbooks.refreshes == 1


def test_a_company_that_was_disconnected_there_asks_to_reconnect(quickbooks):
    quickbooks.levers("revoke")
    with pytest.raises(ReconnectNeeded):
        quickbooks.call("get_company_info")


def test_a_limit_without_a_word_is_a_minute_and_not_slept_through(quickbooks):
    quickbooks.levers("limit", per_minute=0)
    with pytest.raises(ProviderRateLimited) as limited:
        quickbooks.call("get_company_info")
    assert limited.value.retry_after_seconds == 60 and len(quickbooks.last_api.calls) == 1


@pytest.mark.parametrize("body", ["html", "empty", "text"])
def test_trouble_is_tried_again(quickbooks, body):
    quickbooks.levers("fail", status=502, body=body)
    assert quickbooks.call("get_company_info")["country"] == "US"
    quickbooks.levers("fail", status=500, body=body, times=3)
    with pytest.raises(ProviderUnavailable):
        quickbooks.call("get_company_info")


# --- the query language ---


def test_a_statement_is_put_together():
    conditions = [
        where("Active", "=", True),
        contains("DisplayName", "a'b"),
        where("TxnDate", ">=", date(2026, 11, 1)),
    ]
    assert select("Customer", conditions, "DisplayName", start=1, most=51) == (
        "SELECT * FROM Customer WHERE Active = true AND DisplayName LIKE '%a\\'b%' AND TxnDate >= "
        "'2026-11-01' "
        "ORDERBY DisplayName STARTPOSITION 1 MAXRESULTS 51"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "'a'"),
        ("'", r"'\''"),
        ("\\", r"'\\'"),
        ("\\'", r"'\\\''"),
        (False, "false"),
        (Decimal("0.5"), "'0.5'"),
    ],
)
def test_a_value_stays_a_value(value, written):
    assert literal(value) == written


# --- as the vault does it ---


def test_the_vault_exchanges_refreshes_and_revokes(quickbooks, quickbooks_url, environ):
    """The declaration is enough: nothing about QuickBooks stands in the vault."""
    at = endpoints.resolve(CONNECTOR, config.load({**environ, "SANDBOX_URL": quickbooks_url}))
    code = quickbooks.consent("maple", CONNECTOR.auth.write_scopes)
    first = token_endpoint.exchange_code(CONNECTOR, at, code=code, verifier="v" * 50)
    assert (first.expires_in, first.refresh_expires_in, first.scopes) == (3600, 100 * 86_400, None)
    # told only to a request that asks for it by a header
    assert first.raw["x_refresh_token_hard_expires_in"] in range(5 * 365 * 86_400 - 60, 5 * 365 * 86_400 + 1)
    same = token_endpoint.refresh(CONNECTOR, at, first.refresh_token)
    assert same.refresh_token == first.refresh_token and same.access_token != first.access_token
    quickbooks.levers("advance", seconds=86_400)
    second = token_endpoint.refresh(CONNECTOR, at, same.refresh_token)
    assert second.refresh_token != first.refresh_token
    with pytest.raises(TokenRefused):
        token_endpoint.refresh(CONNECTOR, at, first.refresh_token)
    assert [token_endpoint.revoke(CONNECTOR, at, second.refresh_token) for _ in range(2)] == [True, True]
    assert quickbooks.levers.log()["revocations"] == 1
    with pytest.raises(TokenRefused):
        token_endpoint.refresh(CONNECTOR, at, second.refresh_token)
