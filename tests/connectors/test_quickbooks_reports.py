"""QuickBooks' reports, against the imitated service over HTTP."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from app.errors import InvalidArguments
from app.sandbox.clock import today
from tests.support.quickbooks import QuickBooks

TODAY = today()
HALF_A_YEAR = {"start_date": (TODAY - timedelta(days=180)).isoformat(), "end_date": TODAY.isoformat()}


def test_profit_and_loss_becomes_lines_with_numbers(quickbooks):
    report = quickbooks.call("get_profit_and_loss", **HALF_A_YEAR)
    totals = {total["group"]: Decimal(total["amounts"][0]) for total in report["totals"]}
    assert totals["Income"] - totals["COGS"] == totals["GrossProfit"]
    assert totals["GrossProfit"] - totals["Expenses"] == totals["NetIncome"]
    income = [line for line in report["lines"] if line["section"][:1] == ["Income"] and not line["is_total"]]
    assert sum(Decimal(line["amounts"][0]) for line in income) == totals["Income"]
    nested = next(line for line in report["lines"] if line["label"] == "Fuel")
    assert (nested["section"], nested["id"]) == (["Expenses", "Automobile"], "56")
    own = next(line for line in report["lines"] if line["label"] == "Automobile")
    assert own["amounts"] == ["119.94"] and not own["is_total"]
    assert (report["basis"], report["currency"], report["has_data"], report["date_from"]) == (
        "Accrual",
        "USD",
        True,
        HALF_A_YEAR["start_date"],
    )


def test_a_column_for_each_month_and_their_sum(quickbooks):
    report = quickbooks.call(
        "get_profit_and_loss", **HALF_A_YEAR, summarize_by="Month", accounting_method="Cash"
    )
    assert report["basis"] == "Cash" and report["columns"][-1] == "Total" and len(report["columns"]) in {7, 8}
    net = next(total["amounts"] for total in report["totals"] if total["group"] == "NetIncome")
    assert sum(Decimal(a or 0) for a in net[:-1]) == Decimal(net[-1])


def test_nothing_is_not_zero(quickbooks):
    report = quickbooks.call("get_profit_and_loss", start_date="2001-01-01", end_date="2001-01-31")
    assert report["has_data"] is False and {tuple(t["amounts"]) for t in report["totals"]} == {(None,)}


def test_the_balance_sheet_is_of_the_day_asked_for_and_balances(quickbooks):
    quickbooks.levers("clear")
    day = (TODAY - timedelta(days=40)).isoformat()
    report = quickbooks.call("get_balance_sheet", as_of=day)
    sent = parse_qs(quickbooks.requests()[0]["query"])
    # documented for each report: start_date must be less than end_date
    assert (sent["start_date"], sent["end_date"]) == ([(TODAY - timedelta(days=41)).isoformat()], [day])
    assets, others = (
        next(t["amounts"][0] for t in report["totals"] if t["group"] == g)
        for g in ("TotalAssets", "TotalLiabilitiesAndEquity")
    )
    assert assets == others and (report["date_from"], report["date_to"]) == (None, day)


def test_the_profit_of_one_day_is_of_that_day_alone(quickbooks):
    day = (TODAY - timedelta(days=2)).isoformat()  # rent and more are paid on it
    one = quickbooks.call("get_profit_and_loss", start_date=day, end_date=day)
    assert (one["date_from"], one["date_to"], one["columns"]) == (day, day, ["Total"])
    two = quickbooks.call(
        "get_profit_and_loss", start_date=(TODAY - timedelta(days=3)).isoformat(), end_date=day
    )
    expenses = [
        next(t["amounts"][0] for t in report["totals"] if t["group"] == "Expenses") for report in (one, two)
    ]
    assert expenses == ["1115.07", "1115.07"]
    before = (TODAY - timedelta(days=3)).isoformat()
    nothing = quickbooks.call("get_profit_and_loss", start_date=before, end_date=before)
    assert next(t["amounts"] for t in nothing["totals"] if t["group"] == "Expenses") == [None]


def test_one_day_cannot_be_split(quickbooks):
    quickbooks.levers("clear")
    with pytest.raises(InvalidArguments, match="summarize_by"):
        quickbooks.call(
            "get_profit_and_loss", start_date="2026-11-01", end_date="2026-11-01", summarize_by="Customers"
        )
    assert quickbooks.requests() == []


def test_the_balance_sheet_of_a_company_with_tax_balances_too(quickbooks_url):
    northern = QuickBooks(quickbooks_url, "northern")
    line = {"item_id": "2", "quantity": 1, "unit_price": 100, "tax_code": "5"}
    northern.call("create_invoice", customer_id="1", lines=[line])
    report = northern.call("get_balance_sheet", as_of=TODAY.isoformat())
    assets, others = (total["amounts"][0] for total in report["totals"])
    owed = next(row["amounts"][0] for row in report["lines"] if row["label"] == "GST/HST Payable")
    assert assets == others and owed == "13.00"


def test_aged_receivables_agree_with_the_balance_sheet_and_show_jobs_under_their_customer(quickbooks):
    report = quickbooks.call("get_aged_receivables")
    assert report["columns"] == ["Current", "1 - 30", "31 - 60", "61 - 90", "91 and over", "Total"]
    [grand] = report["totals"]
    balance = quickbooks.call("get_balance_sheet", as_of=TODAY.isoformat())
    assert grand["amounts"][-1] == next(
        line["amounts"][0] for line in balance["lines"] if line["label"].startswith("Accounts Receivable")
    )
    job = next(line for line in report["lines"] if line["label"] == "0969 Ocean View Road")
    assert (job["section"], job["id"]) == (["Freeman Sporting Goods"], "9")
    assert sum(Decimal(line["amounts"][-1]) for line in report["lines"] if not line["is_total"]) == Decimal(
        grand["amounts"][-1]
    )
