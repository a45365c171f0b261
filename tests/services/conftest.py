"""Stock exists in Northwind alone. charlie's Contoso does not know it."""

import re

import pytest

from app.outbound import guarded_http
from tests.mcp_client.closing import closed_later  # noqa: F401
from tests.mcp_server.test_compact import compact_of  # noqa: F401
from tests.services import stock
from tests.support.both_ways import both_ways  # noqa: F401
from tests.support.catalogue import sourced_from
from tests.support.mcp_client import client_of, letters, token_for  # noqa: F401


@pytest.fixture
def room(monkeypatch):
    """The service's server. It is on this machine, which the SSRF guard would refuse."""
    monkeypatch.setattr(guarded_http, "is_public", lambda address: True)
    server = stock.StockRoom()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def own_services(app, people, room):
    """The source: `own_services.rows` are the services by workspace."""
    source = stock.OwnServices({people.northwind.id: (stock.connector(room.url, people.northwind.id),)})
    with sourced_from(source):
        yield source


@pytest.fixture
def owner(people, sign_in, own_services):
    """alice with a browser."""
    return sign_in(people.alice)


@pytest.fixture
def stranger(people, sign_in, own_services):
    """charlie with a browser, of the other workspace."""
    return sign_in(people.charlie)


@pytest.fixture
def connect(owner):
    """`connect(level)` connects Stock on the hub as alice does; AI clients may do that much."""

    def _connect(level="write"):
        owner.get("/integrations")
        owner.submit(f"/integrations/{stock.SLUG}")
        state = re.search(r'name="state" value="([^"]+)"', owner.page)[1]
        answer = owner.submit(
            f"/integrations/{stock.SLUG}/keys", {"state": state, "way": "key", "api_key": stock.KEY}
        )
        assert answer.status_code == 303, answer.text
        owner.follow(answer)
        assert "Stock Room connected: Main room" in owner.page
        connection_id = re.search(r"card-(con_\w+)", owner.page)[1]
        owner.submit(f"/integrations/{stock.SLUG}/permission", {"connection": connection_id, "level": level})
        return connection_id

    return _connect
