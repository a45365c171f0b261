"""Reports, counted from the ledger and printed as QuickBooks does: a tree of text cells, empty where
nothing is.
"""

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.services.quickbooks import ledger
from app.sandbox.services.quickbooks.gate import Call, company_only
from app.sandbox.services.quickbooks.records import day_of
from app.sandbox.services.quickbooks.wire import Refused, cents, fault, stamp
from app.sandbox.store import Book, Record

bp = Blueprint("reports", __name__)

_ZERO = Decimal(0)
_MONTHS_OF = {"Month": 1, "Quarter": 3, "Year": 12}
_Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of amounts: which entries count in it."""

    title: str
    key: str
    takes: Callable[[ledger.Entry], bool]


@bp.get("/v3/company/<realm>/reports/ProfitAndLoss")
@company_only
def profit_and_loss(call: Call) -> Response:
    """Income, costs and net income of a time."""
    first, last = _days(call)
    columns = _columns(call.book, first, last)
    found = [
        e
        for e in ledger.entries(call.book, cash=_basis() == "Cash")
        if first.isoformat() <= e.day <= last.isoformat()
    ]
    sums = [ledger.by_account(e for e in found if column.takes(e)) for column in columns]
    income, costs, expenses = (
        _Section(call.book, kind, sums, sign)
        for kind, sign in (("Income", -1), ("Cost of Goods Sold", 1), ("Expense", 1))
    )
    gross = _minus(income.totals, costs.totals)
    net = _minus(gross, expenses.totals)
    rows = [
        income.row("Income", "Total Income", "Income"),
        *([costs.row("Cost of Goods Sold", "Total Cost of Goods Sold", "COGS")] if any(costs.totals) else []),
        _sum_row("Gross Profit", gross, "GrossProfit"),
        expenses.row("Expenses", "Total Expenses", "Expenses"),
        _sum_row("Net Operating Income", net, "NetOperatingIncome"),
        _sum_row("Net Income", net, "NetIncome"),
    ]
    return _report(
        call, "ProfitAndLoss", first, last, _label_column("Account"), columns, rows, empty=not found
    )


@bp.get("/v3/company/<realm>/reports/BalanceSheet")
@company_only
def balance_sheet(call: Call) -> Response:
    """What is owned and owed at the end of a time."""
    first, last = _days(call)
    entries = [e for e in ledger.entries(call.book, cash=_basis() == "Cash") if e.day <= last.isoformat()]
    sums = [ledger.by_account(entries)]
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
            _ZERO,
        )
        for now in (True, False)
    ]
    bank, owed_to_us, owed = (
        _Section(call.book, kind, sums, sign)
        for kind, sign in (("Bank", 1), ("Accounts Receivable", 1), ("Accounts Payable", -1))
    )
    equity = _Section(
        call.book, "Equity", sums, -1, more=[("Retained Earnings", [earned[1]]), ("Net Income", [earned[0]])]
    )
    assets = _plus(bank.totals, owed_to_us.totals)
    current = [
        bank.row("Bank Accounts", "Total Bank Accounts"),
        owed_to_us.row("Accounts Receivable", "Total Accounts Receivable"),
    ]
    rows = [
        _nested(
            "ASSETS",
            "TOTAL ASSETS",
            [_nested("Current Assets", "Total Current Assets", current, assets)],
            assets,
            "TotalAssets",
        ),
        _nested(
            "LIABILITIES AND EQUITY",
            "TOTAL LIABILITIES AND EQUITY",
            [owed.row("Accounts Payable", "Total Accounts Payable"), equity.row("Equity", "Total Equity")],
            _plus(owed.totals, equity.totals),
            "TotalLiabilitiesAndEquity",
        ),
    ]
    return _report(call, "BalanceSheet", first, last, _label_column(""), [_TOTAL], rows, empty=not entries)


@bp.get("/v3/company/<realm>/reports/AgedReceivables")
@company_only
def aged_receivables(call: Call) -> Response:
    """What each customer owes, by how late it is; a customer's jobs stand under it."""
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
        sums = owed.setdefault(invoice["CustomerRef"]["value"], [_ZERO] * 5)
        sums[place] += ledger.home(invoice, left)
    columns = [
        Column(title, title if n else "current", lambda e: False) for n, title in enumerate(buckets)
    ] + [_TOTAL]
    customers = sorted(call.book.all("customer"), key=lambda c: c["DisplayName"])
    rows, grand = [], [_ZERO] * 6
    for customer in (c for c in customers if "ParentRef" not in c):
        own = _with_total(owed.get(customer["Id"], [_ZERO] * 5))
        jobs = [
            (job, _with_total(owed[job["Id"]]))
            for job in customers
            if job.get("ParentRef", {}).get("value") == customer["Id"] and job["Id"] in owed
        ]
        whole = own
        for _, amounts in jobs:
            whole = _plus(whole, amounts)
        if not any(whole):
            continue
        grand = _plus(grand, whole)
        name = customer["DisplayName"]
        if jobs:
            under = [_data(job["DisplayName"], job["Id"], amounts) for job, amounts in jobs]
            rows.append(
                {
                    "Header": _cells(name, own, customer["Id"]),
                    "Rows": {"Row": under},
                    "Summary": _cells(f"Total {name}", whole),
                    "type": "Section",
                }
            )
        else:
            rows.append(_data(name, customer["Id"], own))
    if rows:
        rows.append(_sum_row("TOTAL", grand, "GrandTotal"))
    return _report(
        call, "AgedReceivables", day, day, _label_column("Customer"), columns, rows, empty=not rows
    )


