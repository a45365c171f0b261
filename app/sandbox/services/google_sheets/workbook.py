"""One spreadsheet: its tabs and ranges, and reading, writing and appending cells."""

from typing import Any

from app.sandbox.current import here
from app.sandbox.services.google_sheets import a1
from app.sandbox.services.google_sheets.a1 import Box
from app.sandbox.services.google_sheets.drive import Drive, address
from app.sandbox.services.google_sheets.entering import Cell, is_empty, rendered, typed
from app.sandbox.services.google_sheets.refusals import invalid
from app.sandbox.store import Book, Record

ROWS, COLUMNS, MOST_CELLS, MOST_CHARACTERS = 1000, 26, 10_000_000, 50_000


class Workbook:
    """A spreadsheet that the caller may open."""

    def __init__(self, drive: Drive, id_: str, *, to_write: bool = False) -> None:
        self._drive = drive
        self.file: Record = drive.open(id_, to_write=to_write)

    @property
    def id(self) -> str:
        """The spreadsheet's id."""
        return str(self.file["id"])

    def resource(self) -> dict[str, Any]:
        """The Spreadsheet resource, without cells."""
        return spreadsheet_resource(self.file)

    # --- ranges ---

    def find(self, text: str, *, grows: bool = False) -> tuple[Record, Box]:
        """The tab and the cells of a range, clipped to the tab.

        Raises 400 for an invalid range, and for one that begins outside the tab unless it `grows`.
        """
        grids = [sheet for sheet in self.file["sheets"] if sheet["sheetType"] == "GRID"]
        found = a1.parse(text, [sheet["title"] for sheet in grids], self.file["names"])
        if found is None:
            raise invalid(f"Unable to parse range: {text}")
        sheet = next(s for s in grids if found.title in {None, s["title"]})
        if not grows and (found.top >= sheet["rows"] or found.left >= sheet["columns"]):
            raise outside(
                sheet, Box(found.top, found.left, found.bottom or found.top, found.right or found.left)
            )
        bottom = sheet["rows"] - 1 if found.bottom is None else found.bottom
        right = sheet["columns"] - 1 if found.right is None else found.right
        if not grows:
            bottom, right = min(bottom, sheet["rows"] - 1), min(right, sheet["columns"] - 1)
        return sheet, Box(found.top, found.left, bottom, right, found.one_cell)

    # --- cells ---

    def read(self, text: str, option: str, dates: str) -> dict[str, Any]:
        """A ValueRange: rows without trailing empty cells, and no `values` if all cells are empty."""
        sheet, box = self.find(text)
        grid = self.grid(sheet)

        def lookup(row: int, column: int) -> Any:
            cell = grid[row][column] if row < len(grid) and column < len(grid[row]) else None
            return rendered(cell, "UNFORMATTED_VALUE", "SERIAL_NUMBER", lookup)

        rows = [
            _trimmed([rendered(cell, option, dates, lookup) for cell in row[box.left : box.right + 1]])
            for row in grid[box.top : box.bottom + 1]
        ]
        while rows and not rows[-1]:
            rows.pop()
        answer: dict[str, Any] = {"range": a1.notation(sheet["title"], box), "majorDimension": "ROWS"}
        return {**answer, "values": rows} if rows else answer

    def update(self, text: str, values: list[list[Any]], option: str) -> dict[str, Any]:
        """Write from the range's first cell on. Raises 400 for more values than the range holds."""
        sheet, box = self.find(text, grows=True)
        height, width = len(values), max(map(len, values), default=0)
        within = "" if box.one_cell else a1.notation(sheet["title"], box)
        if within and box.top + height - 1 > box.bottom:
            raise invalid(
                f"Requested writing within range [{within}], but tried writing to row [{box.bottom + 2}]"
            )
        if within and box.left + width - 1 > box.right:
            raise invalid(
                f"Requested writing within range [{within}], but tried writing to column "
                f"[{a1.letters(box.right + 1)}]"
            )
        there = Box(box.top, box.left, box.top + max(height, 1) - 1, box.left + max(width, 1) - 1)
        if there.bottom >= sheet["rows"] or there.right >= sheet["columns"]:
            raise outside(sheet, there)
        return self._write(sheet, there, values, option)

    def append(self, text: str, values: list[list[Any]], option: str, *, inserts: bool) -> dict[str, Any]:
        """Write under the last row of the table found in the range. The tab grows as needed."""
        sheet, box = self.find(text)
        table = _table(self.grid(sheet), box)
        top, left = (table.bottom + 1, table.left) if table else (box.top, box.left)
        width = max(map(len, values), default=0)
        grid = self.grid(sheet)
        if inserts and table and top < len(grid):
            grid[top:top] = [[] for _ in values]
            self._save(sheet, grid)
            sheet = self._resize(sheet, sheet["rows"] + len(values), sheet["columns"])
        sheet = self._resize(
            sheet, max(sheet["rows"], top + len(values)), max(sheet["columns"], left + width)
        )
        there = Box(top, left, top + max(len(values), 1) - 1, left + max(width, 1) - 1)
        answer: dict[str, Any] = {"spreadsheetId": self.id}
        if table:
            answer["tableRange"] = a1.notation(sheet["title"], table)
        return {**answer, "updates": self._write(sheet, there, values, option)}

    def clear(self, text: str) -> dict[str, Any]:
        """Clear the cells of a range."""
        sheet, box = self.find(text)
        self._put(
            sheet,
            box,
            [[""] * (box.right - box.left + 1)] * min(box.bottom - box.top + 1, len(self.grid(sheet))),
        )
        return {"spreadsheetId": self.id, "clearedRange": a1.notation(sheet["title"], box)}

    def _write(self, sheet: Record, there: Box, values: list[list[Any]], option: str) -> dict[str, Any]:
        today = here().today()
        cells = [
            [typed(value, today) if option == "USER_ENTERED" else value for value in row] for row in values
        ]
        self._put(sheet, there, cells)
        written = {
            "updatedRows": len(values),
            "updatedColumns": max(map(len, values), default=0),
            "updatedCells": sum(map(len, values)),
        }
        return {"spreadsheetId": self.id, "updatedRange": a1.notation(sheet["title"], there), **written}

    def grid(self, sheet: Record) -> list[list[Cell]]:
        """The cells of a tab. Change them through `_put`."""
        return read_grid(self._drive.book, self.id, sheet["sheetId"])

    def _put(self, sheet: Record, there: Box, cells: list[list[Cell]]) -> None:
        """Write cells; null leaves a cell unchanged."""
        grid = self.grid(sheet)
        for row, values in enumerate(cells, there.top):
            grid += [[] for _ in range(row + 1 - len(grid))]
            grid[row] += [None] * (there.left + len(values) - len(grid[row]))
            for column, value in enumerate(values, there.left):
                if value is not None:
                    grid[row][column] = value
        self._save(sheet, grid)

    def _save(self, sheet: Record, grid: list[list[Cell]]) -> None:
        self._drive.book.put("cells", f"{self.id}/{sheet['sheetId']}", {"rows": grid})
        self._drive.touch(self.file)

    # --- tabs ---

    def _resize(self, sheet: Record, rows: int, columns: int) -> Record:
        resized = {**sheet, "rows": rows, "columns": columns}
        sheets = [resized if each["sheetId"] == sheet["sheetId"] else each for each in self.file["sheets"]]
        check_size(sheets)
        self.file = self._drive.book.put("file", self.id, {**self.file, "sheets": sheets})
        return resized

    def keep_sheets(self, sheets: list[Record]) -> None:
        """Replace all tabs."""
        self.file = {**self.file, "sheets": sheets}
        self._drive.touch(self.file)


