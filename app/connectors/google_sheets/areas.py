"""Resolves what only the spreadsheet's own tabs and named ranges explain, the same for reading and writing.

Sent as it is, a bare word would mean cells: live Sheets reads `C`, `R` and `RC` as A1 of the first tab.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.connectors.api import Api
from app.connectors.google import an_object, objects, read
from app.connectors.google_sheets.a1 import Area, Word, column_name, parse, quoted
from app.connectors.google_sheets.values import PATH, number, text
from app.errors import InvalidArguments


def locate(api: Api, spreadsheet_id: str, ranges: Sequence[str]) -> list[Area]:
    """The area of each range. Requests the spreadsheet's names only for a word that needs them.

    Raises InvalidArguments for anything that is no range.
    """
    parsed = [parse(text) for text in ranges]
    words = [each for each in parsed if isinstance(each, Word)]
    if not words:
        return [each for each in parsed if isinstance(each, Area)]
    fields = "namedRanges(name,range),sheets.properties(sheetId,title)"
    found = read(api, PATH, parts={"id": spreadsheet_id}, params={"fields": fields})
    sheets = [an_object(sheet.get("properties")) for sheet in objects(found.get("sheets"))]
    titles = {number(sheet.get("sheetId")): text(sheet, "title") for sheet in sheets}
    named = {
        text(entry, "name").casefold(): area_of(an_object(entry.get("range")), titles)
        for entry in objects(found.get("namedRanges"))
    }
    return [_resolved(each, named, titles.values()) if isinstance(each, Word) else each for each in parsed]


def _resolved(word: Word, named: Mapping[str, Area], titles: Iterable[str]) -> Area:
    """A named range of that name, else the tab of that title, else the cells. Raises InvalidArguments.

    What names nothing is sent as a tab's title in quotes: then Google says that there is no such tab.
    """
    known = {title.casefold() for title in titles}
    tab = next((area for area in word.tabs if str(area.tab).casefold() in known), None)
    if word.cells is not None and tab is not None:
        kind = "cell" if word.cells.is_cell else "range"
        raise InvalidArguments(
            f"{word.text} is a {kind}, and also the title of a tab. Write {quoted(word.text)} for the whole "
            f"tab, or Tab!{word.text} for the {kind}."
        )
    return named.get(word.text.casefold()) or tab or word.cells or word.tabs[-1]


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
