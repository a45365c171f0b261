"""Ranges in A1 notation: `'Q4 Plan'!A1:C10`, `Sales!A:A`, `B2:B`, `5:9`, a tab's title or a named range.

https://developers.google.com/workspace/sheets/api/guides/concepts#cell
"""

import re
from dataclasses import dataclass, replace

from app.errors import InvalidArguments

_QUOTED = re.compile(r"'((?:[^']|'')+)'(?:!(.*))?", re.DOTALL)
_BADLY_QUOTED = re.compile(r"""(['"])(.+)\1(?:!([^!]*))?""", re.DOTALL)  # a quote inside is not doubled
_CELLS = re.compile(r"([A-Z]{1,3})?([1-9]\d{0,7})?(?::([A-Z]{1,3})?([1-9]\d{0,7})?)?")
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Area:
    """Cells of a tab. No tab means the first one, no columns all of them, no last row the end.

    `is_cell`: written as one cell, where a write begins; with `B2:B2` it could touch nothing else.
    """

    tab: str | None = None
    first_column: str = ""
    last_column: str = ""
    first_row: int = 1
    last_row: int | None = None
    is_cell: bool = False

    def __str__(self) -> str:
        """The range in Google's notation, with the tab's title quoted."""
        tab = quoted(self.tab) if self.tab is not None else ""
        if not self.first_column and self.last_row is None:
            return tab
        end = "" if self.last_row is None else str(self.last_row)
        cells = f"{self.first_column}{self.first_row}" + ("" if self.is_cell else f":{self.last_column}{end}")
        return f"{tab}!{cells}" if tab else cells

    def rows(self, offset: int, most: int) -> "Area | None":
        """At most `most` rows from the offset on, or None past the end."""
        first = self.first_row + offset
        if self.last_row is not None and first > self.last_row:
            return None
        return replace(
            self, first_row=first, last_row=min(first + most - 1, self.last_row or first + most - 1)
        )

    def within(self, rows: int, columns: int) -> "Area | None":
        """The part inside a tab of that size, or None for none."""
        if self.first_row > rows or column_number(self.first_column) > columns:
            return None
        last = self.last_column if column_number(self.last_column) <= columns else column_name(columns)
        return replace(self, last_row=min(self.last_row or rows, rows), last_column=last)


@dataclass(frozen=True)
class Word:
    """A text that only the spreadsheet's own names explain.

    `tabs` are what it means if a tab has that title, the likeliest first; `cells` what it means otherwise.
    """

    text: str
    tabs: tuple[Area, ...]
    cells: Area | None = None


def quoted(title: str) -> str:
    """A tab's title quoted for a range."""
    return "'" + title.replace("'", "''") + "'"


def parse(text: str) -> Area | Word:
    """The area of a range, or a word to look up among the spreadsheet's tabs and named ranges.

    Raises InvalidArguments for anything that is no range.
    """
    if text != text.strip() and (title := _with_outer_space(text)) is not None:
        return title
    written, text = text, text.strip()
    if in_quotes := _QUOTED.fullmatch(text):
        tab, cells = in_quotes[1].replace("''", "'"), in_quotes[2]
        return _area(tab, cells) if cells is not None else Area(tab)
    if in_quotes := _BADLY_QUOTED.fullmatch(text):
        return _in_bad_quotes(text, *in_quotes.groups())
    if "!" in text:
        tab, _, cells = written.rpartition("!")
        if tab.strip() and cells.strip() and _corners(cells) is None:
            return Word(text, (Area(text),))  # a title with an exclamation mark, or no range at all
        meant = _area(tab.strip(), cells)
        # Titles may begin or end with a space, which says which of two tabs is meant.
        return meant if tab == tab.strip() else Word(text, (replace(meant, tab=tab), meant))
    if _corners(text) is not None:
        return Word(text, (Area(text),), _area(None, text))  # a tab may have any title, A:A and 2:5 too
    # A named range has letters, digits and underscores; anything else can only be a tab.
    return Word(text, (Area(text),)) if _PLAIN_NAME.fullmatch(text) else Area(text)


def _with_outer_space(text: str) -> Word | None:
    """A tab's title that begins or ends with a space, or else without it; None for anything but a title."""
    title = text.strip()
    is_title = title and "!" not in title and title[0] not in "'\"" and _corners(title) is None
    return Word(title, (Area(text), Area(title))) if is_title else None


def _in_bad_quotes(text: str, mark: str, title: str, cells: str | None) -> Area | Word:
    """`'Jon's Data'!A1`, whose quote is not doubled, and `"Data"!A1`, unless the quotes are in the title."""
    tab = title.replace("''", "'") if mark == "'" else title
    meant = _area(tab, cells) if cells is not None else Area(tab)
    return meant if mark == "'" else Word(text, (replace(meant, tab=f'"{title}"'), meant))


def column_number(name: str) -> int:
    """A is 1, Z 26, AA 27; "" is 0."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


def column_name(number: int) -> str:
    """1 is A, 26 Z, 27 AA."""
    name = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _corners(text: str) -> tuple[str, int | None, str, int | None] | None:
    """First and last column and row of `A1:C10`, `A:C`, `2:5`, `A5:A` or `B2`; None for anything else."""
    found = _CELLS.fullmatch(text.strip().upper().replace("$", ""))
    if not found:
        return None
    column, row, last_column, last_row = (part or "" for part in found.groups())
    if ":" not in text:
        last_column, last_row = (column, row) if column and row else ("", "")
    if not (column or row) or not (last_column or last_row) or bool(column) != bool(last_column):
        return None
    return column, int(row) if row else None, last_column, int(last_row) if last_row else None


def _area(tab: str | None, cells: str) -> Area:
    corners = _corners(cells)
    if corners is None or tab == "":
        raise InvalidArguments("That is not a range. Write it as Tab!A1:C10, Tab!A:C, Tab!2:5 or just Tab.")
    column, row, last_column, last_row = corners
    if column_number(column) > column_number(last_column):
        column, last_column = last_column, column
    first_row = row or 1
    if last_row is not None and last_row < first_row:
        first_row, last_row = last_row, first_row
    return Area(tab, column, last_column, first_row, last_row, is_cell=":" not in cells)
