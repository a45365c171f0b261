"""What a change in a spreadsheet would do, for the person who approves it: file, tab, and what is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.connectors.api import Api
from app.connectors.google import an_object, objects, read
from app.connectors.google_sheets.a1 import Area, column_name, column_number
from app.connectors.google_sheets.areas import locate
from app.connectors.google_sheets.errors import DuplicateTab, NoSuchRange, OutsideGrid, RowsDoNotFit
from app.connectors.google_sheets.values import PATH, cell_rows, check_tab_size, number, text
from app.connectors.preview import Preview, counted, facts, listed, quoted
from app.errors import InvalidArguments

_MOST_ROWS = 2_000  # that are looked through for filled cells
_FIELDS = "properties.title,sheets.properties(title,gridProperties(rowCount,columnCount))"


@dataclass(frozen=True)
class _File:
    """A spreadsheet: its title, and the size of each tab in their order."""

    title: str
    tabs: Mapping[str, tuple[int, int]]  # title: rows and columns

    @classmethod
    def load(cls, api: Api, spreadsheet_id: str) -> "_File":
        found = read(api, PATH, parts={"id": spreadsheet_id}, params={"fields": _FIELDS})
        sheets = [an_object(sheet.get("properties")) for sheet in objects(found.get("sheets"))]
        grids = {text(sheet, "title"): an_object(sheet.get("gridProperties")) for sheet in sheets}
        sizes = {
            title: (number(grid.get("rowCount")), number(grid.get("columnCount")))
            for title, grid in grids.items()
        }
        return cls(text(an_object(found.get("properties")), "title"), sizes)

    def tab_of(self, area: Area) -> str:
        """The title of the area's tab; the first one's if it names none. Raises NoSuchRange."""
        wanted = next(iter(self.tabs), "") if area.tab is None else area.tab
        if not self.tabs:  # an odd answer: every spreadsheet has a tab
            return wanted
        for title in self.tabs:
            if title.casefold() == wanted.casefold():
                return title
        raise NoSuchRange()

    def place(self, tab: str) -> tuple[tuple[str, object], ...]:
        return ("Spreadsheet", self.title), ("Tab", tab)


def append_rows(
    api: Api, spreadsheet_id: str, range: str, rows: list[list[Any]], value_input: str, insert: str
) -> Preview:
    """Preview of `append_rows`. Raises NoSuchRange for a tab that is not there."""
    area, file = locate(api, spreadsheet_id, [range])[0], _File.load(api, spreadsheet_id)
    tab = file.tab_of(area)
    cells = _cells(area)
    where = f"the table at {cells} in tab {quoted(tab)}" if cells else f"tab {quoted(tab)}"
    return Preview(
        f"Append {counted(len(rows), 'row')} to {where} of {quoted(file.title)}",
        f"Append {counted(len(rows), 'row')}",
        facts=facts(*file.place(tab)),
        covers=frozenset({"range"}),
        warning=_formula_warning(value_input, rows)
        or ("Cells below the table may be overwritten." if insert == "OVERWRITE" else ""),
    )


def update_range(
    api: Api, spreadsheet_id: str, range: str, rows: list[list[Any]], value_input: str
) -> Preview:
    """Preview of `update_range`, with the number of filled cells it replaces. Raises what does not fit."""
    area, file = locate(api, spreadsheet_id, [range])[0], _File.load(api, spreadsheet_id)
    tab = file.tab_of(area)
    target = _written_area(area, rows)
    filled = _filled(api, spreadsheet_id, replace(target, tab=tab))
    lost = sum(
        1
        for now, given in zip(filled, rows, strict=False)
        for cell, value in zip(now, given, strict=False)
        if value is not None and cell not in (None, "", value)
    )
    return Preview(
        f"Write {_cells(target)} in tab {quoted(tab)} of {quoted(file.title)}"
        + (f", replacing {counted(lost, 'filled cell')}" if lost else ""),
        f"Write {counted(sum(value is not None for row in rows for value in row), 'cell')}",
        facts=facts(*file.place(tab), ("Filled cells replaced", f"{lost:,}")),
        covers=frozenset({"range"}),
        warning=_formula_warning(value_input, rows),
    )


def clear_range(api: Api, spreadsheet_id: str, range: str) -> Preview:
    """Preview of `clear_range`, with the number of filled cells it empties."""
    area, file = locate(api, spreadsheet_id, [range])[0], _File.load(api, spreadsheet_id)
    tab = file.tab_of(area)
    rows, columns = file.tabs.get(tab, (0, 0))
    inside = replace(area, tab=tab).within(rows, columns) if rows and columns else replace(area, tab=tab)
    if inside is None:
        raise OutsideGrid(rows, columns)
    window = inside.rows(0, _MOST_ROWS) or inside
    count = sum(cell not in (None, "") for row in _filled(api, spreadsheet_id, window) for cell in row)
    is_all = inside.last_row is not None and window.last_row == inside.last_row
    filled = counted(count, "filled cell") if is_all else f"at least {counted(count, 'filled cell')}"
    cells = _cells(area)
    where = f"{cells} in tab {quoted(tab)}" if cells else f"all of tab {quoted(tab)}"
    return Preview(
        f"Clear {where} of {quoted(file.title)}, emptying {filled}",
        f"Empty {filled}",
        facts=facts(*file.place(tab), ("Cells emptied", filled)),
        covers=frozenset({"range"}),
    )


def add_sheet(api: Api, spreadsheet_id: str, title: str, rows: int | None, columns: int | None) -> Preview:
    """Preview of `add_sheet`. Raises InvalidArguments for a title that a tab has already."""
    check_tab_size(rows, columns)
    file = _File.load(api, spreadsheet_id)
    if title.casefold() in {tab.casefold() for tab in file.tabs}:
        raise DuplicateTab()
    sizes = [counted(size, word) for size, word in ((rows, "row"), (columns, "column")) if size is not None]
    return Preview(
        f"Add tab {quoted(title)}{f' with {listed(sizes)}' if sizes else ''} to {quoted(file.title)}",
        "Add tab",
        facts=facts(("Spreadsheet", file.title), ("Tabs now", listed(file.tabs, most=10))),
        covers=frozenset({"title", "rows", "columns"}),
    )


def create_spreadsheet(api: Api, title: str, sheet_titles: Sequence[str] | None) -> Preview:
    """Preview of `create_spreadsheet`. Raises InvalidArguments for tabs of the same title."""
    check_titles(sheet_titles or ())
    tabs = (
        f" with {'tab' if len(sheet_titles) == 1 else 'tabs'} {listed(map(quoted, sheet_titles))}"
        if sheet_titles
        else ""
    )
    return Preview(
        f"Create spreadsheet {quoted(title)}{tabs}",
        "Create spreadsheet",
        covers=frozenset({"title", "sheet_titles"}),
    )


def check_titles(titles: Sequence[str]) -> None:
    """Raises InvalidArguments for tabs of the same title."""
    if len({name.casefold() for name in titles}) < len(titles):
        raise InvalidArguments("Two of the tabs have the same title. Each tab needs its own.")


def _cells(area: Area) -> str:
    """The cells alone, such as "B2:C3" or "B2"; "" for a whole tab."""
    is_one = area.first_column == area.last_column != "" and area.first_row == area.last_row
    return str(replace(area, tab=None, is_cell=is_one))


def _written_area(area: Area, rows: list[list[Any]]) -> Area:
    """The cells that the rows take, from the area's first one on. Raises RowsDoNotFit."""
    height, width = len(rows), max(1, *map(len, rows))
    first = max(1, column_number(area.first_column))
    last = first + width - 1
    if not area.is_cell:
        is_too_high = area.last_row is not None and area.first_row + height - 1 > area.last_row
        if is_too_high or (area.last_column and last > column_number(area.last_column)):
            raise RowsDoNotFit()
    return Area(area.tab, column_name(first), column_name(last), area.first_row, area.first_row + height - 1)


def _filled(api: Api, spreadsheet_id: str, area: Area) -> list[list[Any]]:
    """The cells as they are now, formulas as such: one that shows nothing counts as filled."""
    params = {"majorDimension": "ROWS", "valueRenderOption": "FORMULA"}
    found = read(
        api, PATH + "/values/{range}", parts={"id": spreadsheet_id, "range": str(area)}, params=params
    )
    return cell_rows(found.get("values"))


def _formula_warning(value_input: str, rows: list[list[Any]]) -> str:
    if value_input != "USER_ENTERED":
        return ""
    has_formula = any(isinstance(cell, str) and cell.startswith(("=", "+")) for row in rows for cell in row)
    return "The rows contain formulas. A formula can send data elsewhere." if has_formula else ""
