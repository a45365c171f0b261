"""Reports, counted from the ledger."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from flask import Blueprint, Response, request

from app.sandbox.bookkeeping import ZERO, by_account, minus, plus
from app.sandbox.services.xero.ledger import base_amount, entries_of, profit_codes
from app.sandbox.services.xero.records import payments_on, sums
from app.sandbox.services.xero.report_rows import line, report, report_envelope, section
from app.sandbox.services.xero.request_checks import AuthorizedCall, open_to
from app.sandbox.services.xero.wire import bad_request, not_found

bp = Blueprint("reports", __name__)

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


@bp.get("/api.xro/2.0/Reports/ProfitAndLoss")
@open_to("accounting.reports.profitandloss.read")
def profit_and_loss(call: AuthorizedCall) -> Response:
    """Income, costs and net profit of a period and of earlier ones."""
    today = call.at.today()
    last = _day("toDate") or (_end_of_month(_day("fromDate") or today))
    first = _day("fromDate") or last.replace(day=1)
    if last < first or (last - first).days > 366:
        raise bad_request(
            10, "ValidationException", "The report date range must be positive and at most 365 days."
        )
    times = list(_earlier(first, last))
    entries = list(entries_of(call.book, cash=request.args.get("paymentsOnly", "").lower() == "true"))
    totals = [by_account(e for e in entries if a.isoformat() <= e.day <= b.isoformat()) for a, b in times]
    income = section(call.book, "Income", "Total Income", {"REVENUE"}, totals, sign=-1)
    costs = section(call.book, "Less Cost of Sales", "Total Cost of Sales", {"DIRECTCOSTS"}, totals)
    expenses = section(call.book, "Less Operating Expenses", "Total Operating Expenses", {"EXPENSE"}, totals)
    gross = minus(income.totals, costs.totals)
    net = minus(gross, expenses.totals)
    rows = [
        income.row,
        *([costs.row] if costs.filled else []),
        line("Gross Profit", gross),
        expenses.row,
        line("Net Profit", net),
    ]
    title = f"{first:%-d %B %Y} to {last:%-d %B %Y}"
    return report(
        call,
        "ProfitAndLoss",
        "Profit and Loss",
        ["Profit & Loss", call.organisation.name, title],
        [b for _, b in times],
        rows,
    )


@bp.get("/api.xro/2.0/Reports/BalanceSheet")
@open_to("accounting.reports.balancesheet.read")
def balance_sheet(call: AuthorizedCall) -> Response:
    """Assets, liabilities and equity on a day. It balances, because every record has two sides."""
    day = _day("date") or _end_of_month(call.at.today())
    days = [last for _, last in _earlier(day.replace(day=1), day)]
    entries = list(entries_of(call.book))
    totals = [by_account(e for e in entries if e.day <= last.isoformat()) for last in days]
    earned = [
        sum((amount for code, amount in t.items() if code in profit_codes(call.book)), ZERO) for t in totals
    ]
    bank = section(call.book, "Bank", "Total Bank", {"BANK"}, totals)
    current = section(call.book, "Current Assets", "Total Current Assets", {"CURRENT"}, totals)
    owed = section(
        call.book, "Current Liabilities", "Total Current Liabilities", {"CURRLIAB"}, totals, sign=-1
    )
    assets = plus(bank.totals, current.totals)
    equity = section(
        call.book,
        "Equity",
        "Total Equity",
        {"EQUITY"},
        totals,
        sign=-1,
        more=[("Current Year Earnings", [-e for e in earned])],
    )
    rows = [
        {"RowType": "Section", "Title": "Assets", "Rows": []},
        bank.row,
        current.row,
        line("Total Assets", assets, total=True),
        {"RowType": "Section", "Title": "Liabilities", "Rows": []},
        owed.row,
        line("Total Liabilities", owed.totals, total=True),
        line("Net Assets", minus(assets, owed.totals)),
        equity.row,
    ]
    return report(
        call,
        "BalanceSheet",
        "Balance Sheet",
        ["Balance Sheet", call.organisation.name, f"As at {day:%-d %B %Y}"],
        days,
        rows,
    )


@bp.get("/api.xro/2.0/Reports/AgedReceivablesByContact")
@open_to("accounting.reports.aged.read")
def aged_receivables(call: AuthorizedCall) -> Response:
    """A contact's open invoices with the days overdue."""
    contact = call.book.find("contact", request.args.get("contactId", "").lower())
    if contact is None:
        return not_found()
    day = _day("date") or _end_of_month(call.at.today())
    header = {
        "RowType": "Header",
        "Cells": [
            {"Value": name} for name in ("Date", "Number", "Due Date", "", "Total", "Paid", "Credited", "Due")
        ],
    }
    opening = {
        "RowType": "Row",
        "Cells": [
            {"Value": text}
            for text in (
                f"{day.replace(month=1, day=1)} 00:00:00",
                "Opening Balance",
                "",
                "",
                "",
                "",
                "",
                "0.00",
            )
        ],
    }
    rows, totals = [], [ZERO, ZERO, ZERO]
    for invoice in sorted(call.book.all("invoice"), key=lambda each: each["date"]):
        open_ = (
            invoice["type"] == "ACCREC"
            and invoice["status"] in {"AUTHORISED", "PAID"}
            and invoice["date"] <= day.isoformat()
        )
        if invoice["contact"] != contact["id"] or not open_:
            continue
        paid = sum(
            (Decimal(p["amount"]) for p in payments_on(call.book, invoice) if p["date"] <= day.isoformat()),
            ZERO,
        )
        total = sums(call.book, invoice).total
        if paid == total:
            continue
        late = (call.at.today() - date.fromisoformat(invoice["due"])).days
        texts = (
            f"{invoice['date']} 00:00:00",
            invoice["number"],
            f"{invoice['due']} 00:00:00",
            f"{late} days overdue" if late > 0 else "",
            *(base_amount(invoice, amount) for amount in (total, paid, ZERO, total - paid)),
        )
        attributes = [{"Value": invoice["id"], "Id": "invoiceID"}]
        rows.append(
            {"RowType": "Row", "Cells": [{"Value": str(text), "Attributes": attributes} for text in texts]}
        )
        sums_ = [base_amount(invoice, amount) for amount in (total, paid, total - paid)]
        totals = plus(totals, sums_)
    summary = ("Total", "", "", "", totals[0], totals[1], "0.00", totals[2])
    rows.append({"RowType": "SummaryRow", "Cells": [{"Value": str(text)} for text in summary]})
    sections = [
        {"RowType": "Section", "Title": "", "Rows": [opening]},
        {"RowType": "Section", "Title": "", "Rows": rows},
    ]
    titles = ["Invoices", contact["name"], f"To {day:%-d %B %Y}", f"Showing payments to {day:%-d %B %Y}"]
    return report_envelope(
        call, "AgedReceivablesByContact", "Aged Receivables By Contact", titles, [header, *sections]
    )


# --- time ---


def _day(name: str) -> date | None:
    text = request.args.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise bad_request(16, "QueryParseException", f"{name} is not a valid date.") from None


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _months_before(day: date, months: int) -> date:
    """The same day `months` earlier; the last day of a month stays the last."""
    at = day.year * 12 + day.month - 1 - months
    year, month = divmod(at, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, last if day == _end_of_month(day) else min(day.day, last))


def _earlier(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The requested period and the `periods` before it."""
    timeframe, periods = request.args.get("timeframe", "").upper(), request.args.get("periods", "")
    if (timeframe and timeframe not in _MONTHS) or (
        periods and not (periods.isdigit() and 1 <= int(periods) <= 11)
    ):
        raise bad_request(
            16, "QueryParseException", "periods is from 1 to 11 and timeframe is MONTH, QUARTER or YEAR."
        )
    step = _MONTHS[timeframe or "MONTH"]
    for n in range(int(periods or 0) + 1):
        end = _months_before(last, n * step)
        start = (
            _months_before(first, n * step)
            if n == 0 or not timeframe
            else _months_before(end, step) + timedelta(days=1)
        )
        yield start, end
