"""Signing in to Xero and reading from it, against the imitated service over HTTP."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from app.connectors.xero import CONNECTOR
from app.errors import (
    ObjectNotFound,
    PermissionDenied,
    ProviderRateLimited,
    ReconnectNeeded,
)
from app.sandbox.clock import today
from tests.support.xero import Xero

ELSEWHERE = "70784a63-d24b-46a9-a4db-0e70a274b056"


# --- who signed in ---


def test_the_account_is_the_person_and_is_named_after_the_organisation(xero):
    assert (xero.account.name, [b.name for b in xero.account.businesses]) == (
        "Demo Company (AU)",
        ["Demo Company (AU)"],
    )
    assert xero.account.facts["email"] == "kim@example.com"
    assert xero.account.businesses[0].facts["tenant_id"] == xero.account.businesses[0].id


def test_one_consent_may_open_two_organisations(xero_url, xero):
    both = Xero(xero_url, "both").account
    assert [b.name for b in both.businesses] == ["Demo Company (AU)", "Harbour Street Trading"]
    assert both.key == xero.account.key
    assert Xero(xero_url, "harbour").account.key != both.key


def test_organisations_of_another_consent_are_told_apart(xero_url, xero):
    both, demo = Xero(xero_url, "both"), Xero(xero_url, "demo")
    assert [b.name for b in demo.account.businesses] == ["Demo Company (AU)"]
    assert [b.name for b in demo.account.elsewhere] == ["Harbour Street Trading"]
    again = both.identify({})
    assert [b.name for b in (*again.businesses, *again.elsewhere)] == [
        "Harbour Street Trading",
        "Demo Company (AU)",
    ]


def test_it_lists_only_the_organisations_of_its_connection(xero_url):
    demo = Xero(xero_url, "both")
    api = demo.api(None)
    api.reach = frozenset({demo.account.businesses[0].id})
    listed = demo.tool("list_organisations").call(api, {})["items"]
    assert [each["name"] for each in listed] == ["Demo Company (AU)"]


def test_the_person_is_known_without_the_token_answer(xero):
    assert xero.identify({}).key == xero.account.key


def test_without_an_organisation_there_is_nothing_to_connect(xero):
    xero.levers("remove_organisation", organisation="demo")
    with pytest.raises(ReconnectNeeded, match="choose one"):
        xero.identify(xero.tokens)


def test_every_scope_it_asks_for_exists_and_reading_never_asks_to_write(xero_url):
    reading = Xero(xero_url, "harbour", CONNECTOR.auth.read_scopes)
    assert reading.call("list_invoices")["total"] == 30
    assert not [
        scope
        for scope in CONNECTOR.auth.read_scopes
        if scope.startswith("accounting.") and not scope.endswith(".read")
    ]


# --- reading ---


def test_it_lists_organisations_without_choosing_one(xero_url, xero):
    found = Xero(xero_url, "both").call("list_organisations")["items"]
    assert [(o["name"], o["type"]) for o in found] == [
        ("Demo Company (AU)", "ORGANISATION"),
        ("Harbour Street Trading", "ORGANISATION"),
    ]
    assert set(found[0]) == {"organisation_id", "name", "type", "connected_at"}


def test_it_gets_the_organisation(xero):
    got = xero.call("get_organisation")
    assert (
        got["base_currency"],
        got["country"],
        got["is_demo_company"],
        got["financial_year_end_month"],
    ) == ("AUD", "AU", True, 6)
    assert got["locked_until"].endswith("-06-30")


def test_it_finds_contacts_and_shows_archived_ones_only_when_asked(xero):
    assert [c["name"] for c in xero.call("list_contacts", search="ridgeway")["items"]] == [
        "Ridgeway University"
    ]
    assert xero.call("list_contacts", search="24 Locks")["items"] == []
    assert (
        xero.call("list_contacts", search="24 Locks", include_archived=True)["items"][0]["status"]
        == "ARCHIVED"
    )


def test_a_contact_is_a_customer_or_a_supplier(xero):
    (customer,) = xero.call("list_contacts", search="City Agency")["items"]
    (supplier,) = xero.call("list_contacts", search="PowerDirect")["items"]
    assert (customer["is_customer"], customer["is_supplier"]) == (True, False)
    assert (supplier["is_customer"], supplier["is_supplier"]) == (False, True)


def test_it_lists_accounts_by_type_and_state(xero):
    banks = xero.call("list_accounts", type="bank", status="ACTIVE")["items"]
    assert [(a["code"], a["currency"]) for a in banks] == [(None, "AUD"), ("090", "AUD"), ("091", "AUD")]
    assert xero.call("list_accounts", status="ARCHIVED")["items"][0]["code"] == "499"


def test_a_type_without_accounts_names_the_usual_types(xero):
    assert xero.call("list_accounts", type="INCOME")["items"] == []
    assert "REVENUE" in xero.last_api.note


def test_it_lists_payments_with_their_currency_and_a_plain_day(xero):
    page = xero.call("list_payments")
    assert page["items"][0]["currency"] in {"AUD", "USD"} and date.fromisoformat(page["items"][0]["date"])
    dates = [row["date"] for row in page["items"]]
    assert dates == sorted(dates, reverse=True)
    assert xero.call("list_payments", date_from="2099-01-01")["items"] == []


def test_it_flattens_profit_and_loss(xero):
    report = xero.call("get_profit_and_loss", periods=2, timeframe="MONTH")
    lines = {line["label"]: line for line in report["lines"]}
    assert (report["currency"], len(report["columns"])) == ("AUD", 3)
    assert lines["Total Income"]["is_total"] and lines["Total Income"]["section"] == "Income"
    assert not lines["Net Profit"]["is_total"] and lines["Net Profit"]["section"] is None
    gross, costs, net = (
        lines[name]["amounts"] for name in ("Gross Profit", "Total Operating Expenses", "Net Profit")
    )
    assert [Decimal(a) - Decimal(b) for a, b in zip(gross, costs, strict=True)] == [Decimal(n) for n in net]
    # Over three months: on the first day of one nothing was sold in it yet.
    cash = xero.call("get_profit_and_loss", periods=2, timeframe="MONTH", payments_only=True)
    received = {line["label"]: line["amounts"] for line in cash["lines"]}
    assert received["Total Income"] != lines["Total Income"]["amounts"]


def test_a_timeframe_without_periods_is_not_silently_without_effect(xero):
    xero.call("get_balance_sheet", timeframe="YEAR")
    assert "give `periods` too" in xero.last_api.note
    xero.call("get_balance_sheet", timeframe="YEAR", periods=1)
    assert not xero.last_api.note


def test_it_flattens_the_balance_sheet(xero):
    report = xero.call("get_balance_sheet", date=today().isoformat())
    amounts = {line["label"]: line["amounts"] for line in report["lines"]}
    assert amounts["Net Assets"] == amounts["Total Equity"]


def test_it_shows_what_a_contact_owes(xero):
    report = xero.call("get_aged_receivables", contact_id=xero.contact())
    line = next(line for line in report["lines"] if line["number"] == "INV-0042")
    assert (line["total"], line["due"], line["is_total"]) == ("1100.00", "1100.00", False)
    assert line["invoice_id"] == xero.call("get_invoice", invoice_id="INV-0042")["invoice_id"]
    assert date.fromisoformat(line["due_date"]) - date.fromisoformat(line["date"]) == timedelta(days=30)
    assert report["lines"][0]["number"] == "Opening Balance" and report["lines"][-1]["is_total"]
    with pytest.raises(ObjectNotFound):
        xero.call("get_aged_receivables", contact_id=ELSEWHERE)


# --- tokens, rights, limits ---


def test_an_expired_token_is_renewed_once_and_the_call_goes_on(xero):
    xero.levers("expire")
    assert xero.call("get_organisation")["name"] == "Demo Company (AU)"
    assert xero.refreshes == 1


def test_a_missing_scope_is_a_permission_and_never_a_refresh(xero_url):
    small = Xero(xero_url, "harbour", ("openid", "offline_access", "accounting.settings.read"))
    small.levers("revoke", company="harbour")
    small = Xero(xero_url, "harbour", ("openid", "offline_access", "accounting.settings.read"))
    with pytest.raises(PermissionDenied, match=r"lacks permission.*Reconnect"):
        small.call("get_profit_and_loss")
    assert small.refreshes == 0
    assert small.call("get_organisation")["base_currency"] == "NZD"


def test_an_organisation_taken_away_is_a_permission_and_never_a_refresh(xero):
    xero.levers("remove_organisation", organisation="demo")
    with pytest.raises(PermissionDenied, match="removed from the app"):
        xero.call("get_organisation")
    assert xero.refreshes == 0


def test_data_of_two_organisations_does_not_mix(xero_url, xero):
    both = Xero(xero_url, "both")
    demo, harbour = both.account.businesses
    assert both.call("get_invoice", business=demo, invoice_id="INV-0042")["currency"] == "AUD"
    with pytest.raises(ObjectNotFound):
        both.call("get_invoice", business=harbour, invoice_id="INV-0042")


def test_a_tool_without_an_organisation_asks_to_reconnect(xero):
    with pytest.raises(ReconnectNeeded):
        CONNECTOR.find_tool("xero_get_organisation").call(xero.api(None), {})


def test_the_limit_by_the_minute_says_when_to_come_back(xero):
    xero.levers("limit", per_minute=1)
    xero.call("get_organisation")
    with pytest.raises(ProviderRateLimited) as limited:
        xero.call("get_organisation")
    assert 5 < limited.value.retry_after_seconds <= 60 and len(xero.last_api.calls) == 1


def test_a_short_wait_is_waited(xero):
    xero.levers("rate_limit", retry_after=1)
    assert xero.call("get_organisation")["name"] == "Demo Company (AU)"


def test_the_daily_limit_is_never_slept_through(xero):
    xero.levers("rate_limit", retry_after=36_000)
    with pytest.raises(ProviderRateLimited, match="daily limit") as limited:
        xero.call("get_organisation")
    assert limited.value.retry_after_seconds == 36_000 and len(xero.last_api.calls) == 1


@pytest.mark.parametrize("body", ["html", "empty", "text"])
def test_trouble_at_xero_is_tried_again(xero, body):
    xero.levers("fail", status=502, body=body)
    assert xero.call("get_organisation")["name"] == "Demo Company (AU)"
