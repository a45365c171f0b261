"""The same storm with the FreshBooks connector and the imitated FreshBooks: 20 rounds, one refresh each."""

import http.client
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app import database
from app.connectors import endpoints
from app.connectors.services import services_of
from app.vault import access, store, token_endpoint
from tests.conftest import both_databases
from tests.support.processes import Levers, run_sandbox
from tests.support.waiting import AT_MOST_SECONDS
from tests.vault.conftest import expire, stored

ROUNDS = 20
pytestmark = pytest.mark.xdist_group("storms")  # one at a time: they fill the database with connections


@pytest.fixture(scope="module")
def sandbox():
    with run_sandbox() as url:
        yield url


@pytest.fixture
def environ(environ, sandbox):
    return {**environ, "SANDBOX_URL": sandbox}


@pytest.fixture
def freshbooks(settings, people):
    """A FreshBooks connection of alice, made as the product makes it."""
    connector = services_of(None).get("freshbooks")
    where = endpoints.resolve(connector, settings)
    query = {
        "response_type": "code",
        "client_id": where.client_id,
        "redirect_uri": where.redirect_uri,
        "scope": " ".join(connector.auth.read_scopes),
        "state": "s",
    }
    tokens = token_endpoint.exchange_code(
        connector, where, code=consent(f"{where.authorize_url}?{urlencode(query)}"), verifier=None
    )
    with database.transaction() as db:
        return store.connect(
            db,
            workspace_id="wsp_northwind",
            owner_id=people.alice.id,
            slug="freshbooks",
            account=access.probe(settings, connector, where, tokens),
            tokens=tokens,
            scopes=connector.auth.read_scopes,
            keys=settings.vault_keys,
        )


def consent(url):
    """The code a browser would bring back."""
    parts = urlsplit(url)
    browser = http.client.HTTPConnection(parts.netloc, timeout=AT_MOST_SECONDS)
    form = urlencode({"company": "northwind", "decision": "approve"})
    browser.request(
        "POST", f"{parts.path}?{parts.query}", form, {"Content-Type": "application/x-www-form-urlencoded"}
    )
    return parse_qs(urlsplit(browser.getresponse().headers["Location"]).query)["code"][0]


@both_databases
@pytest.mark.parametrize("staleness", ["expired", "rejected"])
def test_4_processes_of_8_threads_refresh_freshbooks_once_a_round(freshbooks, sandbox, start_crew, staleness):
    levers = Levers(sandbox, "freshbooks")
    before = levers.log()
    crew = start_crew(freshbooks, processes=4, threads=8)
    for round_number in range(1, ROUNDS + 1):
        if staleness == "expired":
            expire(freshbooks)
        else:
            levers("expire")
        crew.go()
        results = crew.results()
        assert [r["problems"] for r in results] == [[]] * 4
        assert sum(r["ok"] for r in results) == 32
        assert levers.log()["refreshes"] - before["refreshes"] == round_number
    assert levers.log()["refresh_refusals"] == before["refresh_refusals"]
    assert stored(freshbooks)[0].state == "connected"
