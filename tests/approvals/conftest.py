"""An AI client at the endpoint and Acme, whose writes are counted, on a connection that asks before writing."""

import re

import pytest
from sqlmodel import select

from app import database
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.mail import Mailer
from tests.mcp_server import acme
from tests.mcp_server.conftest import acme_service, alice, client_of, connect, token_for  # noqa: F401

LINK = re.compile(r"http://localhost:8000/approvals/(apr_\w+)")


@pytest.fixture(autouse=True)
def written():
    """What Acme was made to write."""
    acme.written.clear()
    return acme.written


@pytest.fixture
def asking(connect, people):  # noqa: F811
    """alice's Acme connection, which asks before writing; shared."""
    return connect(people.alice, permission="ask")


@pytest.fixture
def letters(monkeypatch):
    """The mails that were sent: to whom, subject, text."""
    sent = []
    monkeypatch.setattr(Mailer, "send", lambda self, to, subject, text: sent.append((to, subject, text)))
    return sent


def request_in(envelope) -> str:
    """The id of the request an answer asks a yes for."""
    assert envelope["error"]["code"] == "APPROVAL_NEEDED", envelope
    found = LINK.search(envelope["error"]["message"])
    assert found, envelope
    assert envelope["error"]["details"]["approval_url"].endswith(found[1])
    return found[1]


def stored(**columns) -> list[Approval]:
    """The rows with these values, oldest first."""
    with database.reading() as db:
        return list(db.scalars(select(Approval).filter_by(**columns).order_by(Approval.created_at, Approval.id)))


def trail() -> list[str]:
    """What the audit trail says of approvals, in order."""
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry.action for entry in entries if entry.action.startswith("approval.")]
