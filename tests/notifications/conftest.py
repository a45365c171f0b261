"""Connections that can break, and somebody who looks for what is due."""

import re
from datetime import timedelta

import pytest

from app import clock, database
from app.config import Settings
from app.connectors.spec import Account
from app.notifications import run
from app.vault import connection_state, store
from app.vault.models import Connection
from app.vault.token_endpoint import TokenSet


@pytest.fixture
def connect(app, settings: Settings, people):
    """`connect("xero")`: alice's shared connection in Northwind; other people and names may be given."""

    def _connect(slug="xero", *, owner=None, visibility="shared", name="Demo Company", workspace=None):
        tokens = TokenSet("access", "refresh", 1800, raw={})
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=(workspace or people.northwind).id,
                owner_id=(owner or people.alice).id,
                slug=slug,
                account=Account(key=name, name=name),
                tokens=tokens,
                scopes="",
                keys=settings.vault_keys,
            )
            connection.visibility = visibility
        return connection

    return _connect


@pytest.fixture
def end():
    """`end(connection)`: the service refuses its refresh token for good."""

    def _end(connection, reason="Xero ended our access on 1 May. Reconnect Xero."):
        with database.transaction() as db:
            connection_state.end_access(db, connection, 1, reason)

    return _end


@pytest.fixture
def suspend():
    """`suspend(connection)`: the API takes none of its tokens, which may pass."""

    def _suspend(connection):
        with database.transaction() as db:
            connection_state.suspend(db, connection, 1, "Xero accepts no token of this connection.")

    return _suspend


@pytest.fixture
def heal():
    """`heal(connection)`: a call that tried a suspended connection succeeded."""

    def _heal(connection):
        with database.transaction() as db:
            connection_state.end_trial(db, connection)

    return _heal


@pytest.fixture
def reconnect(settings: Settings):
    """`reconnect(connection)`: its owner authorized it again."""

    def _reconnect(connection):
        with database.transaction() as db:
            row = db.get(Connection, connection.id)
            tokens = TokenSet("access 2", "refresh 2", 1800, raw={})
            account = Account(key=row.account_key, name=row.account_name)
            store.reconnect(db, row, account=account, tokens=tokens, scopes="", keys=settings.vault_keys)

    return _reconnect


@pytest.fixture
def after(app, settings: Settings):
    """`after(minutes=1)` moves the clock and lets a web process look, every fifteen seconds of that time or
    sixteen times.
    """

    def _after(**given):
        left, emails = timedelta(**given), 0
        pause = max(timedelta(seconds=15), left / 16)
        while left > timedelta():
            step = min(left, pause)
            clock.shift(step)
            left -= step
            emails += run.tick(settings, app.extensions["mailer"])
        return emails

    return _after


@pytest.fixture
def subjects(mailbox):
    """`subjects("alice@example.com")`: of everything that reached that address, oldest first."""
    return lambda to: [letter.subject for letter in reversed(mailbox(to))]


def link_in(text: str, pattern: str) -> str:
    """The path of the one link of that form in a mail."""
    (found,) = set(re.findall(rf"http://localhost:8000({pattern})", text))
    return found
