"""The SQL statements of a part of a test: `with statements() as made:` collects those of the session, `with
sent() as made:` all that reach the driver. Import the fixtures.
"""

import contextlib

import pytest
from sqlalchemy import event

from app import database
from bench.statements import sent as collect_sent


@pytest.fixture
def statements(app):
    """`with statements() as made:` collects the statements of this application's engine in the block."""

    @contextlib.contextmanager
    def collect():
        made, engine = [], database.current().engine

        def note(connection, cursor, statement, *rest):
            made.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield made
        event.remove(engine, "before_cursor_execute", note)

    return collect


@pytest.fixture
def sent(app):
    """`with sent() as made:` collects all that this process sends to the database: one round trip each."""
    return collect_sent
