"""Changes cells and tabs.

Google takes no idempotency key, so no request here is repeated: when the answer is lost, the call ends as
"may or may not have been done".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.google import an_object, objects
from app.connectors.google_sheets import previews, scopes
from app.connectors.google_sheets.areas import locate
from app.connectors.google_sheets.values import (
    MOST_CELLS,
    PATH,
    Range,
    SpreadsheetId,
    check_tab_size,
    number,
    text,
)
from app.connectors.rows import Row
from app.errors import InvalidArguments

_MOST_BYTES = 2_000_000  # recommended: https://developers.google.com/workspace/sheets/api/limits

_Given = (
    Annotated[str, Field(max_length=50_000)]
    | bool
    | int
    | Annotated[float, Field(allow_inf_nan=False)]
    | None
)
GivenCell = Annotated[
    _Given, WithJsonSchema({"type": ["string", "number", "boolean", "null"], "maxLength": 50_000})
]
Rows = Annotated[
    list[Annotated[list[GivenCell], Field(max_length=1_000)]],
    Field(
        min_length=1,
        max_length=2_000,
        description='Rows of cells: text, or bare numbers, true, false. null leaves a cell as it is, "" '
        "empties it.",
    ),
]
ValueInput = Annotated[
    Literal["RAW", "USER_ENTERED"],
    Field(
        description="USER_ENTERED acts as if typed: dates, numbers and formulas in text are recognised. A "
        "formula can send data elsewhere, so only when the person asked for it."
    ),
]
SheetTitle = Annotated[str, Field(min_length=1, max_length=100)]


class Written(Row):
    """What was written."""

    range: str = Field(description="The cells that were written.")
    rows: int
    columns: int
    cells: int


class Appended(Written):
    """What was appended."""

    table: str = Field(description='The table it was put under; "" when there was none.')


class Cleared(Row):
    """What was emptied."""

    range: str


class AddedSheet(Row):
    """A new tab."""

    id: int
    title: str
    index: int = Field(description="Its place among the tabs, from 0.")
    rows: int
    columns: int


@tool(title="Append rows", needs_scopes=scopes.TO_WRITE, preview=previews.append_rows)
def append_rows(
    api: Api,
    spreadsheet_id: SpreadsheetId,
    range: Range,
    rows: Rows,
    value_input: ValueInput = "RAW",
    insert: Annotated[
        Literal["OVERWRITE", "INSERT_ROWS"],
        Field(description="Whether what is below the table moves down."),
    ] = "INSERT_ROWS",
) -> Appended:
    """Add rows under the last row of the table in a tab, or in cells of it.

    To change existing rows google_sheets_update_range. After a TIMEOUT read the end of the table first: the
    rows may be there.
    """
    body = _body(rows)
    answer = write(
        api,
        "POST",
        PATH + "/values/{range}:append",
        parts={"id": spreadsheet_id, "range": _to_send(api, spreadsheet_id, range)},
        params={"valueInputOption": value_input, "insertDataOption": insert},
        json=body,
    )
    written = _written(an_object(answer.get("updates")), rows)
    api.say(f"Rows appended: {written['rows']}.")
    return Appended(**written, table=text(answer, "tableRange"))


@tool(
    title="Write a range",
    destructive=True,
    idempotent=True,
    needs_scopes=scopes.TO_WRITE,
    preview=previews.update_range,
)
def update_range(
    api: Api, spreadsheet_id: SpreadsheetId, range: Range, rows: Rows, value_input: ValueInput = "RAW"
) -> Written:
    """Overwrite the cells of a range, starting at its first cell. Can't be undone.

    Read the range first. Give its first cell, such as Sheet1!B2, or a range the rows fit into.
    """
    body = _body(rows)
    answer = write(
        api,
        "PUT",
        PATH + "/values/{range}",
        parts={"id": spreadsheet_id, "range": _to_send(api, spreadsheet_id, range)},
        params={"valueInputOption": value_input},
        json=body,
    )
    written = _written(answer, rows)
    api.say(f"Cells written: {written['cells']}.")
    return Written(**written)


@tool(
    title="Clear a range",
    destructive=True,
    idempotent=True,
    needs_scopes=scopes.TO_WRITE,
    preview=previews.clear_range,
)
def clear_range(api: Api, spreadsheet_id: SpreadsheetId, range: Range) -> Cleared:
    """Empty the cells of a range, or of a whole tab; formats stay. Can't be undone.

    Only when the person asked for that.
    """
    there = _to_send(api, spreadsheet_id, range)
    answer = write(
        api,
        "POST",
        PATH + "/values/{range}:clear",
        parts={"id": spreadsheet_id, "range": there},
        json={},
    )
    api.say("Cleared.")
    return Cleared(range=text(answer, "clearedRange") or there)


@tool(title="Add a tab", needs_scopes=scopes.TO_WRITE, preview=previews.add_sheet)
def add_sheet(
    api: Api,
    spreadsheet_id: SpreadsheetId,
    title: Annotated[SheetTitle, Field(description="No other tab may have it.")],
    rows: Annotated[int | None, Field(ge=1, le=MOST_CELLS, description="Left out: 1000.")] = None,
    columns: Annotated[int | None, Field(ge=1, le=18_278, description="Left out: 26.")] = None,
) -> AddedSheet:
    """Add an empty tab to a spreadsheet, after its others. For a file google_sheets_create_spreadsheet."""
    check_tab_size(rows, columns)
    grid = {name: size for name, size in (("rowCount", rows), ("columnCount", columns)) if size is not None}
    properties = {"title": title, "gridProperties": grid} if grid else {"title": title}
    answer = write(
        api,
        "POST",
        PATH + ":batchUpdate",
        parts={"id": spreadsheet_id},
        json={"requests": [{"addSheet": {"properties": properties}}]},
    )
    replies = objects(answer.get("replies"))
    made = an_object(an_object(replies[0].get("addSheet")).get("properties")) if replies else {}
    size = an_object(made.get("gridProperties"))
    api.say("Tab added.")
    return AddedSheet(
        id=number(made.get("sheetId")),
        title=text(made, "title"),
        index=number(made.get("index")),
        rows=number(size.get("rowCount")),
        columns=number(size.get("columnCount")),
    )


# What only a change that was made has in its answer, beside the spreadsheet's id.
_PROOFS = ("spreadsheetId", "updates", "updatedRange", "clearedRange", "replies")


def write(
    api: Api, method: str, path: str, *, proofs: Sequence[str] = _PROOFS, **options: Any
) -> Mapping[str, Any]:
    """Sends a change and returns Google's answer. Raises OutcomeUnknown for one that has none of `proofs`."""
    answer = api.request(method, path, **options)
    if not isinstance(answer, dict) or not any(
        answer.get(proof) and isinstance(answer[proof], str | dict | list) for proof in proofs
    ):
        raise Answers("Google Sheets").unreadable(wrote=True)
    return answer


def _to_send(api: Api, spreadsheet_id: str, range: str) -> str:
    return str(locate(api, spreadsheet_id, [range])[0])


def _body(rows: list[list[Any]]) -> dict[str, Any]:
    # Without `range`: Google takes the one in the address and refuses a body that spells it differently.
    if len(json.dumps(rows)) > _MOST_BYTES:
        raise InvalidArguments("That is more than Google takes at once (2 MB). Split it into several calls.")
    return {"majorDimension": "ROWS", "values": rows}


def _written(updates: Mapping[str, Any], rows: list[list[Any]]) -> dict[str, Any]:
    """What Google says it wrote; what was sent where it does not say."""
    sent = {"Rows": len(rows), "Columns": max(map(len, rows)), "Cells": sum(map(len, rows))}
    counts = {name.lower(): number(updates.get(f"updated{name}", count)) for name, count in sent.items()}
    return {"range": text(updates, "updatedRange"), **counts}
