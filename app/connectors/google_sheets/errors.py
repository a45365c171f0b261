"""What Google Sheets' refusals mean: it explains only in words, and known ones get a sentence of ours."""

import re

from app.connectors.google import error_reader
from app.errors import InvalidArguments, PermissionDenied, ToolError

_BAD_ARGUMENTS = (
    ("pagetoken", "This page of the list has expired. Start the list again without it."),
    (
        "not supported for this document",
        "This file isn't a Google spreadsheet (perhaps an Excel file). Save it as one in Google Sheets.",
    ),
    ("above the limit of", "That would make the spreadsheet larger than Google allows (10 million cells)."),
    ("more than the maximum", "A cell would hold more than Google allows (50,000 characters)."),
)
_GRID = re.compile(r"max rows: (\d{1,8}), max columns: (\d{1,5})")


class NoSuchRange(InvalidArguments):
    """The spreadsheet has no such tab or named range."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such tab or range. google_sheets_get_spreadsheet lists the tabs; write ranges as "
            "Tab!A1:C10."
        )


class RowsDoNotFit(InvalidArguments):
    """The rows are larger than the range they are written to."""

    def __init__(self) -> None:
        super().__init__("The rows don't fit into the range. Give a larger range, or only its first cell.")


class DuplicateTab(InvalidArguments):
    """The spreadsheet has a tab of that title."""

    def __init__(self) -> None:
        super().__init__("A tab with that title already exists. Choose another.")


_KNOWN = {
    "unable to parse range": NoSuchRange,
    "tried writing to": RowsDoNotFit,
    "already exists": DuplicateTab,
}


class OutsideGrid(InvalidArguments):
    """The range reaches past the tab's last row or column. `rows` and `columns`: the tab's size, if known."""

    def __init__(self, rows: int | None = None, columns: int | None = None) -> None:
        self.rows, self.columns = rows, columns
        size = {} if rows is None else {"rows": rows, "columns": columns}
        super().__init__(
            "The range extends past the end of the tab. Use rows and columns it has, or append rows.",
            details=size,
        )


def _bad_request(words: str) -> ToolError:
    if "exceeds grid limits" in words:
        size = _GRID.search(words)
        return OutsideGrid(int(size[1]), int(size[2])) if size else OutsideGrid()
    if "protected" in words:
        return PermissionDenied(
            "These cells are protected. Ask the spreadsheet's owner to let the connected account edit them."
        )
    for sign, known in _KNOWN.items():
        if sign in words:
            return known()
    for sign, sentence in _BAD_ARGUMENTS:
        if sign in words:
            return InvalidArguments(sentence)
    return InvalidArguments("Google Sheets refused the request. Check the arguments.")


read_error = error_reader(
    "Google Sheets",
    _bad_request,
    not_allowed=(
        "The connected Google account doesn't have permission for this spreadsheet. Ask its owner to share "
        "it with that account."
    ),
)
