"""The life of a connection, for every service in the registry: connected in the browser, broken,
reconnected, disconnected and revoked.
"""

import re

import pytest
from sqlmodel import col, select, update

from app import database
from app.connectors.services import services_of
from app.vault import revocation
from app.vault.models import Connection, Credential, PendingRevocation
from tests.hub.test_forms import fill_in
from tests.support.consent import connections_of

every_service = pytest.mark.parametrize("slug", [each.slug for each in services_of(None)])


@pytest.fixture
def connect_here(sandbox):
    """`connect_here(visitor, "xero")`: press the card's button and do what the consent page or the form
    asks.
    """

    def _connect(visitor, slug, **form):
        visitor.get("/integrations")
        answer = visitor.submit(f"/integrations/{slug}", form)
        has_page = answer.status_code == 303
        answer = (
            visitor.get(sandbox.approve(answer.headers["Location"])) if has_page else fill_in(visitor, slug)
        )
        assert answer.status_code == 303, answer.text
        visitor.follow(answer)

    return _connect


@every_service
def test_connect_break_reconnect_disconnect(slug, people, sign_in, sandbox, connect_here, monkeypatch):
    monkeypatch.setattr(revocation, "run_soon", revocation.run_due)  # else in a thread of its own
    sandbox.lever(slug, "reset")
    connector, alice = services_of(None).get(slug), sign_in(people.alice)
    connect_here(alice, slug)
    assert f"{connector.name} connected: " in alice.page
    (before,) = connections_of(alice, slug)
    assert before["state"] == "connected" and before["account"] and before["permission"] == "read"

    with database.transaction() as db:
        db.execute(
            update(Connection)
            .where(col(Connection.id) == before["id"])
            .values(state="reconnect_needed", last_error="Gone.")
        )
    alice.get("/integrations")
    assert re.search(rf"Reconnect\s+{re.escape(connector.name)}", alice.page) and "Gone." in alice.page
    connect_here(alice, slug, connection=before["id"])
    (after,) = connections_of(alice, slug)
    assert (after["id"], after["state"], after["last_error"]) == (before["id"], "connected", None)
    alice.get("/integrations")
    tested = alice.submit(f"/integrations/{slug}/test", {"connection": after["id"]})
    assert f"{connector.name} works: connected as" in alice.follow(tested).get_data(as_text=True)

    with database.reading() as db:
        auth_method = db.get(Connection, after["id"]).auth_method
    revokes = connector.auth_of(auth_method).revoke_url is not None
    alice.submit(f"/integrations/{slug}/disconnect", {"connection": after["id"]})
    assert connections_of(alice, slug) == []
    with database.reading() as db:
        assert not db.exec(select(Credential)).all() and not db.exec(select(PendingRevocation)).all()
    assert (sandbox.log(slug)["revocations"] > 0) == revokes
    alice.get("/integrations")
    assert alice.submit(f"/integrations/{slug}/disconnect").status_code == 303, "twice is fine"
