"""What one call sends to the database, seen at the driver: look-ups that bypass the session included.

`python -m bench.statements TOKEN TOOL` with the product's environment prints, as JSON, what a call of the
tool sends once it is warm.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import event

from app import config, database


@contextlib.contextmanager
def sent() -> Iterator[list[str]]:
    """Collects every statement of this process; each is one round trip. Those that ask for nothing (pragmas)
    are left out.
    """
    bound, made = database.current(), []
    engines = {bound.engine, bound._raw_engine}

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **options: Any) -> Any:
            made.append(str(query))
            return super().execute(query, *given, **options)

        def executemany(self, query: Any, *given: Any, **options: Any) -> None:
            made.append(str(query))
            super().executemany(query, *given, **options)

    def watch(connection: Any, _record: Any) -> None:
        if bound.is_sqlite:
            connection.set_trace_callback(lambda text: text.startswith("PRAGMA ") or made.append(text))
        else:
            connection.cursor_factory = Noting

    bound.close()  # so that every connection is a new one
    for engine in engines:
        event.listen(engine, "connect", watch)
    try:
        yield made
    finally:
        for engine in engines:
            event.remove(engine, "connect", watch)
        bound.close()


def commits_in(statements: list[str]) -> int:
    """How many of the statements end a transaction that wrote: a COMMIT, or a write outside of any."""
    count, is_open = 0, False
    for statement in statements:
        word = statement.split(None, 1)[0].rstrip(";").upper()
        if word == "BEGIN":
            is_open = True
        elif word in {"COMMIT", "ROLLBACK"}:
            count, is_open = count + (word == "COMMIT"), False
        elif word != "SELECT" and not is_open:
            count += 1
    return count


def main() -> None:
    """One call, after some that warm it up."""
    from app.factory import create_app
    from bench.__main__ import call

    settings = config.load(os.environ)
    app, (_, token, tool) = create_app(settings), sys.argv
    client = app.test_client()
    head, _, body = call(tool, {}, settings.port, token).partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    with sent() as made:
        for _ in range(3):
            made.clear()
            answer = client.post("/mcp", data=body, headers=headers)
            assert answer.status_code == 200, answer.text
    print(json.dumps({"statements": len(made), "commits": commits_in(made)}))


if __name__ == "__main__":
    main()
