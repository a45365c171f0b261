"""Reports, counted from the ledger."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.bookkeeping import ZERO, by_account, minus, plus
from app.sandbox.services.quickbooks import ledger
from app.sandbox.services.quickbooks.records import day_of
from app.sandbox.services.quickbooks.report_columns import columns_of
from app.sandbox.services.quickbooks.report_rows import (
    TOTAL,
    Column,
    Row,
    Section,
    cells,
    data_row,
    nested,
    sum_row,
)
from app.sandbox.services.quickbooks.request_checks import AuthorizedCall, company_only
from app.sandbox.services.quickbooks.wire import refusal, stamp

bp = Blueprint("reports", __name__)


@bp.get("/v3/company/<realm>/reports/ProfitAndLoss")
@company_only
def profit_and_loss(call: AuthorizedCall) -> Response:
    """Income, costs and net income of a period."""
    first, last = _days(call)
    columns = columns_of(call.book, first, last)
    found = [
        e
        for e in ledger.entries(call.book, cash=_basis() == "Cash")
        if first.isoformat() <= e.day <= last.isoformat()
    ]
    sums = [by_account(e for e in found if column.takes(e)) for column in columns]
    income, costs, expenses = (
        Section(call.book, kind, sums, sign)
        for kind, sign in (("Income", -1), ("Cost of Goods Sold", 1), ("Expense", 1))
    )
    gross = minus(income.totals, costs.totals)
    net = minus(gross, expenses.totals)
    rows = [
        income.row("Income", "Total Income", "Income"),
        *([costs.row("Cost of Goods Sold", "Total Cost of Goods Sold", "COGS")] if any(costs.totals) else []),
        sum_row("Gross Profit", gross, "GrossProfit"),
        expenses.row("Expenses", "Total Expenses", "Expenses"),
        sum_row("Net Operating Income", net, "NetOperatingIncome"),
        sum_row("Net Income", net, "NetIncome"),
    ]
    return _report(
        call, "ProfitAndLoss", first, last, _label_column("Account"), columns, rows, empty=not found
    )


@bp.get("/v3/company/<realm>/reports/BalanceSheet")
@company_only
def balance_sheet(call: AuthorizedCall) -> Response:
    """Assets, liabilities and equity at the end of a period."""
    first, last = _days(call)
    entries = [e for e in ledger.entries(call.book, cash=_basis() == "Cash") if e.day <= last.isoformat()]
    sums = [by_account(entries)]
    kinds = {account["Id"]: account["Classification"] for account in call.book.all("account")}
    year = date(
        last.year - (last.month < call.company.fiscal_year_start), call.company.fiscal_year_start, 1
    ).isoformat()
    earned = [
        -sum(
            (
                e.amount
                for e in entries
                if kinds[e.account] in {"Revenue", "Expense"} and (e.day >= year) is now
            ),
            ZERO,
        )
        for now in (True, False)
    ]
    bank, owed_to_us, owed, taxes = (
        Section(call.book, kind, sums, sign)
        for kind, sign in (
            ("Bank", 1),
            ("Accounts Receivable", 1),
            ("Accounts Payable", -1),
            ("Other Current Liability", -1),
        )
    )
    equity = Section(
        call.book, "Equity", sums, -1, more=[("Retained Earnings", [earned[1]]), ("Net Income", [earned[0]])]
    )
    assets = plus(bank.totals, owed_to_us.totals)
    current = [
        bank.row("Bank Accounts", "Total Bank Accounts"),
        owed_to_us.row("Accounts Receivable", "Total Accounts Receivable"),
    ]
    rows = [
        nested(
            "ASSETS",
            "TOTAL ASSETS",
            [nested("Current Assets", "Total Current Assets", current, assets)],
            assets,
            "TotalAssets",
        ),
        nested(
            "LIABILITIES AND EQUITY",
            "TOTAL LIABILITIES AND EQUITY",
            [
                owed.row("Accounts Payable", "Total Accounts Payable"),
                *(
                    [taxes.row("Other Current Liabilities", "Total Other Current Liabilities")]
                    if taxes.rows
                    else []
                ),
                equity.row("Equity", "Total Equity"),
            ],
            plus(plus(owed.totals, taxes.totals), equity.totals),
            "TotalLiabilitiesAndEquity",
        ),
    ]
    return _report(call, "BalanceSheet", first, last, _label_column(""), [TOTAL], rows, empty=not entries)


@bp.get("/v3/company/<realm>/reports/AgedReceivables")
@company_only
def aged_receivables(call: AuthorizedCall) -> Response:
    """What each customer owes, by days overdue, with a customer's jobs below it."""
    day = day_of(request.args.get("report_date") or call.at.today().isoformat()) or call.at.today()
    buckets = ("Current", "1 - 30", "31 - 60", "61 - 90", "91 and over")
    owed: dict[str, list[Decimal]] = {}
    for invoice in call.book.all("invoice"):
        left = Decimal(str(invoice["TotalAmt"])) - ledger.paid_until(
            call.book, invoice["Id"], day.isoformat()
        )
        if invoice["TxnDate"] > day.isoformat() or not left:
            continue
        late = (day - date.fromisoformat(invoice["DueDate"])).days
        place = 0 if late <= 0 else min(4, 1 + (late - 1) // 30)
        sums = owed.setdefault(invoice["CustomerRef"]["value"], [ZERO] * 5)
        sums[place] += ledger.home(invoice, left)
    columns = [
        Column(title, title if n else "current", lambda e: False) for n, title in enumerate(buckets)
    ] + [TOTAL]
    customers = sorted(call.book.all("customer"), key=lambda c: c["DisplayName"])
    rows, grand = [], [ZERO] * 6
    for customer in (c for c in customers if "ParentRef" not in c):
        own = _with_total(owed.get(customer["Id"], [ZERO] * 5))
        jobs = [
            (job, _with_total(owed[job["Id"]]))
            for job in customers
            if job.get("ParentRef", {}).get("value") == customer["Id"] and job["Id"] in owed
        ]
        whole = own
        for _, amounts in jobs:
            whole = plus(whole, amounts)
        if not any(whole):
            continue
        grand = plus(grand, whole)
        name = customer["DisplayName"]
        if jobs:
            under = [data_row(job["DisplayName"], job["Id"], amounts) for job, amounts in jobs]
            rows.append(
                {
                    "Header": cells(name, own, customer["Id"]),
                    "Rows": {"Row": under},
                    "Summary": cells(f"Total {name}", whole),
                    "type": "Section",
                }
            )
        else:
            rows.append(data_row(name, customer["Id"], own))
    if rows:
        rows.append(sum_row("TOTAL", grand, "GrandTotal"))
    return _report(
        call, "AgedReceivables", day, day, _label_column("Customer"), columns, rows, empty=not rows
    )


# --- time ---


def _days(call: AuthorizedCall) -> tuple[date, date]:
    """Both ends of the period. If one is missing, it is the year to date.

    Documented for each report: "start_date must be less than end_date".
    """
    given = [request.args.get(name, "") for name in ("start_date", "end_date")]
    if not all(given):
        return call.at.today().replace(month=1, day=1), call.at.today()
    first, last = map(day_of, given)
    if first is None or last is None or first >= last:
        raise refusal("5050", "Invalid parameter", "start_date must be less than end_date")
    return first, last


def _basis() -> str:
    given = request.args.get("accounting_method") or "Accrual"
    if given not in {"Accrual", "Cash"}:
        raise refusal("5050", "Invalid parameter", "accounting_method must be Accrual or Cash")
    return given


# --- the answer ---


def _with_total(amounts: list[Decimal]) -> list[Decimal]:
    return [*amounts, sum(amounts, ZERO)]


def _label_column(kind: str) -> dict[str, Any]:
    return {
        "ColTitle": "",
        "ColType": kind or "Account",
        "MetaData": [{"Name": "ColKey", "Value": (kind or "account").lower()}],
    }


def _report(
    call: AuthorizedCall,
    name: str,
    first: date,
    last: date,
    label: Mapping[str, Any],
    columns: list[Column],
    rows: list[Row],
    *,
    empty: bool,
) -> Response:
    header = {
        "Time": stamp(call.at.now()),
        "ReportName": name,
        "ReportBasis": _basis(),
        "StartPeriod": first.isoformat(),
        "EndPeriod": last.isoformat(),
        "SummarizeColumnsBy": request.args.get("summarize_column_by") or "Total",
        "Currency": call.company.currency,
        "Option": [
            {"Name": "AccountingStandard", "Value": "GAAP"},
            {"Name": "NoReportData", "Value": str(empty).lower()},
        ],
    }
    money = [
        {
            "ColTitle": c.title,
            "ColType": "Money",
            "MetaData": [
                *(
                    {"Name": name, "Value": day}
                    for name, day in zip(("StartDate", "EndDate"), c.days, strict=False)
                ),
                {"Name": "ColKey", "Value": c.key},
            ],
        }
        for c in columns
    ]
    answer = jsonify(Header=header, Columns={"Column": [label, *money]}, Rows={"Row": rows} if rows else {})
    answer.headers["v3modernResponse"] = "true"
    return answer
