"""Notebooks of the people, without pages or tools."""

import contextlib

import pytest

from app import database
from app.memory.notebook import Notebook, Reader


@pytest.fixture
def notebook_of(people):
    """`with notebook_of(people.alice) as notebook:` opens it, and commits at the end."""
    roles = {
        people.alice.id: people.northwind,
        people.bob.id: people.northwind,
        people.charlie.id: people.contoso,
    }

    @contextlib.contextmanager
    def _open(user):
        with database.transaction() as db:
            yield Notebook(db, Reader(roles[user.id].id, user.id, user is not people.bob))

    return _open
