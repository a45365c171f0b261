"""When a row was last used: its `last_used_at`, written at most once a minute, also across processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, or_, update
from sqlmodel import SQLModel

from app import clock
from app.fast_queries import PreparedStatement, PreparedTransaction, writing

_EVERY = timedelta(seconds=60)
_MOST_REMEMBERED = 10_000


class LastUse:
    """The last uses of the rows of one table."""

    def __init__(self, model: type[SQLModel]) -> None:
        table: Table = model.__table__  # type: ignore[attr-defined]
        self.table = table.name
        noted = table.c.last_used_at
        # A time in the future comes from a host whose clock was wrong.
        is_old = or_(noted.is_(None), noted < bindparam("before"), noted > bindparam("at"))
        which = table.c.id == bindparam("row_id")
        self.update = PreparedStatement(
            update(table).where(which, is_old).values(last_used_at=bindparam("at")), awaited=False
        )
        self.written: dict[str, datetime] = {}

    def due(self, row_id: str) -> "UseOfRow | None":
        """The use of a row at this moment. None if this process has written one within the last minute."""
        written = self.written.get(row_id)
        if written is not None and written <= clock.now() < written + _EVERY:
            return None
        return UseOfRow(self, row_id)

    def note(self, row_id: str) -> None:
        """Write the use of a row at this moment, if it is due. Raises Unavailable."""
        if use := self.due(row_id):
            with writing(durable=False, alone=True) as db:
                use.write(db)
            use.is_written()


@dataclass(frozen=True, slots=True)
class UseOfRow:
    """That a row was used, to be written with something else."""

    of: LastUse
    row_id: str

    def write(self, db: PreparedTransaction) -> None:
        """Write it, unless another process has done so within the last minute."""
        db.run(self.of.update, row_id=self.row_id, **moments())

    def is_written(self) -> None:
        """Remember that it is written: the next one is due in a minute."""
        if len(self.of.written) > _MOST_REMEMBERED:
            self.of.written.clear()
        self.of.written[self.row_id] = clock.now()


def moments() -> dict[str, Any]:
    """The parameters of a statement that notes uses: `at`, and `before`, since when none is written again."""
    at = clock.now()
    return {"at": at, "before": at - _EVERY}