class _Section:
    """The accounts of one type with something on them, as rows, sub-accounts under their accounts; and
    their sum.
    """

    def __init__(
        self,
        book: Book,
        kind: str,
        sums: list[dict[str, Decimal]],
        sign: int,
        more: list[tuple[str, list[Decimal]]] | None = None,
    ) -> None:
        self._sums, self._sign = sums, sign
        self._accounts = [account for account in book.all("account") if account["AccountType"] == kind]
        found = [self._account(account) for account in self._accounts if "ParentRef" not in account]
        self.rows = [row for row, amounts in found if any(amounts)]
        self.totals = [_ZERO] * len(sums)
        for _, amounts in found:
            self.totals = _plus(self.totals, amounts)
        for label, amounts in more or ():
            if any(amounts):
                self.rows.append(_data(label, None, amounts))
                self.totals = _plus(self.totals, amounts)

    def row(self, title: str, total: str, group: str | None = None) -> _Row:
        """The section."""
        return _nested(title, total, self.rows, self.totals, group)

    def _account(self, account: Record) -> tuple[_Row, list[Decimal]]:
        own = [self._sign * sums.get(account["Id"], _ZERO) for sums in self._sums]
        under = [
            self._account(a) for a in self._accounts if a.get("ParentRef", {}).get("value") == account["Id"]
        ]
        under = [(row, amounts) for row, amounts in under if any(amounts)]
        if not under:
            return _data(account["Name"], account["Id"], own), own
        whole = own
        for _, amounts in under:
            whole = _plus(whole, amounts)
        summary = _cells(f"Total {account['Name']}", whole)
        rows = {"Row": [row for row, _ in under]}
        return {
            "Header": _cells(account["Name"], own, account["Id"]),
            "Rows": rows,
            "Summary": summary,
            "type": "Section",
        }, whole


# --- time and columns ---

_TOTAL = Column("Total", "total", lambda entry: True)


def _days(call: Call) -> tuple[date, date]:
    """Both ends of the time; if one is missing it is the year to date, whatever the other says."""
    given = [request.args.get(name, "") for name in ("start_date", "end_date")]
    if not all(given):
        return call.at.today().replace(month=1, day=1), call.at.today()
    first, last = map(day_of, given)
    if first is None or last is None or first > last:
        raise Refused(
            fault("5050", "Invalid parameter", "The start date and end date must be days, in this order")
        )
    return first, last


