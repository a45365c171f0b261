"""Entries of the trail, written and tampered with."""

import pytest
from sqlalchemy import text

from app import audit, database
from tests.support.statements import statements  # noqa: F401


@pytest.fixture
def write(people):
    """`write("connection.renamed", label="Main")`: an entry of alice in Northwind by default."""

    def _write(
        action="connection.renamed",
        *,
        workspace="wsp_northwind",
        user="usr_alice",
        subject="con_1",
        **details,
    ):
        with database.transaction() as db:
            audit.record(db, action, workspace_id=workspace, user_id=user, subject=subject, **details)

    return _write


@pytest.fixture
def tamper(app):
    """`tamper("DELETE FROM audit_entries WHERE seq = :seq", seq=2)` writes the database behind Patchbay."""

    def _tamper(statement, **values):
        with database.transaction() as db:
            db.execute(text(statement), values)

    return _tamper
