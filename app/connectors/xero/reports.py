"""Reports: Xero sends the text cells of a printed page; here they become lines with numbers.

https://developer.xero.com/documentation/api/accounting/reports
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
from app.connectors.rows import Row
from app.connectors.xero.accounting import read_one
from app.connectors.xero.organisations import organisation
from app.connectors.xero.values import Identifier, calendar_date, unreadable

Timeframe = Literal["MONTH", "QUARTER", "YEAR"]
Periods = Annotated[int, Field(ge=1, le=11, description="How many earlier periods to compare.")]
_PROFIT_AND_LOSS = ("accounting.reports.profitandloss.read",)
_BALANCE_SHEET = ("accounting.reports.balancesheet.read",)
_AGED = ("accounting.reports.aged.read",)


class ReportLine(Row):
    """An account or a total of a report."""

    section: str | None = Field(description="Its section of the report.")
    label: str
    amounts: list[Money | None] = Field(description="One for each of `columns`.")
    is_total: bool


class Report(MoneyRow):
    """A report for one organisation."""

    name: str
    titles: list[str] = Field(description="The report's heading: organisation and period.")
    currency: str | None = Field(description="Of every amount: the organisation's base currency.")
    columns: list[str]
    lines: list[ReportLine]


class AgedLine(Row):
    """An invoice, a credit or an opening balance."""

    invoice_id: str | None
    date: str | None
    number: str | None
    due_date: str | None
    overdue: str | None = Field(description="In Xero's words, such as 305 days overdue.")
    total: Money | None
    paid: Money | None
    credited: Money | None
    due: Money | None
    is_total: bool


class AgedReceivables(MoneyRow):
    """What one contact owes."""

    name: str
    titles: list[str]
    currency: str | None = Field(description="The organisation's base currency.")
    lines: list[AgedLine]


@tool(title="Get Xero profit and loss", reads_only=True, needs_scopes=_PROFIT_AND_LOSS)
def get_profit_and_loss(
    api: Api,
    from_date: Annotated[date | None, Field(description="Default: the current month.")] = None,
    to_date: Annotated[date | None, Field(description="Last day.")] = None,
    periods: Periods | None = None,
    timeframe: Annotated[Timeframe | None, Field(description="Length of those periods.")] = None,
    payments_only: Annotated[bool, Field(description="Cash basis.")] = False,
) -> Report:
    """Get income, costs and net profit of a period, with Xero's own totals.

    Assets and liabilities on a day are in xero_get_balance_sheet.
    """
    check_order(from_date, to_date)
    return _report(
        api,
        "/Reports/ProfitAndLoss",
        {
            "fromDate": from_date and from_date.isoformat(),
            "toDate": to_date and to_date.isoformat(),
            "periods": periods,
            "timeframe": timeframe,
            "standardLayout": "true",
            "paymentsOnly": "true" if payments_only else None,
        },
    )


@tool(title="Get Xero balance sheet", reads_only=True, needs_scopes=_BALANCE_SHEET)
def get_balance_sheet(
    api: Api,
    date: Annotated[date | None, Field(description="Default: the end of this month.")] = None,
    periods: Periods | None = None,
    timeframe: Annotated[Timeframe | None, Field(description="Length of those periods.")] = None,
) -> Report:
    """Get assets, liabilities and equity on a day, bank balances included, with Xero's own totals.

    Income and costs are in xero_get_profit_and_loss.
    """
    return _report(
        api,
        "/Reports/BalanceSheet",
        {
            "date": date and date.isoformat(),
            "periods": periods,
            "timeframe": timeframe,
            "standardLayout": "true",
        },
    )


@tool(title="Get Xero aged receivables", reads_only=True, needs_scopes=_AGED)
def get_aged_receivables(
    api: Api,
    contact_id: Annotated[Identifier, Field(description="From xero_list_contacts.")],
    date: Annotated[
        date | None, Field(description="Counts payments up to then. Default: the end of this month.")
    ] = None,
) -> AgedReceivables:
    """Get what one customer owes, invoice by invoice, and how many days each is overdue.

    For all customers' open invoices use xero_list_invoices with type ACCREC and status AUTHORISED.
    """
    report = read_one(
        api,
        "/Reports/AgedReceivablesByContact",
        "Reports",
        params={"contactId": contact_id, "date": date and date.isoformat()},
    )
    columns, rows = _table(report)
    return AgedReceivables(
        name=str(report.get("ReportName") or "Aged Receivables By Contact"),
        titles=_titles(report),
        currency=organisation(api).base_currency,
        lines=[_aged_line(columns, cells, is_total) for _, cells, is_total in rows],
    )


def _report(api: Api, path: str, params: Mapping[str, Any]) -> Report:
    report = read_one(api, path, "Reports", params=params)
    columns, rows = _table(report)
    if params.get("timeframe") and not params.get("periods"):
        api.say("timeframe had no effect: it is the length of the earlier periods, so give `periods` too.")
    return Report(
        name=str(report.get("ReportName") or ""),
        titles=_titles(report),
        currency=organisation(api).base_currency,
        columns=columns[1:],
        lines=[
            ReportLine(
                section=section,
                label=_text(cells, 0),
                amounts=[_amount(_text(cells, n)) for n in range(1, max(len(columns), len(cells)))],
                is_total=is_total,
            )
            for section, cells, is_total in rows
        ],
    )


_TableRow = tuple[str | None, list[Any], bool]


def _table(report: Any) -> tuple[list[str], list[_TableRow]]:
    """A report's column names, and its rows as section, cells and whether it is a total."""
    rows = report.get("Rows") if isinstance(report, Mapping) else None
    if not isinstance(rows, list):
        raise unreadable()
    header = next((row for row in rows if isinstance(row, Mapping) and row.get("RowType") == "Header"), {})
    cells = _cells(header)
    columns = [_text(cells, n) for n in range(len(cells))]
    return columns, list(_rows(rows, None))


