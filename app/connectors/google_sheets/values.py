"""The arguments and values that several tools share, and how rows are cut to fit an answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from app.connectors.rows import size_in_tokens
from app.errors import InvalidArguments

PATH = "/v4/spreadsheets/{id}"
MOST_CELLS = 10_000_000
MOST_TOKENS = 18_000  # fits the longest cell there is, of 50,000 characters

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_IN_URL = re.compile(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{2,128})(?:[/?#]|$)")
_SHORTER = (20_000, 5_000, 1_000, 200, 50)

Cell = Annotated[
    str | bool | int | float | None, WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
CellRow = list[Cell]


def _id_of(text: str) -> str:
    in_url = _IN_URL.search(text)
    found = in_url[1] if in_url else text.strip()
    if not _ID.fullmatch(found):
        raise ValueError(
            "give the spreadsheet's id or its address, such as https://docs.google.com/spreadsheets/d/…/edit"
        )
    return found


SpreadsheetId = Annotated[
    str,
    AfterValidator(_id_of),
    Field(min_length=1, max_length=500, description="Id, or address in the browser."),
]
Range = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="Tab!A1:C10, Tab!A:C, Tab!2:5, a named range, or a tab's title for all of it; in quotes "
        "if it looks like a cell: 'Q4'.",
    ),
]
ValueRender = Annotated[
    Literal["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"],
    Field(description="Text as people see it, bare numbers to calculate with, or formulas."),
]


def cell_rows(value: Any) -> list[CellRow]:
    """The rows of an answer: ragged, and missing when every cell is empty."""
    rows = value if isinstance(value, list) else []
    return [[_cell(cell) for cell in row] if isinstance(row, list) else [] for row in rows]


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def fitting(rows: Sequence[CellRow], tokens: int) -> tuple[list[CellRow], int]:
    """The first rows that fit, and how many cells were cut short (only in a first row too large alone).

    Raises InvalidArguments for a row too wide to show at all.
    """
    fitted: list[CellRow] = []
    for row in rows:
        tokens -= size_in_tokens(row) + 1
        if tokens < 0:
            break
        fitted.append(row)
    if fitted or not rows:
        return fitted, 0
    tokens += size_in_tokens(rows[0]) + 1
    for longest in _SHORTER:
        cut = [
            cell[: longest - 1] + "…" if isinstance(cell, str) and len(cell) > longest else cell
            for cell in rows[0]
        ]
        if size_in_tokens(cut) < tokens:
            return [cut], sum(a is not b for a, b in zip(cut, rows[0], strict=True))
    raise InvalidArguments("A row of this range is too wide to show. Ask for fewer columns.")


def check_tab_size(rows: int | None, columns: int | None) -> None:
    """Raises InvalidArguments for a tab larger than a spreadsheet may be. None is Google's default."""
    if (rows or 1_000) * (columns or 26) > MOST_CELLS:
        raise InvalidArguments("A spreadsheet holds at most 10 million cells. Give fewer rows or columns.")


def number(value: Any) -> int:
    """A whole number of Google's, or 0 for a missing one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def text(record: Mapping[str, Any], name: str, longest: int = 300) -> str:
    """A text of a record, cut to a sensible length."""
    value = record.get(name)
    return value[:longest] if isinstance(value, str) else ""
