"""What one request sends to the database, seen at the driver: look-ups that bypass the session included.

`python -m bench.statements` with the product's environment reads lists of requests by name from its input, as
JSON, and prints by name what the last one of each sends once those before it have warmed the process up:
`statements`, `commits` and, on PostgreSQL, `round trips`.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import event

from app import config, database
from bench import messages, wire

# A statement that changes something, also one that does so in a part named by WITH.
_WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|WITH\b.*\b(INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET))\b",
    re.IGNORECASE | re.DOTALL,
)


@contextlib.contextmanager
def sent() -> Iterator[list[str]]:
    """Collects every statement of this process. Those that ask for nothing (pragmas) are left out."""
    bound, made = database.current(), []
    engines = {bound.engine, bound._raw_engine}

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **options: Any) -> Any:
            try:  # which may begin a transaction first
                return super().execute(query, *given, **options)
            finally:
                made.append(str(query))

        def executemany(self, query: Any, *given: Any, **options: Any) -> None:
            try:
                super().executemany(query, *given, **options)
            finally:
                made.append(str(query))

    def watch(connection: Any, _record: Any) -> None:
        if bound.is_sqlite:
            connection.set_trace_callback(lambda text: text.startswith("PRAGMA ") or made.append(text))
        else:
            connection.cursor_factory = Noting
            connection._exec_command = _noting(connection._exec_command, made)

    bound.close()  # so that every connection is a new one
    for engine in engines:
        event.listen(engine, "connect", watch)
    try:
        yield made
    finally:
        for engine in engines:
            event.remove(engine, "connect", watch)
        bound.close()


def _noting(command: Any, made: list[str]) -> Any:
    """psycopg's own BEGIN, COMMIT and ROLLBACK, which go through no cursor."""

    def noted(statement: Any, *given: Any) -> Any:
        made.append(statement.decode() if isinstance(statement, bytes) else str(statement))
        return command(statement, *given)

    return noted


def writes_in(statements: list[str]) -> list[str]:
    """Those of the statements that change something."""
    return [statement for statement in statements if _WRITES.match(statement)]


def commits_in(statements: list[str]) -> int:
    """How many transactions that wrote something these statements commit, explicitly or each on its own."""
    count, is_open, has_written = 0, False, False
    for statement in statements:
        word = statement.split(None, 1)[0].rstrip(";").upper()
        if word == "BEGIN":
            is_open, has_written = True, False
        elif word in {"COMMIT", "ROLLBACK"}:
            count, is_open = count + (word == "COMMIT" and has_written), False
        elif _WRITES.match(statement):
            count, has_written = count + (not is_open), True
    return count


def main() -> None:
    """Send the requests through the application in this process."""
    direct = config.load(os.environ).database_url
    is_sqlite = direct.startswith("sqlite")
    with contextlib.nullcontext((direct, None)) if is_sqlite else wire.relayed(direct) as (url, trips):
        from app.factory import create_app

        client = create_app(config.load({**os.environ, "DATABASE_URL": url})).test_client(use_cookies=False)
        with sent() as made:
            found = {
                name: _last_of(client, requests, made, trips)
                for name, requests in json.load(sys.stdin).items()
            }
    print(json.dumps(found))


def _last_of(
    client: Any, requests: list[str], made: list[str], trips: wire.RoundTrips | None
) -> dict[str, int]:
    """What the last of these requests sends."""
    before = 0
    for request in requests:
        method, path, headers, body = messages.parsed(request.encode())
        made.clear()
        before = trips.count if trips else 0
        answer = client.open(path, method=method, headers=headers, data=body)
        assert answer.status_code == 200, answer.text
    found = {"statements": len(made), "commits": commits_in(made)}
    return {**found, "round trips": trips.count - before} if trips else found


if __name__ == "__main__":
    main()
