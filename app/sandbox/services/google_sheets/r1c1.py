"""R1C1 notation as Google reads it: `R2C3`, `R1C1:R2C2`, and offsets from A1 such as `R[1]C[2]`.

The discovery document names it beside A1 notation. How live Sheets reads its short forms (a letter without a
number is offset 0, so `R`, `C` and `RC` are A1; an offset must not be negative) was measured in
https://github.com/brekkylab/backlot/issues/174.
"""

import re

_NUMBER = r"(?:(\d{1,8})|\[(\d{1,8})\])?"
_CORNER = re.compile(rf"(?=[RC])(?:(R){_NUMBER})?(?:(C){_NUMBER})?", re.IGNORECASE)

Corner = tuple[int | None, int | None]  # row and column from 0; None: all of them


def corners(text: str) -> tuple[Corner, Corner | None] | None:
    """The first and the last corner; no last one for a single cell. None if it is no R1C1 notation."""
    first, colon, last = text.partition(":")
    start, end = _corner(first), _corner(last)
    if start is None or (colon and end is None):
        return None
    if colon:
        return start, end
    row, column = start
    if row is None or column is None:  # a whole row or column; of offset 0 it is the cell A1
        return ((0, 0), None) if start in {(0, None), (None, 0)} else (start, start)
    return start, None


def _corner(text: str) -> Corner | None:
    found = _CORNER.fullmatch(text)
    if not found:
        return None
    row_letter, row, down, column_letter, column, right = found.groups()
    if 0 in {int(number) for number in (row, column) if number}:
        return None  # rows and columns count from 1
    return _place(row_letter, row, down), _place(column_letter, column, right)


def _place(letter: str | None, number: str | None, offset: str | None) -> int | None:
    if letter is None:
        return None
    return int(number) - 1 if number else int(offset or 0)
