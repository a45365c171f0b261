"""The records of the imitated services: dictionaries, written through to one SQLite file.

Every call needs the sandbox's lock (`fault_middleware.py` holds it around each request).
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  service TEXT NOT NULL, book TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (service, book, kind, id)
)
"""


class Store:
    """All records of all services; without a path in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        # A crash of this process loses nothing in WAL mode; only a crash of the machine may.
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=OFF")
        self._file.execute(_SCHEMA)
        self._books: dict[tuple[str, str], dict[str, dict[str, Record]]] = {}
        self._open = False
        for service, book, kind, id_, body in self._file.execute(
            "SELECT service, book, kind, id, body FROM record ORDER BY rowid"
        ):
            self._books.setdefault((service, book), {}).setdefault(kind, {})[id_] = json.loads(body)

    def book(self, service: str, name: str) -> "Book":
        """The records of one company of a service (or of its grants). Empty at first."""
        return Book(self, service, name)

    def forget(self, service: str) -> None:
        """Drop every record of a service."""
        self._begin()
        self._file.execute("DELETE FROM record WHERE service = ?", (service,))
        for key in [key for key in self._books if key[0] == service]:
            del self._books[key]

    def commit(self) -> None:
        """Commit the changes of this request."""
        if self._open:
            self._file.execute("COMMIT")
            self._open = False

    def _begin(self) -> None:
        if not self._open:
            self._file.execute("BEGIN")
            self._open = True

    def write(self, service: str, book: str, kind: str, id_: str, record: Record | None) -> None:
        """Save one record; None removes it. For `Book`."""
        self._begin()
        key = (service, book, kind, id_)
        if record is None:
            self._file.execute(
                "DELETE FROM record WHERE service = ? AND book = ? AND kind = ? AND id = ?", key
            )
        else:
            self._file.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                (*key, json.dumps(record)),
            )

    def kinds(self, service: str, book: str) -> dict[str, dict[str, Record]]:
        """The live dictionaries of a book. For `Book`."""
        return self._books.setdefault((service, book), {})


class Book:
    """The records of one company, by kind and id. Ids are text here, whatever their type at the service."""

    def __init__(self, store: Store, service: str, name: str) -> None:
        self._store = store
        self.service = service
        self.name = name

    def _kind(self, kind: str) -> dict[str, Record]:
        return self._store.kinds(self.service, self.name).setdefault(kind, {})

    def all(self, kind: str) -> list[Record]:
        """Every record of a kind. Change one only through `put`."""
        return list(self._kind(kind).values())

    def items(self, kind: str) -> Iterator[tuple[str, Record]]:
        """Every id and record of a kind; the book may change during the loop."""
        return iter(list(self._kind(kind).items()))

    def find(self, kind: str, id_: object) -> Record | None:
        """The record of that id, or None."""
        return self._kind(kind).get(str(id_))

    def first(self, kind: str, **members: object) -> Record | None:
        """The first record with these members, or None."""
        records = self._kind(kind).values()
        return next((r for r in records if all(r[name] == value for name, value in members.items())), None)

    def put(self, kind: str, id_: object, record: Record) -> Record:
        """Save a record under its id and return it."""
        self._kind(kind)[str(id_)] = record
        self._store.write(self.service, self.name, kind, str(id_), record)
        return record

    def remove(self, kind: str, id_: object) -> bool:
        """Remove a record. Returns False if there is none."""
        gone = self._kind(kind).pop(str(id_), None) is not None
        if gone:
            self._store.write(self.service, self.name, kind, str(id_), None)
        return gone

    def clear(self) -> None:
        """Remove every record of this book."""
        for kind, records in self._store.kinds(self.service, self.name).items():
            for id_ in list(records):
                self._store.write(self.service, self.name, kind, id_, None)
            records.clear()

    def new_id(self, kind: str, first: int = 1) -> int:
        """The next unused whole number for records of this kind."""
        counter = self.find("counter", kind)
        number = int(counter["last"]) + 1 if counter else first
        self.put("counter", kind, {"last": number})
        return number
