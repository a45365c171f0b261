"""A sandbox to connect to, and connections made through the hub."""

import pytest
from sqlmodel import select

from app import database
from app.vault.models import Connection
from app.workspaces.models import Workspace
from tests.connection_pages.paper_form import PaperForm
from tests.hub.test_forms import fill_in
from tests.support.consent import environ, sandbox, sandbox_process  # noqa: F401
from tests.support.mcp_client import client_of, token_for  # noqa: F401


@pytest.fixture
def connect(sandbox):  # noqa: F811
    """`connect(visitor, "xero", level="write")`: connected in the browser; returns the connection."""

    def _connect(visitor, slug, *, level="read", company=None, **form):
        sandbox.lever(slug, "reset")
        visitor.get("/integrations")
        answer = visitor.submit(f"/integrations/{slug}", {"level": "write", **form})
        has_page = answer.status_code == 303
        answer = (
            visitor.get(sandbox.approve(answer.headers["Location"], company))
            if has_page
            else fill_in(visitor, slug)
        )
        assert answer.status_code == 303, answer.text
        with database.transaction() as db:
            connection = db.exec(select(Connection).where(Connection.slug == slug)).one()
            connection.permission = level
        return connection

    return _connect


@pytest.fixture
def no_limits(people):
    """Lets the workspace make as many calls as a test needs."""
    with database.transaction() as db:
        workspace = db.get(Workspace, people.northwind.id)
        workspace.per_minute, workspace.per_day = 100_000, 1_000_000


@pytest.fixture
def open_form():
    """`open_form(visitor, connection, "xero_list_invoices", invoice_id="1")`: the tool's form, as paper."""

    def _open(visitor, connection, tool, **query):
        page = visitor.get(
            f"/integrations/{connection.slug}/{connection.id}/tools/{tool}", query_string=query
        )
        assert page.status_code == 200, page.text
        return PaperForm(visitor, page.text)

    return _open
