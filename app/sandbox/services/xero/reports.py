"""Reports, counted from the records: a small double-entry ledger printed as rows of text cells."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.services.xero.gate import Call, open_to
from app.sandbox.services.xero.records import cents, line_amount, line_tax, payments_on, sums
from app.sandbox.services.xero.wire import Refused, bad_request, envelope, milliseconds, not_found
from app.sandbox.store import Book, Record

bp = Blueprint("reports", __name__)

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """An amount on an account, in the base currency; debits are positive."""

    day: str
    account: str
    amount: Decimal


@bp.get("/api.xro/2.0/Reports/ProfitAndLoss")
@open_to("accounting.reports.profitandloss.read")
def profit_and_loss(call: Call) -> Response:
    """Income, costs and net profit of a time, with earlier ones beside it."""
    today = call.at.today()
    last = _day("toDate") or (_end_of_month(_day("fromDate") or today))
    first = _day("fromDate") or last.replace(day=1)
    if last < first or (last - first).days > 366:
        raise Refused(
            bad_request(
                10, "ValidationException", "The report date range must be positive and at most 365 days."
            )
        )
    times = list(_earlier(first, last))
    entries = list(_ledger(call.book, cash=request.args.get("paymentsOnly", "").lower() == "true"))
    totals = [_by_account(e for e in entries if a.isoformat() <= e.day <= b.isoformat()) for a, b in times]
    income = _section(call.book, "Income", "Total Income", {"REVENUE"}, totals, sign=-1)
    costs = _section(call.book, "Less Cost of Sales", "Total Cost of Sales", {"DIRECTCOSTS"}, totals)
    expenses = _section(call.book, "Less Operating Expenses", "Total Operating Expenses", {"EXPENSE"}, totals)
    gross = [a - b for a, b in zip(income.totals, costs.totals, strict=True)]
    net = [a - b for a, b in zip(gross, expenses.totals, strict=True)]
    rows = [
        income.row,
        *([costs.row] if costs.filled else []),
        _line("Gross Profit", gross),
        expenses.row,
        _line("Net Profit", net),
    ]
    title = f"{first:%-d %B %Y} to {last:%-d %B %Y}"
    return _report(
        call,
        "ProfitAndLoss",
        "Profit and Loss",
        ["Profit & Loss", call.organisation.name, title],
        [b for _, b in times],
        rows,
    )


@bp.get("/api.xro/2.0/Reports/BalanceSheet")
@open_to("accounting.reports.balancesheet.read")
def balance_sheet(call: Call) -> Response:
    """What is owned and owed at a day. It balances, because every record has two sides."""
    day = _day("date") or _end_of_month(call.at.today())
    days = [last for _, last in _earlier(day.replace(day=1), day)]
    entries = list(_ledger(call.book))
    totals = [_by_account(e for e in entries if e.day <= last.isoformat()) for last in days]
    earned = [
        sum((amount for code, amount in t.items() if code in _profit_codes(call.book)), _ZERO) for t in totals
    ]
    bank = _section(call.book, "Bank", "Total Bank", {"BANK"}, totals)
    current = _section(call.book, "Current Assets", "Total Current Assets", {"CURRENT"}, totals)
    owed = _section(
        call.book, "Current Liabilities", "Total Current Liabilities", {"CURRLIAB"}, totals, sign=-1
    )
    assets = [a + b for a, b in zip(bank.totals, current.totals, strict=True)]
    equity = _section(
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
        _line("Total Assets", assets, total=True),
        {"RowType": "Section", "Title": "Liabilities", "Rows": []},
        owed.row,
        _line("Total Liabilities", owed.totals, total=True),
        _line("Net Assets", [a - b for a, b in zip(assets, owed.totals, strict=True)]),
        equity.row,
    ]
    return _report(
        call,
        "BalanceSheet",
        "Balance Sheet",
        ["Balance Sheet", call.organisation.name, f"As at {day:%-d %B %Y}"],
        days,
        rows,
    )


@bp.get("/api.xro/2.0/Reports/AgedReceivablesByContact")
@open_to("accounting.reports.aged.read")
def aged_receivables(call: Call) -> Response:
    """A contact's open invoices, and how late each is."""
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
    rows, totals = [], [_ZERO, _ZERO, _ZERO]
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
            _ZERO,
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
            *(_base(invoice, amount) for amount in (total, paid, _ZERO, total - paid)),
        )
        attributes = [{"Value": invoice["id"], "Id": "invoiceID"}]
        rows.append(
            {"RowType": "Row", "Cells": [{"Value": str(text), "Attributes": attributes} for text in texts]}
        )
        totals = [
            sum_ + _base(invoice, amount)
            for sum_, amount in zip(totals, (total, paid, total - paid), strict=True)
        ]
    summary = ("Total", "", "", "", totals[0], totals[1], "0.00", totals[2])
    rows.append({"RowType": "SummaryRow", "Cells": [{"Value": str(text)} for text in summary]})
    sections = [
        {"RowType": "Section", "Title": "", "Rows": [opening]},
        {"RowType": "Section", "Title": "", "Rows": rows},
    ]
    titles = ["Invoices", contact["name"], f"To {day:%-d %B %Y}", f"Showing payments to {day:%-d %B %Y}"]
    return _envelope(
        call, "AgedReceivablesByContact", "Aged Receivables By Contact", titles, [header, *sections]
    )


# --- the ledger ---