def read_grid(book: Book, id_: str, sheet_id: int) -> list[list[Cell]]:
    """The cells of a tab, row by row."""
    return [list(row) for row in (book.find("cells", f"{id_}/{sheet_id}") or {"rows": []})["rows"]]


def new_sheet(
    sheets: list[Record],
    sheet_id: int,
    title: str,
    rows: int = ROWS,
    columns: int = COLUMNS,
    kind: str = "GRID",
) -> Record:
    """Create the last tab. Raises 400 for a taken title or too many cells."""
    if any(sheet["title"].lower() == title.lower() for sheet in sheets):
        raise invalid(
            f'Invalid requests[0].addSheet: A sheet with the name "{title}" already exists. Please enter '
            "another name."
        )
    made = {"sheetId": sheet_id, "title": title, "rows": rows, "columns": columns, "sheetType": kind}
    check_size([*sheets, made])
    return made


def check_size(sheets: list[Record]) -> None:
    """Raises 400 if all tabs together have too many cells."""
    if sum(sheet["rows"] * sheet["columns"] for sheet in sheets) > MOST_CELLS:
        raise invalid(
            "This action would increase the number of cells in the workbook above the limit of "
            f"{MOST_CELLS} cells."
        )


def outside(sheet: Record, box: Box) -> Exception:
    """400 for cells outside the tab."""
    there = a1.notation(sheet["title"], box)
    return invalid(
        f"Range ({there}) exceeds grid limits. Max rows: {sheet['rows']}, max columns: {sheet['columns']}"
    )