def _basis() -> str:
    given = request.args.get("accounting_method") or "Accrual"
    if given not in {"Accrual", "Cash"}:
        raise Refused(fault("5050", "Invalid parameter", "accounting_method must be Accrual or Cash"))
    return given


def _columns(book: Book, first: date, last: date) -> list[Column]:
    by = request.args.get("summarize_column_by") or "Total"
    if by in _MONTHS_OF:
        return [*_periods(first, last, _MONTHS_OF[by]), _TOTAL]
    if by == "Customers":
        named = [
            Column(c["DisplayName"], c["Id"], lambda e, id_=c["Id"]: e.customer == id_)  # type: ignore[misc]
            for c in book.all("customer")
        ]
        return [*named, Column("Not Specified", "not_specified", lambda e: not e.customer), _TOTAL]
    if by == "Classes":
        return [Column("Not Specified", "not_specified", lambda e: True), _TOTAL]
    if by != "Total":
        raise Refused(fault("5050", "Invalid parameter", f"summarize_column_by {by} is not supported"))
    return [_TOTAL]


def _periods(first: date, last: date, months: int) -> list[Column]:
    found = []
    start = first
    while start <= last:
        number = start.month - (start.month - 1) % months + months - 1
        end = min(last, date(start.year, number, calendar.monthrange(start.year, number)[1]))
        title = {1: f"{start:%b %Y}", 3: f"{start:%b} - {end:%b %Y}", 12: f"{start:%Y}"}[months]
        found.append(Column(title, title, lambda e, a=start.isoformat(), b=end.isoformat(): a <= e.day <= b))  # type: ignore[misc]
        start = end + timedelta(days=1)
    return found


# --- printing ---


def _plus(one: list[Decimal], other: list[Decimal]) -> list[Decimal]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _minus(one: list[Decimal], other: list[Decimal]) -> list[Decimal]:
    return [a - b for a, b in zip(one, other, strict=True)]


def _with_total(amounts: list[Decimal]) -> list[Decimal]:
    return [*amounts, sum(amounts, _ZERO)]


def _cells(label: str, amounts: list[Decimal], id_: str | None = None) -> dict[str, Any]:
    first = {"value": label, "id": id_} if id_ else {"value": label}
    return {"ColData": [first, *({"value": str(cents(amount)) if amount else ""} for amount in amounts)]}


def _data(label: str, id_: str | None, amounts: list[Decimal]) -> _Row:
    return {**_cells(label, amounts, id_), "type": "Data"}


def _sum_row(label: str, amounts: list[Decimal], group: str) -> _Row:
    return {"Summary": _cells(label, amounts), "type": "Section", "group": group}


def _nested(
    title: str, total: str, rows: list[_Row], totals: list[Decimal], group: str | None = None
) -> _Row:
    row: _Row = {
        "Header": _cells(title, [_ZERO] * len(totals)),
        "Rows": {"Row": rows},
        "Summary": _cells(total, totals),
        "type": "Section",
    }
    if not rows:
        del row["Rows"]
    return {**row, "group": group} if group else row


def _label_column(kind: str) -> dict[str, Any]:
    return {
        "ColTitle": "",
        "ColType": kind or "Account",
        "MetaData": [{"Name": "ColKey", "Value": (kind or "account").lower()}],
    }


def _report(
    call: Call,
    name: str,
    first: date,
    last: date,
    label: Mapping[str, Any],
    columns: list[Column],
    rows: list[_Row],
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
        {"ColTitle": c.title, "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": c.key}]}
        for c in columns
    ]
    answer = jsonify(Header=header, Columns={"Column": [label, *money]}, Rows={"Row": rows} if rows else {})
    answer.headers["v3modernResponse"] = "true"
    return answer