def _base(invoice: Record, amount: Decimal) -> Decimal:
    return cents(amount / Decimal(invoice["rate"]))


def _ledger(book: Book, *, cash: bool = False) -> Iterator[Entry]:
    """Both sides of every record. On cash basis income and costs count when they are paid, in proportion."""
    first = min((invoice["date"] for invoice in book.all("invoice")), default="2000-01-01")
    for account in book.all("account"):
        if Decimal(account["opening"]):
            yield Entry(first, account["code"], Decimal(account["opening"]))
    for invoice in book.all("invoice"):
        if invoice["status"] not in {"AUTHORISED", "PAID"}:
            continue
        sign = -1 if invoice["type"] == "ACCREC" else 1
        control = "610" if invoice["type"] == "ACCREC" else "800"
        total = sums(book, invoice).total
        paid = payments_on(book, invoice)
        parts = (
            [(p["date"], Decimal(p["amount"]) / total) for p in paid]
            if cash
            else [(invoice["date"], Decimal(1))]
        )
        for day, share in parts:
            for line in invoice["lines"]:
                net, tax = _base(invoice, line_amount(line) * share), _base(invoice, line_tax(line) * share)
                yield Entry(day, line["account"], sign * net)
                yield Entry(day, "820", sign * tax)
                yield Entry(day, control, -sign * (net + tax))
        for payment in paid:
            amount = _base(invoice, Decimal(payment["amount"]))
            yield Entry(payment["date"], payment["account"], -sign * amount)
            yield Entry(payment["date"], control, sign * amount)


def _by_account(entries: Iterable[Entry]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(lambda: _ZERO)
    for entry in entries:
        totals[entry.account] += entry.amount
    return totals


def _profit_codes(book: Book) -> set[str]:
    return {account["code"] for account in book.all("account") if account["class"] in {"REVENUE", "EXPENSE"}}


# --- time ---


def _day(name: str) -> date | None:
    text = request.args.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(bad_request(16, "QueryParseException", f"{name} is not a valid date.")) from None


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _months_before(day: date, months: int) -> date:
    """The same day so many months earlier; the last of a month stays the last."""
    at = day.year * 12 + day.month - 1 - months
    year, month = divmod(at, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, last if day == _end_of_month(day) else min(day.day, last))


def _earlier(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The time asked for and the `periods` before it."""
    timeframe, periods = request.args.get("timeframe", "").upper(), request.args.get("periods", "")
    if (timeframe and timeframe not in _MONTHS) or (
        periods and not (periods.isdigit() and 1 <= int(periods) <= 11)
    ):
        raise Refused(
            bad_request(
                16, "QueryParseException", "periods is from 1 to 11 and timeframe is MONTH, QUARTER or YEAR."
            )
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


# --- rows ---


@dataclass(frozen=True)
class _Section:
    row: dict[str, Any]
    totals: list[Decimal]
    filled: bool


def _section(
    book: Book,
    title: str,
    total_label: str,
    types: set[str],
    totals: list[dict[str, Decimal]],
    *,
    sign: int = 1,
    more: Iterable[tuple[str, list[Decimal]]] = (),
) -> _Section:
    rows, sums_ = [], [_ZERO] * len(totals)
    lines = [
        (a["name"], a["id"], [sign * t[a["code"]] for t in totals])
        for a in sorted(book.all("account"), key=lambda a: a["code"])
        if a["type"] in types
    ]
    for label, id_, amounts in [*lines, *((label, None, amounts) for label, amounts in more)]:
        if any(amounts):
            rows.append({"RowType": "Row", "Cells": _cells(label, amounts, id_)})
            sums_ = [a + b for a, b in zip(sums_, amounts, strict=True)]
    summary = {"RowType": "SummaryRow", "Cells": _cells(total_label, sums_)}
    return _Section({"RowType": "Section", "Title": title, "Rows": [*rows, summary]}, sums_, bool(rows))


def _line(label: str, amounts: list[Decimal], *, total: bool = False) -> dict[str, Any]:
    """A line that stands alone: a section without a title."""
    return {
        "RowType": "Section",
        "Title": "",
        "Rows": [{"RowType": "SummaryRow" if total else "Row", "Cells": _cells(label, amounts)}],
    }


def _cells(label: str, amounts: list[Decimal], account: str | None = None) -> list[dict[str, Any]]:
    attributes = {"Attributes": [{"Value": account, "Id": "account"}]} if account else {}
    return [
        {"Value": label, **attributes},
        *({"Value": str(cents(amount)), **attributes} for amount in amounts),
    ]


def _report(
    call: Call, id_: str, name: str, titles: list[str], ends: list[date], rows: list[dict[str, Any]]
) -> Response:
    header = {"RowType": "Header", "Cells": [{"Value": ""}, *({"Value": f"{end:%-d %b %y}"} for end in ends)]}
    return _envelope(call, id_, name, titles, [header, *rows])


def _envelope(call: Call, id_: str, name: str, titles: list[str], rows: list[dict[str, Any]]) -> Response:
    report = {
        "ReportID": id_,
        "ReportName": name,
        "ReportType": id_,
        "ReportTitles": titles,
        "ReportDate": f"{call.at.today():%-d %B %Y}",
        "UpdatedDateUTC": f"/Date({milliseconds(call.at.now())})/",
        "Fields": [],
        "Rows": rows,
    }
    return envelope(Reports=[report])
