"""Reports: QuickBooks sends a tree of text cells; here it becomes lines with numbers.

Columns are found by type and key, sections by group, never by position: QuickBooks promises no order.
https://developer.intuit.com/app/developer/qbo/docs/workflows/run-reports
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
from app.connectors.quickbooks.accounting import home_currency, read_report
from app.connectors.quickbooks.values import decimal, inside, unreadable
from app.connectors.rows import Row
from app.errors import InvalidArguments

Basis = Literal["Accrual", "Cash"]
Columns = Literal["Total", "Month", "Quarter", "Year", "Customers", "Classes"]
_MOST_LINES = 500
_DEEPEST = 30
# keys and types of the column that names a line
_LABELS = {"account", "customer", "cust_name", "name"}


class Total(Row):
    """What an outermost part of a report comes to."""

    group: str = Field(
        description="QuickBooks' name of the part, such as Income, COGS, GrossProfit, Expenses, NetIncome."
    )
    label: str
    amounts: list[Money | None] = Field(description="One per column; null: an empty cell.")


class ReportLine(Row):
    """An account, a customer or a total of a report."""

    label: str
    id: str | None = Field(description="Of the account or customer.")
    section: list[str] = Field(description="Its parent sections, outermost first.")
    amounts: list[Money | None] = Field(description="One per column; null: an empty cell.")
    is_total: bool = Field(description="true: the sum of lines above it. Do not add it to them.")


class Report(MoneyRow):
    """A report for the company."""

    name: str
    basis: str | None = Field(description="Accrual or Cash.")
    date_from: str | None
    date_to: str | None
    currency: str | None
    columns: list[str]
    has_data: bool = Field(description="false: QuickBooks has nothing for these days.")
    totals: list[Total] = Field(description="The outermost parts only.")
    lines: list[ReportLine]
    lines_left_out: int = Field(0, description="How many more lines the report has; totals are always whole.")


@tool(title="Get QuickBooks profit and loss", reads_only=True)
def get_profit_and_loss(
    api: Api,
    start_date: Annotated[date, Field(description="First day.")],
    end_date: Annotated[date, Field(description="Last day, at most six months on.")],
    accounting_method: Annotated[Basis | None, Field(description="Default: the company's.")] = None,
    summarize_by: Annotated[Columns | None, Field(description="What the columns are.")] = None,
) -> Report:
    """Get income, costs, expenses and net income for a period, with QuickBooks' own totals.

    For assets and liabilities on a day use quickbooks_get_balance_sheet.
    """
    check_order(start_date, end_date)
    one_day = start_date if start_date == end_date else None
    if one_day and summarize_by in {"Customers", "Classes"}:
        raise InvalidArguments(
            "summarize_by: QuickBooks reports one day as a total only. Leave it out, or ask for more days.",
            details={"fields": ["summarize_by"]},
        )
    params = {
        "start_date": _before(start_date) if one_day else start_date.isoformat(),
        "end_date": end_date.isoformat(),
        "accounting_method": accounting_method,
        "summarize_column_by": "Days" if one_day else summarize_by,
    }
    return _report(api, "ProfitAndLoss", params, one_day=one_day)


@tool(title="Get QuickBooks balance sheet", reads_only=True)
def get_balance_sheet(
    api: Api,
    as_of: Annotated[date, Field(description="The day.")],
    accounting_method: Annotated[Basis | None, Field(description="Default: the company's.")] = None,
) -> Report:
    """Get assets, liabilities and equity as of a day, bank balances included, with QuickBooks' own totals.

    For income and expenses of a period use quickbooks_get_profit_and_loss.
    """
    # QuickBooks silently replaces a single date by the year to date. The start does not change the balances.
    params = {
        "start_date": _before(as_of),
        "end_date": as_of.isoformat(),
        "accounting_method": accounting_method,
    }
    report = _report(api, "BalanceSheet", params)
    report.date_from = None
    return report


@tool(title="Get QuickBooks aged receivables", reads_only=True)
def get_aged_receivables(
    api: Api,
    report_date: Annotated[date | None, Field(description="Default: today.")] = None,
) -> Report:
    """Get what each customer owes by how many days it is overdue, in the company's home currency.

    Individual invoices are in quickbooks_list_invoices with status overdue.
    """
    return _report(api, "AgedReceivables", {"report_date": report_date and report_date.isoformat()})


@dataclass(frozen=True)
class _Shape:
    """The columns of a report: the label, the amounts and their titles."""

    label: int
    amounts: tuple[int, ...]
    titles: tuple[str, ...]


def _before(day: date) -> str:
    """The day before, as a start. Raises InvalidArguments for the first day there is.

    Documented for each report, "start_date must be less than end_date".

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/balancesheet
    """
    if day == date.min:
        raise InvalidArguments("QuickBooks has no reports for that day. Use a later one.")
    return (day - timedelta(days=1)).isoformat()


def _report(api: Api, name: str, params: Mapping[str, Any], *, one_day: date | None = None) -> Report:
    """A report; of one day, only that day's column of a report of two."""
    body = read_report(api, name, params)
    shape = _shape(body)
    header = body.get("Header")
    header = header if isinstance(header, Mapping) else {}
    options = {
        str(inside(o, "Name")): inside(o, "Value")
        for o in _list(header.get("Option"))
        if isinstance(o, Mapping)
    }
    has_data = str(options.get("NoReportData")).lower() != "true"
    if one_day:
        shape = _only_day(body, shape, one_day, has_data=has_data)
    rows = _rows(body)
    lines = list(_lines(shape, rows, ()))
    return Report(
        name=_text(header.get("ReportName")) or name,
        basis=_text(header.get("ReportBasis")),
        date_from=one_day.isoformat() if one_day else _text(header.get("StartPeriod")),
        date_to=_text(header.get("EndPeriod")),
        currency=_text(header.get("Currency")) or home_currency(api),
        columns=list(shape.titles),
        has_data=has_data,
        totals=[total for row in rows if (total := _total(shape, row))],
        lines=lines[:_MOST_LINES],
        lines_left_out=max(0, len(lines) - _MOST_LINES),
    )


