"""How services are offered: over the environment, in every process, with secrets that go in and never come
out.
"""

import base64
import dataclasses
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import event

from app import clock, database
from app.admin import live_settings
from app.admin.models import ConnectorApp
from app.config import load
from app.connectors import endpoints
from app.connectors.services import services_of
from app.crypto import KeyRing
from app.errors import Unavailable
from app.vault import rewrap
from tests.conftest import both_databases, live_environment
from tests.support.databases import ROOT
from tests.support.keys import SECRET_KEY, VAULT_KEY
from tests.support.mcp_client import acme_service, connect  # noqa: F401

SECRET = "sealed-secret-of-the-operator"
OWN = {"offer": "yes", "badge": "", "client_id": "operators-own-app", "client_secret": SECRET}


@pytest.fixture
def live(app):
    return app.extensions["patchbay"]


def save(visitor, slug, *, htmx=False, **form):
    return visitor.submit(f"/admin/connectors/{slug}", {"offer": "yes", "badge": "", **form}, htmx=htmx)


def resolved(settings, slug="xero"):
    return endpoints.resolve(services_of(None).get(slug), settings)


def test_a_service_that_refuses_http_redirect_addresses_says_so(dana):
    """Here the address is http://localhost."""
    page = dana.get("/admin/connectors").text
    cards = {
        slug: page.split(f'id="app-{slug}"')[1].split("</details>")[0] for slug in ("freshbooks", "xero")
    }
    warning = "accepts only https redirect URIs"
    assert f"FreshBooks {warning}" in cards["freshbooks"] and warning not in cards["xero"]


@both_databases
def test_an_app_set_here_goes_over_the_environment(dana, live, alice, trail, people):
    assert resolved(live).sandbox
    assert save(dana, "xero", **OWN).status_code == 303
    where = resolved(live)
    assert (where.client_id, where.client_secret, where.sandbox) == ("operators-own-app", SECRET, False)
    alice.get("/integrations")
    away = alice.submit("/integrations/xero").headers["Location"]
    assert away.startswith("https://login.xero.com/") and "client_id=operators-own-app" in away
    [entry] = trail("connector.changed")
    assert (entry.user_id, entry.subject) == (people.dana.id, "xero")
    assert entry.details["after"]["client_id"] == "operators-own-app" and SECRET not in str(entry.details)
    save(dana, "xero")
    assert resolved(live).sandbox


@pytest.mark.usefixtures("early")
def test_the_secret_goes_in_and_never_comes_out(dana, caplog):
    caplog.set_level("DEBUG")
    save(dana, "xero", **OWN)
    dana.get("/admin/connectors")
    assert f"Set on {clock.now().day} {clock.now():%b %Y}" in dana.page and "operators-own-app" in dana.page
    assert (
        SECRET not in dana.page and SECRET not in dana.get("/admin/audit").text and SECRET not in caplog.text
    )
    refused = save(dana, "xero", client_id="x y", client_secret=SECRET)
    assert refused.status_code == 400 and SECRET not in refused.text
    with database.reading() as db:
        row = db.get(ConnectorApp, "xero")
    assert SECRET not in row.client_secret_sealed and row.client_secret_sealed.startswith("v1:t1:")
    assert SECRET not in repr(live_settings.over(load({"ENV": "test", **_keys("t1")})))


def test_the_secret_stays_while_the_client_id_does(dana, live):
    save(dana, "xero", **OWN)
    save(dana, "xero", client_id="operators-own-app", badge="Beta")
    assert resolved(live).client_secret == SECRET
    refused = save(dana, "xero", client_id="another-app")
    assert (
        refused.status_code == 400
        and "Enter the secret of this client ID" in refused.text
        and 'value="another-app"' in refused.text
    )
    assert resolved(live).client_id == "operators-own-app"
    save(dana, "xero", client_id="another-app", client_secret="another-secret")
    assert (resolved(live).client_id, resolved(live).client_secret) == ("another-app", "another-secret")


@pytest.mark.parametrize(
    "form",
    [
        {"offer": "perhaps"},
        {"offer": ""},
        {"badge": "x" * 61},
        {"client_id": "with space", "client_secret": "s"},
        {"client_id": "x" * 501, "client_secret": "s"},
        {"client_id": "", "client_secret": "alone"},
        {"client_id": "alone", "client_secret": ""},
        {"client_id": "a\nb", "client_secret": "s"},
    ],
)
def test_what_makes_no_sense_changes_nothing(dana, form):
    answer = save(dana, "xero", **form)
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert save(dana, "xero", htmx=True, **form).status_code == 400
    with database.reading() as db:
        assert db.get(ConnectorApp, "xero") is None
    assert save(dana, "nonsense").status_code == 404
    assert save(dana, "xero", **OWN).status_code == 303


def test_a_service_that_is_not_offered_is_not_there_to_connect(dana, alice, client_of, people):
    client = client_of(people.alice)
    save(dana, "xero", offer="no")
    assert "Connect Xero" not in alice.get("/integrations").text
    assert "xero" not in {each["slug"] for each in alice.get("/integrations/status").json["connectors"]}
    assert alice.submit("/integrations/xero").status_code == 404
    assert "xero" not in str(client.call("hub_list_connections")["data"])
    assert client.refusal("hub_connect_service", {"service": "xero"})[0] == "INVALID_ARGUMENTS"
    save(dana, "xero", offer="soon")
    assert "Coming soon" in alice.get("/integrations").text
    assert alice.submit("/integrations/xero").status_code == 409
    save(dana, "xero", offer="yes")
    assert "Connect Xero" in alice.get("/integrations").text
    assert alice.submit("/integrations/xero").status_code == 303