def _rows(rows: list[Any], section: str | None) -> Iterator[_TableRow]:
    for row in rows:
        if not isinstance(row, Mapping) or row.get("RowType") == "Header":
            continue
        if isinstance(row.get("Rows"), list):
            yield from _rows(row["Rows"], str(row.get("Title") or "") or section)
        if cells := _cells(row):
            yield section, cells, row.get("RowType") == "SummaryRow"


def _cells(row: Mapping[str, Any]) -> list[Any]:
    return _listed(row.get("Cells"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(cells: list[Any], index: int) -> str:
    cell = cells[index] if index < len(cells) else None
    value = cell.get("Value") if isinstance(cell, Mapping) else None
    return "" if value is None else str(value)


def _amount(text: str) -> Decimal | None:
    """The amount in a printed cell, None for an empty cell or other text."""
    digits = text.replace(",", "").strip()
    if digits.startswith("(") and digits.endswith(")"):
        digits = f"-{digits[1:-1]}"
    try:
        amount = Decimal(digits)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**18 else None


def _titles(report: Mapping[str, Any]) -> list[str]:
    titles = report.get("ReportTitles")
    return [str(title) for title in titles] if isinstance(titles, list) else []


def _aged_line(columns: list[str], cells: list[Any], is_total: bool) -> AgedLine:
    """A row by its column names; the unnamed column says how late the invoice is."""
    named = {name: _text(cells, n) for n, name in enumerate(columns)}
    attributes = [
        a
        for cell in cells
        if isinstance(cell, Mapping)
        for a in _listed(cell.get("Attributes"))
        if isinstance(a, Mapping)
    ]
    return AgedLine(
        invoice_id=next((str(a.get("Value")) for a in attributes if a.get("Id") == "invoiceID"), None),
        date=calendar_date(named.get("Date")),
        number=named.get("Number") or None,
        due_date=calendar_date(named.get("Due Date")),
        overdue=named.get("") or None,
        total=_amount(named.get("Total", "")),
        paid=_amount(named.get("Paid", "")),
        credited=_amount(named.get("Credited", "")),
        due=_amount(named.get("Due", "")),
        is_total=is_total,
    )
