"""Simple formulas: `=1+1`, `=SUM(C2:C13)*1.2`, `=A1/B1`. Unknown functions are `#NAME?`, as in Sheets."""

import re
from collections.abc import Callable
from typing import Any

from app.sandbox.services.google_sheets.a1 import number

# The value of a cell of the formula's tab, by row and column from 0.
Lookup = Callable[[int, int], Any]

# Groups: 1 number, 2 and 3 column and row of a cell, 4 function, 5 text, 6 symbol.
_TOKENS = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?)|\$?([A-Z]{1,3})\$?([1-9]\d*)\b|([A-Z][A-Z0-9.]*)(?=\()|(\"[^\"]*\")|([-+*/():,&]))",
    re.IGNORECASE,
)
_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVERAGE": lambda values: sum(values) / len(values),
    "MIN": lambda values: min(values, default=0),
    "MAX": lambda values: max(values, default=0),
    "COUNT": len,
}


class _CellError(Exception):
    """The error that a cell displays instead of a value."""


def evaluate(formula: str, lookup: Lookup) -> Any:
    """The value of a formula, or the error that its cell displays."""
    try:
        reader = _FormulaParser(formula.lstrip("="), lookup)
        value = reader.sum()
        if reader.kind:
            raise _CellError("#ERROR!")
    except _CellError as trouble:
        return str(trouble)
    except ZeroDivisionError:
        return "#DIV/0!"
    except RecursionError:
        return "#REF!"  # it refers to itself
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


class _FormulaParser:
    """Reads a formula from left to right."""

    def __init__(self, text: str, lookup: Lookup) -> None:
        self._text = text
        self._lookup = lookup
        self._at = 0
        self.kind: int | None = None
        self._found: re.Match[str] | None = None
        self._step()

    def _step(self) -> None:
        self._found = _TOKENS.match(self._text, self._at)
        if self._found is None and self._text[self._at :].strip():
            raise _CellError("#ERROR!")
        self.kind = self._found.lastindex if self._found else None
        self._at = self._found.end() if self._found else len(self._text)

    def _take(self, symbol: str) -> bool:
        if self.kind == 6 and self._found and self._found[6] == symbol:
            self._step()
            return True
        return False

    def sum(self) -> Any:
        """Terms added and subtracted; & joins text."""
        value = self._product()
        while True:
            if self._take("+"):
                value = _amount(value) + _amount(self._product())
            elif self._take("-"):
                value = _amount(value) - _amount(self._product())
            elif self._take("&"):
                value = f"{value}{self._product()}"
            else:
                return value

    def _product(self) -> Any:
        value = self._single()
        while True:
            if self._take("*"):
                value = _amount(value) * _amount(self._single())
            elif self._take("/"):
                value = _amount(value) / _amount(self._single())
            else:
                return value

    def _single(self) -> Any:
        if self._take("-"):
            return -_amount(self._single())
        if self._take("("):
            value = self.sum()
            self._expect(")")
            return value
        found = self._found
        if found is None or self.kind is None or self.kind == 6:
            raise _CellError("#ERROR!")
        self._step()
        if found[1]:
            return float(found[1]) if "." in found[1] else int(found[1])
        if found[5]:
            return found[5][1:-1]
        if found[3]:
            return self._lookup(int(found[3]) - 1, number(found[2]))
        return self._call(found[4].upper())

    def _call(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise _CellError("#NAME?")
        self._expect("(")
        values = list(self._argument())
        while self._take(","):
            values += self._argument()
        self._expect(")")
        return _FUNCTIONS[name](
            [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        )

    def _argument(self) -> list[Any]:
        """A single value, or every cell of `C2:C13`."""
        first = self._found
        if self.kind != 3 or first is None or self._text[self._at : self._at + 1] != ":":
            return [self.sum()]
        self._step()
        self._expect(":")
        last = self._found
        if self.kind != 3 or last is None:
            raise _CellError("#ERROR!")
        self._step()
        rows, columns = range(int(first[3]) - 1, int(last[3])), range(number(first[2]), number(last[2]) + 1)
        return [self._lookup(row, column) for row in rows for column in columns]

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise _CellError("#ERROR!")


def _amount(value: Any) -> Any:
    if value == "":
        return 0
    if isinstance(value, str):
        raise _CellError(value if value.startswith("#") else "#VALUE!")
    return value
