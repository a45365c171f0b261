"""The SQL statements of a part of a test: `with statements() as made:` collects them. Import the fixture."""

import contextlib

import pytest
from sqlalchemy import event

from app import database


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
