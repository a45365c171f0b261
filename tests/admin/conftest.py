"""dana, who operates the installation and is in no workspace, at the pages under /admin."""

import pytest
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from tests.support.mcp_client import client_of, token_for  # noqa: F401  an AI client at the endpoint


@pytest.fixture
def dana(people, sign_in):
    visitor = sign_in(people.dana)
    visitor.get("/admin/workspaces")
    return visitor


@pytest.fixture
def trail(app):
    """`trail("person.disabled")` are the entries of that action, the oldest first."""

    def _trail(action):
        with database.reading() as db:
            return list(
                db.exec(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
            )

    return _trail