def spreadsheet_resource(file: Record) -> dict[str, Any]:
    """The Spreadsheet resource of a file."""
    titles = {sheet["title"]: sheet["sheetId"] for sheet in file["sheets"]}
    answer = {
        "spreadsheetId": file["id"],
        "properties": {
            "title": file["name"],
            "locale": "en_US",
            "autoRecalc": "ON_CHANGE",
            "timeZone": "Europe/Berlin",
        },
        "sheets": [{"properties": properties(sheet, index)} for index, sheet in enumerate(file["sheets"])],
        "spreadsheetUrl": address(file["id"]),
    }
    names = [
        {
            "namedRangeId": f"{place + 1_000}",
            "name": name,
            "range": {
                **({"sheetId": titles[box["title"]]} if titles[box["title"]] else {}),  # Google leaves 0 out
                "startRowIndex": box["top"],
                "endRowIndex": box["bottom"] + 1,
                "startColumnIndex": box["left"],
                "endColumnIndex": box["right"] + 1,
            },
        }
        for place, (name, box) in enumerate(file["names"].items())
    ]
    return {**answer, "namedRanges": names} if names else answer


def properties(sheet: Record, index: int) -> dict[str, Any]:
    """SheetProperties."""
    resource = {
        "sheetId": sheet["sheetId"],
        "title": sheet["title"],
        "index": index,
        "sheetType": sheet["sheetType"],
    }
    if sheet["sheetType"] == "GRID":
        resource["gridProperties"] = {"rowCount": sheet["rows"], "columnCount": sheet["columns"]}
    return {**resource, "hidden": True} if sheet.get("hidden") else resource


def _trimmed(row: list[Any]) -> list[Any]:
    while row and row[-1] == "":
        row.pop()
    return row


def _table(grid: list[list[Cell]], box: Box) -> Box | None:
    """The lowest block of filled cells in the range, with all cells that touch it."""
    filled = {(r, c) for r, row in enumerate(grid) for c, cell in enumerate(row) if not is_empty(cell)}
    inside = [(r, c) for r, c in filled if box.top <= r <= box.bottom and box.left <= c <= box.right]
    if not inside:
        return None
    box = _around({max(inside, key=lambda place: (place[0], -place[1]))})
    while True:
        touching = {
            (r, c)
            for r, c in filled
            if box.top - 1 <= r <= box.bottom + 1 and box.left - 1 <= c <= box.right + 1
        }
        if (wider := _around(_joined(touching, filled))) == box:
            return box
        box = wider


def _joined(some: set[tuple[int, int]], filled: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """These filled cells and all that are connected to them."""
    found, waiting = set(some), list(some)
    while waiting:
        row, column = waiting.pop()
        near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & filled
        near -= found
        found |= near
        waiting += near
    return found


def _around(cells: set[tuple[int, int]]) -> Box:
    rows, columns = [row for row, _ in cells], [column for _, column in cells]
    return Box(min(rows), min(columns), max(rows), max(columns))
