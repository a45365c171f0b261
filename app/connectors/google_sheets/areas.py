"""Resolves a bare word to cells: a named range, else the tab of that title, as the spreadsheet has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.connectors.api import Api
from app.connectors.google import an_object, objects, read
from app.connectors.google_sheets.a1 import Area, column_name, parse
from app.connectors.google_sheets.values import PATH, number


def locate(api: Api, spreadsheet_id: str, ranges: Sequence[str]) -> list[Area]:
    """The area of each range. Requests the spreadsheet's names only when a range is a bare word.

    Raises InvalidArguments for anything that is no range.
    """
    parsed = [parse(text) for text in ranges]
    if all(isinstance(each, Area) for each in parsed):
        return [each for each in parsed if isinstance(each, Area)]
    fields = "namedRanges(name,range),sheets.properties(sheetId,title)"
    found = read(api, PATH, parts={"id": spreadsheet_id}, params={"fields": fields})
    sheets = [an_object(sheet.get("properties")) for sheet in objects(found.get("sheets"))]
    titles = {number(sheet.get("sheetId")): str(sheet.get("title", "")) for sheet in sheets}
    named = {
        str(entry.get("name", "")): area_of(an_object(entry.get("range")), titles)
        for entry in objects(found.get("namedRanges"))
    }
    return [each if isinstance(each, Area) else named.get(each, Area(each)) for each in parsed]


def area_of(grid: Mapping[str, Any], titles: Mapping[int, str]) -> Area:
    """A GridRange as an area: indexes count from 0, the end is exclusive, a missing one is unbounded."""
    last_row, last_column = number(grid.get("endRowIndex")), number(grid.get("endColumnIndex"))
    return Area(
        tab=titles.get(number(grid.get("sheetId")), ""),
        first_column=column_name(number(grid.get("startColumnIndex")) + 1) if last_column else "",
        last_column=column_name(last_column),
        first_row=number(grid.get("startRowIndex")) + 1,
        last_row=last_row or None,
    )
