"""A1 notation as Google reads it: cells of a tab, a whole tab, or a named range.

https://developers.google.com/workspace/sheets/api/guides/concepts#cell
"""

import re
from dataclasses import dataclass
from typing import Any

from app.sandbox.services.google_sheets import r1c1

_CELLS = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d*)?(?:(:)\$?([A-Za-z]{1,3})?\$?([1-9]\d*)?)?")
_LIKE_CELLS = r"[A-Za-z]{1,3}\d+$|[Rr]\d+[Cc]\d+$"  # Q4, R1C1
_NEEDS_NO_QUOTES = re.compile(rf"(?!{_LIKE_CELLS})[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Box:
    """Cells between two corners, both included, counted from 0. `one_cell`: written as a single cell."""

    top: int
    left: int
    bottom: int
    right: int
    one_cell: bool = False


@dataclass(frozen=True)
class Range:
    """A range with the title of its tab (None: the first) and its cells; an open end is None."""

    title: str | None
    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None
    one_cell: bool = False


def parse(text: str, titles: list[str], names: dict[str, dict[str, Any]]) -> Range | None:
    """The range in a spreadsheet with these tabs and named ranges, or None for an invalid text.

    A bare word is cells first (in A1 notation, then in R1C1), then a named range, then a tab.
    """
    if text.startswith("'"):
        quoted = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.+))?", text, re.DOTALL)
        if not quoted:
            return None
        title = _known(quoted[1].replace("''", "'"), titles)
        return None if title is None else _cells(title, quoted[2]) if quoted[2] else Range(title)
    if "!" in text:
        before, _, cells = text.rpartition("!")
        title = _known(before, titles)
        return _cells(title, cells) if title is not None else None
    if (found := _cells(None, text)) is not None:
        return found
    if text in names:
        name = names[text]
        return Range(name["title"], name["top"], name["left"], name["bottom"], name["right"])
    title = _known(text, titles)
    return None if title is None else Range(title)


def _known(title: str, titles: list[str]) -> str | None:
    return next((each for each in titles if each.lower() == title.lower()), None)


def _cells(title: str | None, text: str) -> Range | None:
    return _cells_in_a1(title, text) or _cells_in_r1c1(title, text)


def _cells_in_r1c1(title: str | None, text: str) -> Range | None:
    corners = r1c1.corners(text)
    if corners is None:
        return None
    (top, left), last = corners
    if last is None:
        return Range(title, top or 0, left or 0, top, left, one_cell=True)
    bottom, right = last
    if None not in {top, bottom} and (bottom or 0) < (top or 0):
        top, bottom = bottom, top
    if None not in {left, right} and (right or 0) < (left or 0):
        left, right = right, left
    return Range(title, top or 0, left or 0, bottom, right)


def _cells_in_a1(title: str | None, text: str) -> Range | None:
    found = _CELLS.fullmatch(text)
    if not found:
        return None
    column, row, colon, last_column, last_row = found.groups()
    if not colon:
        if not (column and row):
            return None
        return Range(title, int(row) - 1, number(column), int(row) - 1, number(column), one_cell=True)
    if not (column or row) or not (last_column or last_row) or bool(column) != bool(last_column):
        return None
    left, right = (sorted((number(column), number(last_column)))) if column else (0, None)
    top = int(row) - 1 if row else 0
    bottom = int(last_row) - 1 if last_row else None
    if bottom is not None and bottom < top:
        top, bottom = bottom, top
    return Range(title, top, left, bottom, right)


def notation(title: str, box: Box) -> str:
    """A range as Google writes it: no colon for one cell, quotes only where needed."""
    quoted = title if _NEEDS_NO_QUOTES.fullmatch(title) else "'" + title.replace("'", "''") + "'"
    first, last = f"{letters(box.left)}{box.top + 1}", f"{letters(box.right)}{box.bottom + 1}"
    return f"{quoted}!{first}" if first == last else f"{quoted}!{first}:{last}"


def number(column: str) -> int:
    """A is 0, Z 25, AA 26."""
    found = 0
    for letter in column.upper():
        found = found * 26 + ord(letter) - 64
    return found - 1


def letters(column: int) -> str:
    """0 is A, 25 Z, 26 AA."""
    found, rest = "", column + 1
    while rest > 0:
        rest, digit = divmod(rest - 1, 26)
        found = chr(65 + digit) + found
    return found