def _shape(body: Mapping[str, Any]) -> _Shape:
    """Raises ProviderUnavailable for a report without an amount column."""
    columns = inside(body, "Columns", "Column")
    if not isinstance(columns, list):
        raise unreadable()
    amounts = [n for n, column in enumerate(columns) if str(inside(column, "ColType")).lower() == "money"]
    named = [
        n
        for n, column in enumerate(columns)
        if n not in amounts and ({_key(column), str(inside(column, "ColType")).lower()} & _LABELS)
    ]
    others = [n for n in range(len(columns)) if n not in amounts]
    if not amounts or not others:
        raise unreadable()
    titles = tuple(str(inside(columns[n], "ColTitle") or _key(columns[n]) or "Total") for n in amounts)
    return _Shape(label=(named or others)[0], amounts=tuple(amounts), titles=titles)


def _only_day(body: Mapping[str, Any], shape: _Shape, day: date, *, has_data: bool) -> _Shape:
    """The shape with the column of that day alone; a report without data may have no column for it.

    Raises InvalidArguments where it is missed.
    """
    columns = inside(body, "Columns", "Column")
    for n in shape.amounts:
        if _meta(columns[n], "StartDate") == _meta(columns[n], "EndDate") == day.isoformat():
            return _Shape(shape.label, (n,), ("Total",))
    if not has_data:
        return _Shape(shape.label, shape.amounts[-1:], ("Total",))
    raise InvalidArguments(
        "start_date, end_date: QuickBooks did not report this day by itself. Ask for two days or more.",
        details={"fields": ["start_date", "end_date"]},
    )


def _key(column: Any) -> str:
    return _meta(column, "ColKey").lower()


def _meta(column: Any, name: str) -> str:
    found = (inside(m, "Value") for m in _list(inside(column, "MetaData")) if inside(m, "Name") == name)
    return str(next(found, ""))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _lines(shape: _Shape, rows: list[Any], section: tuple[str, ...]) -> Iterator[ReportLine]:
    """Every line: a parent, its children, then its total."""
    if len(section) > _DEEPEST:
        raise unreadable()
    for row in rows:
        heading = _cells(row, "Header")
        under = section
        if heading:
            label = _label(shape, heading)
            under = (*section, label) if label else section
            if any(_amounts(shape, heading)):  # entries of the parent account itself
                yield _line(shape, heading, section, is_total=False)
        yield from _lines(shape, _rows(row), under)
        if cells := _cells(row, None):
            yield _line(shape, cells, section, is_total=False)
        if cells := _cells(row, "Summary"):
            yield _line(shape, cells, section, is_total=True)


def _line(shape: _Shape, cells: list[Any], section: tuple[str, ...], *, is_total: bool) -> ReportLine:
    id_ = _text(inside(cells[shape.label], "id")) if shape.label < len(cells) else None
    return ReportLine(
        label=_label(shape, cells),
        id=id_,
        section=list(section),
        amounts=_amounts(shape, cells),
        is_total=is_total,
    )


def _total(shape: _Shape, row: Any) -> Total | None:
    group = _text(inside(row, "group"))
    cells = _cells(row, "Summary") or _cells(row, None)
    return (
        Total(group=group, label=_label(shape, cells), amounts=_amounts(shape, cells))
        if group and cells
        else None
    )


def _rows(node: Any) -> list[Any]:
    found = inside(node, "Rows", "Row")
    return found if isinstance(found, list) else []


def _cells(row: Any, part: str | None) -> list[Any]:
    found = inside(row, part, "ColData") if part else inside(row, "ColData")
    return found if isinstance(found, list) else []


def _label(shape: _Shape, cells: list[Any]) -> str:
    return _text(inside(cells[shape.label], "value")) or "" if shape.label < len(cells) else ""


def _amounts(shape: _Shape, cells: list[Any]) -> list[Decimal | None]:
    return [_amount(inside(cells[n], "value")) if n < len(cells) else None for n in shape.amounts]


def _amount(cell: Any) -> Decimal | None:
    """The number in a cell, or None for an empty one. Raises ProviderUnavailable for anything else."""
    number = decimal(str(cell if cell is not None else ""))
    if number is not None and abs(number) >= 10**18:
        raise unreadable()
    return number


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, int)) and value != "" else None
