"""A report as Xero prints it: sections of rows of text cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response

from app.sandbox.bookkeeping import ZERO, cents, plus
from app.sandbox.services.xero.records import ledger_key
from app.sandbox.services.xero.request_checks import AuthorizedCall
from app.sandbox.services.xero.wire import envelope, milliseconds
from app.sandbox.store import Book

Row = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """The row of a section, its sums per column, and whether any account is in it."""

    row: Row
    totals: list[Decimal]
    filled: bool


def section(
    book: Book,
    title: str,
    total_label: str,
    types: set[str],
    totals: list[dict[str, Decimal]],
    *,
    sign: int = 1,
    more: Iterable[tuple[str, list[Decimal]]] = (),
) -> Section:
    """The accounts of some types with something on them, and their sum."""
    rows, sums_ = [], [ZERO] * len(totals)
    lines = [
        (a["name"], a["id"], [sign * t[ledger_key(a)] for t in totals])
        for a in sorted(book.all("account"), key=lambda a: a["code"])
        if a["type"] in types
    ]
    for label, id_, amounts in [*lines, *((label, None, amounts) for label, amounts in more)]:
        if any(amounts):
            rows.append({"RowType": "Row", "Cells": _cells(label, amounts, id_)})
            sums_ = plus(sums_, amounts)
    summary = {"RowType": "SummaryRow", "Cells": _cells(total_label, sums_)}
    return Section({"RowType": "Section", "Title": title, "Rows": [*rows, summary]}, sums_, bool(rows))


def line(label: str, amounts: list[Decimal], *, total: bool = False) -> Row:
    """A line that stands alone: a section without a title."""
    return {
        "RowType": "Section",
        "Title": "",
        "Rows": [{"RowType": "SummaryRow" if total else "Row", "Cells": _cells(label, amounts)}],
    }


def _cells(label: str, amounts: list[Decimal], account: str | None = None) -> list[Row]:
    attributes = {"Attributes": [{"Value": account, "Id": "account"}]} if account else {}
    return [
        {"Value": label, **attributes},
        *({"Value": str(cents(amount)), **attributes} for amount in amounts),
    ]


def report(
    call: AuthorizedCall, id_: str, name: str, titles: list[str], ends: list[date], rows: list[Row]
) -> Response:
    """A report with a column of amounts per day in `ends`."""
    header = {"RowType": "Header", "Cells": [{"Value": ""}, *({"Value": f"{end:%-d %b %y}"} for end in ends)]}
    return report_envelope(call, id_, name, titles, [header, *rows])


def report_envelope(
    call: AuthorizedCall, id_: str, name: str, titles: list[str], rows: list[Row]
) -> Response:
    """A report of any rows."""
    body = {
        "ReportID": id_,
        "ReportName": name,
        "ReportType": id_,
        "ReportTitles": titles,
        "ReportDate": f"{call.at.today():%-d %B %Y}",
        "UpdatedDateUTC": f"/Date({milliseconds(call.at.now())})/",
        "Fields": [],
        "Rows": rows,
    }
    return envelope(Reports=[body])
