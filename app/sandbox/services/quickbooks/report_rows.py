"""A report as QuickBooks prints it: a tree of text cells, empty where nothing is."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import ZERO, LedgerEntry, cents, plus
from app.sandbox.store import Book, Record

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of amounts: which entries count in it."""

    title: str
    key: str
    takes: Callable[[LedgerEntry], bool]
    days: tuple[str, ...] = ()  # the first and the last one of a column of time


TOTAL = Column("Total", "total", lambda entry: True)


class Section:
    """The accounts of one type that have a balance, sub-accounts below theirs, and the sum."""

    def __init__(
        self,
        book: Book,
        kind: str,
        sums: list[dict[str, Decimal]],
        sign: int,
        more: list[tuple[str, list[Decimal]]] | None = None,
    ) -> None:
        self._sums, self._sign = sums, sign
        self._accounts = [account for account in book.all("account") if account["AccountType"] == kind]
        found = [self._account(account) for account in self._accounts if "ParentRef" not in account]
        self.rows = [row for row, amounts in found if any(amounts)]
        self.totals = [ZERO] * len(sums)
        for _, amounts in found:
            self.totals = plus(self.totals, amounts)
        for label, amounts in more or ():
            if any(amounts):
                self.rows.append(data_row(label, None, amounts))
                self.totals = plus(self.totals, amounts)

    def row(self, title: str, total: str, group: str | None = None) -> Row:
        """The section."""
        return nested(title, total, self.rows, self.totals, group)

    def _account(self, account: Record) -> tuple[Row, list[Decimal]]:
        own = [self._sign * sums.get(account["Id"], ZERO) for sums in self._sums]
        under = [
            self._account(a) for a in self._accounts if a.get("ParentRef", {}).get("value") == account["Id"]
        ]
        under = [(row, amounts) for row, amounts in under if any(amounts)]
        if not under:
            return data_row(account["Name"], account["Id"], own), own
        whole = own
        for _, amounts in under:
            whole = plus(whole, amounts)
        summary = cells(f"Total {account['Name']}", whole)
        rows = {"Row": [row for row, _ in under]}
        return {
            "Header": cells(account["Name"], own, account["Id"]),
            "Rows": rows,
            "Summary": summary,
            "type": "Section",
        }, whole


def cells(label: str, amounts: list[Decimal], id_: str | None = None) -> dict[str, Any]:
    """A label and its amounts; zero is an empty cell."""
    first = {"value": label, "id": id_} if id_ else {"value": label}
    return {"ColData": [first, *({"value": str(cents(amount)) if amount else ""} for amount in amounts)]}


def data_row(label: str, id_: str | None, amounts: list[Decimal]) -> Row:
    """A row of one record."""
    return {**cells(label, amounts, id_), "type": "Data"}


def sum_row(label: str, amounts: list[Decimal], group: str) -> Row:
    """A sum that stands alone."""
    return {"Summary": cells(label, amounts), "type": "Section", "group": group}


def nested(title: str, total: str, rows: list[Row], totals: list[Decimal], group: str | None = None) -> Row:
    """A section: title, rows, sum. Without rows QuickBooks leaves `Rows` out."""
    row: Row = {
        "Header": cells(title, [ZERO] * len(totals)),
        "Rows": {"Row": rows},
        "Summary": cells(total, totals),
        "type": "Section",
    }
    if not rows:
        del row["Rows"]
    return {**row, "group": group} if group else row
