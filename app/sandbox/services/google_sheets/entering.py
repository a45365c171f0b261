"""How Sheets parses typed text, and formats a cell.

A cell is a plain value, or a record: `v` a value or `f` a formula, and `n` its format (money, percent, iso,
us).
"""

import re
from datetime import date, timedelta
from typing import Any

from app.sandbox.services.google_sheets.formulas import Lookup, evaluate

_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_US = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?")
_DAY_0 = date(1899, 12, 30)  # day 0 of serial numbers

Cell = Any


def typed(value: Any, today: date) -> Cell:
    """USER_ENTERED: the cell that Google makes of typed text."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("=") and len(text) > 1:
        return {"f": text}
    if value.startswith("'"):
        return value[1:]
    if text.upper() in {"TRUE", "FALSE"}:
        return text.upper() == "TRUE"
    if _NUMBER.fullmatch(text):
        number = _number(text.replace(",", ""))
        return {"v": number, "n": "money"} if "," in text else number
    if text.endswith("%") and _NUMBER.fullmatch(text[:-1]):
        return {"v": _number(text[:-1].replace(",", "")) / 100, "n": "percent"}
    return _as_day(text, today) or value


def day(moment: date) -> Cell:
    """A date as a cell."""
    return {"v": (moment - _DAY_0).days, "n": "iso"}


def money(amount: float) -> Cell:
    """An amount as a cell."""
    return {"v": amount, "n": "money"}


def is_empty(cell: Cell) -> bool:
    """Whether the cell is empty."""
    return cell is None or cell == ""


def rendered(cell: Cell, option: str, dates: str, lookup: Lookup) -> Any:
    """A cell, rendered by `valueRenderOption` and `dateTimeRenderOption`."""
    if is_empty(cell):
        return ""
    record = cell if isinstance(cell, dict) else {"v": cell}
    if option == "FORMULA" and "f" in record:
        return record["f"]
    value = evaluate(record["f"], lookup) if "f" in record else record["v"]
    kind = record.get("n")
    if option == "FORMATTED_VALUE" or (
        kind in {"iso", "us"} and dates == "FORMATTED_STRING" and option == "UNFORMATTED_VALUE"
    ):
        return _formatted(value, kind)
    return value


def _formatted(value: Any, kind: str | None) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if not isinstance(value, (int, float)):
        return str(value)
    if kind == "money":
        return f"{value:,.2f}"
    if kind == "percent":
        return f"{value * 100:g}%"
    if kind in {"iso", "us"}:
        moment = _DAY_0 + timedelta(days=int(value))
        return moment.isoformat() if kind == "iso" else f"{moment.month}/{moment.day}/{moment.year}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _as_day(text: str, today: date) -> Cell:
    iso, us = _ISO.fullmatch(text), _US.fullmatch(text)
    try:
        if iso:
            return day(date(int(iso[1]), int(iso[2]), int(iso[3])))
        if us:
            return {**day(date(int(us[3] or today.year), int(us[1]), int(us[2]))), "n": "us"}
    except ValueError:
        return None  # 2026-13-45 stays text
    return None