def test_what_is_connected_goes_on(dana, alice, client_of, people, connect, monkeypatch):  # noqa: F811
    connect(people.alice, "Main")
    client = client_of(people.alice)
    with database.transaction() as db:
        db.add(ConnectorApp(slug="acme", offer="no", updated_at=clock.now()))
    live_settings.refresh(alice.app.extensions["patchbay"])
    assert client.call("acme_get_thing", {"id": "a"})["success"]
    assert "Acme" in alice.get("/integrations").text
    assert "acme" in {each["slug"] for each in alice.get("/integrations/status").json["connectors"]}


def test_a_badge_is_the_operators_word(dana, alice):
    assert "Testing mode (limited to 100 users)" in alice.get("/integrations").text
    for slug in ("gmail", "google_sheets"):
        save(dana, slug, badge="")
    assert "Testing mode" not in alice.get("/integrations").text
    save(dana, "xero", badge="Testing mode (limited to 100 users)")
    assert "Testing mode (limited to 100 users)" in alice.get("/integrations").text
    save(dana, "xero", badge="<b>bold</b>")
    assert "<b>bold" not in alice.get("/integrations").get_data(as_text=True)


def test_htmx_swaps_the_card_alone(dana):
    answer = save(dana, "xero", htmx=True, **OWN)
    assert (
        answer.status_code == 200
        and 'id="app-xero"' in answer.text
        and "Saved." in answer.text
        and "<html" not in answer.text
    )
    assert SECRET not in answer.text


def test_another_process_follows_within_seconds_without_a_restart(dana, live):
    other = live_settings.over(dataclasses.replace(live, services={"XERO_BASE_URL": "https://xero.example"}))
    assert resolved(other).client_id == "sandbox" or resolved(other).sandbox
    save(dana, "xero", **OWN)
    other.services._again_at = 0.0  # as after two seconds
    assert (resolved(other).client_id, resolved(other).base_url) == (
        "operators-own-app",
        "https://xero.example",
    )


@pytest.mark.slow
def test_a_process_that_starts_later_reads_them_at_once(dana, environ):
    save(dana, "xero", **OWN)
    code = (
        "from app import create_app"
        if False
        else "from app.factory import create_app\n"
        "from app.connectors import endpoints\n"
        "from app.connectors.services import services_of\n"
        "app = create_app()\n"
        "print(endpoints.resolve(services_of(None).get('xero'), app.extensions['patchbay']).client_id)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=live_environment(**environ),
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip().splitlines()[-1:] == ["operators-own-app"], ran.stderr


def test_asking_for_settings_costs_no_query_while_they_are_fresh(live):
    queries = []
    resolved(live)
    event.listen(
        database.current().engine,
        "before_cursor_execute",
        lambda c, cur, statement, *rest: queries.append(statement),
    )
    live.services._again_at = float("inf")
    for _ in range(50):
        resolved(live)
    assert queries == []


def test_what_was_known_holds_while_the_database_is_away(dana, live, monkeypatch):
    save(dana, "xero", **OWN)

    def away():
        raise Unavailable()

    monkeypatch.setattr(database, "reading", away)
    live.services._again_at = 0.0
    assert resolved(live).client_id == "operators-own-app"


def test_a_secret_that_does_not_open_never_becomes_the_sandbox(dana, live):
    save(dana, "xero", **OWN)
    with database.transaction() as db:
        row = db.get(ConnectorApp, "xero")
        row.client_secret_sealed = "v1:gone:" + row.client_secret_sealed.split(":", 2)[2]
    live_settings.refresh(live)
    assert resolved(live) is None
    assert "Not configured" in dana.get("/admin/connectors").text
    save(dana, "xero", **OWN)
    assert resolved(live).client_secret == SECRET


@both_databases
def test_rotating_the_keys_seals_it_anew(dana, settings, live):
    save(dana, "xero", **OWN)
    both = KeyRing.parse(_keys("new", 7)["VAULT_KEYS"] + "," + _keys("t1")["VAULT_KEYS"])
    [tally] = [each for each in rewrap.rotate(both) if each.name == "connector_apps.client_secret_sealed"]
    assert (dict(tally.by_key), tally.rewrapped, tally.shut) == ({"new": 1}, 1, [])
    renewed = live_settings.over(dataclasses.replace(live, services={}, vault_keys=both))
    assert resolved(renewed).client_secret == SECRET
    alone = KeyRing.parse(_keys("new", 7)["VAULT_KEYS"])
    assert all(not each.shut for each in rewrap.check(alone) if each.name.startswith("connector_apps"))


def test_a_card_that_needs_no_app_asks_for_none(dana):
    page = dana.get("/admin/connectors").text
    card = re.search(r'id="app-flowpos".*?</li>', page, re.S)[0]
    assert "client_secret" not in card and "enters its own key" in card


def test_the_trail_tells_of_offer_and_badge(dana, trail):
    save(dana, "xero", offer="soon", badge="Beta")
    save(dana, "xero", offer="soon", badge="Beta")
    [entry] = trail("connector.changed")
    assert entry.details["before"] == {"offer": "yes", "badge": None, "client_id": None}
    assert entry.details["after"] == {"offer": "soon", "badge": "Beta", "client_id": None}
    clock.shift(timedelta(minutes=1))
    save(dana, "xero")
    assert len(trail("connector.changed")) == 2


def _keys(key_id, start=0):
    key = bytes((byte + start) % 256 for byte in base64.b64decode(VAULT_KEY))
    return {"SECRET_KEY": SECRET_KEY, "VAULT_KEYS": f"{key_id}:{base64.b64encode(key).decode()}"}
