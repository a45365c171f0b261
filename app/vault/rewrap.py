"""Rotate the vault keys while Patchbay runs: count what is sealed under which key, and seal it anew.

Works on every column that holds ciphertext, found by its name (`seal`). A value is replaced only if it is
still the one that was read, so a token stored meanwhile is never overwritten; the next run finds what is
left. Interrupting it loses nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, inspect, select, tuple_, update
from sqlmodel import Session, SQLModel
from sqlmodel.main import default_registry

from app import database
from app.crypto import KeyRing
from app.errors import Undecipherable
from app.vault import seal

_BATCH = 200


@dataclass
class ColumnTally:
    """One sealed column: values per key, rows that do not open, and how many were sealed anew."""

    name: str
    by_key: Counter[str] = field(default_factory=Counter)
    shut: list[str] = field(default_factory=list)
    rewrapped: int = 0


Progress = Callable[[ColumnTally], None]


def check(keys: KeyRing, progress: Progress = lambda tally: None) -> list[ColumnTally]:
    """Open every sealed value of every workspace. Calls `progress` after each batch."""
    return [_walk(model, column, keys, progress, anew=False) for model, column in sealed_columns()]


def census(db: Session, keys: KeyRing) -> list[ColumnTally]:
    """Count sealed values per key without opening any: one query per column. An unknown key counts as ""."""
    tallies = []
    for model, column in sealed_columns():
        mapper: Any = inspect(model)
        sealed = mapper.columns[column]
        starts = {key: keys.start_of(key) for key in keys.ids}
        of_key = [
            func.count().filter(func.substr(sealed, 1, len(start)) == start) for start in starts.values()
        ]
        total, *counts = db.execute(
            select(func.count(), *of_key).where(sealed.is_not(None), sealed != "")
        ).one()
        tally = ColumnTally(
            f"{mapper.local_table.name}.{column}", Counter(dict(zip(starts, counts, strict=True)))
        )
        tally.by_key[""] = total - sum(counts)
        tallies.append(tally)
    return tallies


def rotate(keys: KeyRing, progress: Progress = lambda tally: None) -> list[ColumnTally]:
    """Seal every value under another key with the first one. The counts are those found afterwards."""
    tallies = []
    for model, column in sealed_columns():
        done = _walk(model, column, keys, progress, anew=True)
        tally = _walk(model, column, keys, lambda tally: None, anew=False)
        tally.rewrapped = done.rewrapped
        tallies.append(tally)
    return tallies


def sealed_columns() -> Iterator[tuple[type[SQLModel], str]]:
    """Every column that holds ciphertext, with its model."""
    for mapper in sorted(default_registry.mappers, key=lambda m: m.class_.__name__):
        for name in sorted(column.key for column in mapper.columns if column.key.endswith(seal.SUFFIX)):
            yield mapper.class_, name


def _walk(
    model: type[SQLModel], column: str, keys: KeyRing, progress: Progress, *, anew: bool
) -> ColumnTally:
    mapper: Any = inspect(model)
    table: Table = mapper.local_table
    tally = ColumnTally(f"{table.name}.{column}")
    for rows in _batches(model, column):
        renewed: list[tuple[SQLModel, str, str]] = []
        for row in rows:
            sealed = getattr(row, column)
            try:
                secret = seal.unseal(keys, row, column)
            except Undecipherable:
                tally.shut.append(seal.place(row, column)["record"])
                continue
            tally.by_key[keys.key_id_of(sealed)] += 1
            if anew and keys.key_id_of(sealed) != keys.sealing_id:
                renewed.append((row, sealed, keys.seal(secret, **seal.place(row, column))))
        if renewed:
            with database.transaction() as db:
                for row, before, after in renewed:
                    same = [key == getattr(row, key.name) for key in mapper.primary_key]
                    changed = db.execute(
                        update(table).where(*same, table.c[column] == before).values({column: after})
                    )
                    tally.rewrapped += changed.rowcount  # type: ignore[attr-defined]
        progress(tally)
    return tally


def _batches(model: type[SQLModel], column: str) -> Iterator[list[SQLModel]]:
    """Rows with a sealed value, in batches, ordered by primary key. Crosses workspaces on purpose."""
    mapper: Any = inspect(model)
    key = tuple_(*mapper.primary_key)
    wanted = (
        select(model)
        .where(mapper.columns[column].is_not(None), mapper.columns[column] != "")
        .order_by(*mapper.primary_key)
        .limit(_BATCH)
    )
    last: tuple[Any, ...] | None = None
    while True:
        with database.reading() as db:
            rows = list(db.execute(wanted if last is None else wanted.where(key > last)).scalars())
        if not rows:
            return
        yield rows
        last = tuple(getattr(rows[-1], column.name) for column in mapper.primary_key)
