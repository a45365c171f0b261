"""The columns of a report: the total, spans of time, customers."""

import calendar
from datetime import date, timedelta

from flask import request

from app.sandbox.services.quickbooks.report_rows import TOTAL, Column
from app.sandbox.services.quickbooks.wire import refusal
from app.sandbox.store import Book

_MONTHS_OF = {"Days": 0, "Month": 1, "Quarter": 3, "Year": 12}


def columns_of(book: Book, first: date, last: date) -> list[Column]:
    """The columns that `summarize_column_by` asks for."""
    by = request.args.get("summarize_column_by") or "Total"
    if by in _MONTHS_OF:
        return [*_periods(first, last, _MONTHS_OF[by]), TOTAL]
    if by == "Customers":
        named = [
            Column(c["DisplayName"], c["Id"], lambda e, id_=c["Id"]: e.customer == id_)  # type: ignore[misc]
            for c in book.all("customer")
        ]
        return [*named, Column("Not Specified", "not_specified", lambda e: not e.customer), TOTAL]
    if by == "Classes":
        return [Column("Not Specified", "not_specified", lambda e: True), TOTAL]
    if by != "Total":
        raise refusal("5050", "Invalid parameter", f"summarize_column_by {by} is not supported")
    return [TOTAL]


def _periods(first: date, last: date, months: int) -> list[Column]:
    found = []
    start = first
    while start <= last:
        number = start.month - (start.month - 1) % months + months - 1 if months else 0
        end = (
            min(last, date(start.year, number, calendar.monthrange(start.year, number)[1]))
            if months
            else start
        )
        title = {
            0: f"{start:%b %-d, %Y}",
            1: f"{start:%b %Y}",
            3: f"{start:%b} - {end:%b %Y}",
            12: f"{start:%Y}",
        }[months]
        a, b = start.isoformat(), end.isoformat()
        found.append(Column(title, title, lambda e, a=a, b=b: a <= e.day <= b, (a, b)))  # type: ignore[misc]
        start = end + timedelta(days=1)
    return found
