"""Changes cells and tabs.

Google takes no idempotency key, so no request here is repeated: when the answer is lost, the call ends as
"may or may not have been done".
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.google import an_object, objects
from app.connectors.google_sheets import scopes
from app.connectors.google_sheets.a1 import to_send
from app.connectors.google_sheets.values import PATH, Range, SpreadsheetId, number, text
from app.connectors.rows import Row
from app.errors import InvalidArguments

_MOST_BYTES = 2_000_000  # recommended: https://developers.google.com/workspace/sheets/api/limits
_MOST_CELLS = 10_000_000

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
        description='Rows of cells, left to right. null leaves a cell as it is, "" empties it.',
    ),
]
ValueInput = Annotated[
    Literal["RAW", "USER_ENTERED"],
    Field(
        description="RAW stores what is given; formulas stay text. USER_ENTERED only when the "
        "person asked for formulas, or for "
        "dates and numbers to be recognised in text: it acts as if typed, and a formula "
        "can send data elsewhere."
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


@tool(title="Append rows", needs_scopes=scopes.TO_WRITE)
def append_rows(
    api: Api,
    spreadsheet_id: SpreadsheetId,
    range: Range,
    rows: Rows,
    value_input: ValueInput = "RAW",
    insert: Annotated[
        Literal["OVERWRITE", "INSERT_ROWS"],
        Field(description="INSERT_ROWS moves what is below the table down; OVERWRITE writes over it."),
    ] = "INSERT_ROWS",
) -> Appended:
    """Add rows under the last row of a table. `range` names its tab, or cells of it when the tab holds
    several tables.

    To change rows that exist use google_sheets_update_range. After a TIMEOUT read the end of the table before
    appending again: the rows may be there already.
    """
    answer = write(
        api,
        "POST",
        PATH + "/values/{range}:append",
        parts={"id": spreadsheet_id, "range": to_send(range)},
        params={"valueInputOption": value_input, "insertDataOption": insert},
        json=_body(rows),
    )
    updates = an_object(answer.get("updates"))
    api.say(f"Rows appended: {number(updates.get('updatedRows'))}.")
    return Appended(**_written(updates), table=text(answer, "tableRange"))


@tool(title="Write a range", destructive=True, idempotent=True, needs_scopes=scopes.TO_WRITE)
def update_range(
    api: Api, spreadsheet_id: SpreadsheetId, range: Range, rows: Rows, value_input: ValueInput = "RAW"
) -> Written:
    """Write over the cells of a range, from its first cell on. What they held before is gone.

    Read the range first. Give just the first cell, such as Sheet1!B2, or a range the rows fit into. To add
    rows under a table use google_sheets_append_rows.
    """
    answer = write(
        api,
        "PUT",
        PATH + "/values/{range}",
        parts={"id": spreadsheet_id, "range": to_send(range)},
        params={"valueInputOption": value_input},
        json=_body(rows),
    )
    api.say(f"Cells written: {number(answer.get('updatedCells'))}.")
    return Written(**_written(answer))


@tool(title="Clear a range", destructive=True, idempotent=True, needs_scopes=scopes.TO_WRITE)
def clear_range(api: Api, spreadsheet_id: SpreadsheetId, range: Range) -> Cleared:
    """Empty the cells of a range; their formats stay, and rows do not move up. It cannot be taken back from
    here.

    A tab's title alone empties the whole tab. Use it only when the person asked for that.
    """
    answer = write(
        api,
        "POST",
        PATH + "/values/{range}:clear",
        parts={"id": spreadsheet_id, "range": to_send(range)},
        json={},
    )
    api.say("Cleared.")
    return Cleared(range=text(answer, "clearedRange"))


@tool(title="Add a tab", needs_scopes=scopes.TO_WRITE)
def add_sheet(
    api: Api,
    spreadsheet_id: SpreadsheetId,
    title: Annotated[SheetTitle, Field(description="Its title; no other tab may have it.")],
    rows: Annotated[int | None, Field(ge=1, le=_MOST_CELLS, description="Left out: 1000.")] = None,
    columns: Annotated[int | None, Field(ge=1, le=18_278, description="Left out: 26.")] = None,
) -> AddedSheet:
    """Add an empty tab to a spreadsheet, after its others.

    For a new file use google_sheets_create_spreadsheet.
    """
    if (rows or 1_000) * (columns or 26) > _MOST_CELLS:
        raise InvalidArguments("A spreadsheet holds at most 10 million cells. Give fewer rows or columns.")
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


def write(api: Api, method: str, path: str, **options: Any) -> Mapping[str, Any]:
    """Sends a change and returns Google's answer. Raises OutcomeUnknown for any other answer."""
    answer = api.request(method, path, **options)
    if not isinstance(answer, dict) or not isinstance(answer.get("spreadsheetId"), str):
        raise Answers("Google Sheets").unreadable(wrote=True)
    return answer


def _body(rows: list[list[Any]]) -> dict[str, Any]:
    # Without `range`: Google takes the one in the address and refuses a body that spells it differently.
    if len(json.dumps(rows)) > _MOST_BYTES:
        raise InvalidArguments("That is more than Google takes at once (2 MB). Write it in several calls.")
    return {"majorDimension": "ROWS", "values": rows}


def _written(updates: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "range": text(updates, "updatedRange"),
        "rows": number(updates.get("updatedRows")),
        "columns": number(updates.get("updatedColumns")),
        "cells": number(updates.get("updatedCells")),
    }
