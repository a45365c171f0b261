"""The three ways into Xano: a pasted token, email and password, the consent page; one account whichever
was taken.
"""

import re
import threading

import pytest
from sqlalchemy import text
from sqlmodel import select

from app import config, database
from app.connectors import endpoints
from app.connectors.services import services_of
from app.errors import ConfigError, ReconnectNeeded
from app.vault.access import businesses_of, open_api
from app.vault.models import Connection
from tests.support.consent import connections_of

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

TOKEN, PASSWORD = "sandbox-xano-northwind", "sandbox"


@pytest.fixture
def alice(people, sign_in, sandbox):
    sandbox.lever("xano", "reset")
    return sign_in(people.alice)


def state_of(visitor):
    return re.search(r'name="state" value="([^"]*)"', visitor.page)[1]


def open_form(visitor, auth_method="token", **form):
    visitor.get("/integrations")
    assert visitor.submit("/integrations/xano", form).status_code == 200
    return visitor.submit("/integrations/xano/way", {"state": state_of(visitor), "way": auth_method})


def paste(visitor, token=TOKEN, **form):
    open_form(visitor, **form)
    return visitor.follow(
        visitor.submit(
            "/integrations/xano/keys", {"state": state_of(visitor), "way": "token", "token": token}
        )
    )


def log_in(visitor, password=PASSWORD, email="ana@northwind.example", **form):
    open_form(visitor, "login", **form)
    given = {"state": state_of(visitor), "way": "login", "email": email, "password": password}
    return visitor.follow(visitor.submit("/integrations/xano/keys", given))


def stored():
    with database.reading() as db:
        return list(db.exec(select(Connection)).all())


def whole_database():
    with database.reading() as db:
        tables = [row[0] for row in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        return " ".join(str(row) for table in tables for row in db.execute(text(f'SELECT * FROM "{table}"')))


def databases(settings, connection):
    api = open_api(settings, connection, business=businesses_of(connection)[0])
    return services_of(None).get("xano").find_tool("xano_list_databases").call(api, {})["items"]


def test_the_form_offers_the_three_ways_and_the_sandbox_values(alice):
    open_form(alice)
    for title in ("Access token", "Email and password", "Sign in at Xano"):
        assert title in alice.page
    assert f'value="{TOKEN}"' in alice.page and "sandbox-xano-reader" in alice.page
    open_form(alice, "login")
    assert 'value="ana@northwind.example"' in alice.page and "Sent once, never stored." in alice.page


def test_a_pasted_token_connects_and_brings_its_instances(alice, settings):
    paste(alice)
    assert "Xano connected: Northwind" in alice.page
    [connection] = stored()
    assert (connection.auth_method, [b["id"] for b in connection.businesses]) == (
        "token",
        ["x8ab-12cd-sim1", "x3fe-90ab-sim2"],
    )
    assert TOKEN not in whole_database()
    assert [d["name"] for d in databases(settings, connection)] == ["Shop", "Website"]


@pytest.mark.parametrize("token", ["not-a-token-of-anybody", "short", "two words of it"])
def test_a_token_that_cannot_be_used_is_said_beside_its_line(alice, token):
    open_form(alice)
    answer = alice.submit(
        "/integrations/xano/keys", {"state": state_of(alice), "way": "token", "token": token}
    )
    assert answer.status_code == 422 and 'aria-invalid="true"' in alice.page and token not in alice.page
    assert stored() == []


def test_a_login_connects_and_neither_password_nor_its_token_is_kept_in_the_clear(alice, settings):
    log_in(alice)
    assert "Xano connected: Northwind" in alice.page
    [connection] = stored()
    assert connection.auth_method == "login" and connection.signin_ends_at is not None
    assert databases(settings, connection)
    database = whole_database()
    assert "eyJhbGci" not in database and PASSWORD not in re.sub(r"sandbox_|SANDBOX", "", database)


def test_a_wrong_password_is_said_and_can_be_corrected(alice):
    log_in(alice, "wrong")
    assert "Xano does not accept this email and password." in alice.page and "wrong" not in alice.page
    log_in(alice)
    assert "Xano connected: Northwind" in alice.page


def test_a_login_whose_key_ended_is_renewed_once_however_many_call(alice, settings, sandbox):
    log_in(alice)
    [connection] = stored()
    sandbox.lever("xano", "expire")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(databases(settings, connection)))) for _ in range(10)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [2] * 10
    assert sandbox.log("xano")["refreshes"] == 1


def test_a_login_that_ended_needs_its_person_who_logs_in_again(alice, settings, sandbox):
    log_in(alice)
    [before] = stored()
    sandbox.lever("xano", "expire")
    sandbox.lever("xano", "end_logins")
    with pytest.raises(ReconnectNeeded):
        databases(settings, before)
    assert connections_of(alice, "xano")[0]["state"] == "reconnect_needed"
    log_in(alice, connection=before.id)
    [after] = stored()
    assert (after.id, after.state) == (before.id, "connected")
    assert databases(settings, after)


def test_a_dead_token_needs_a_new_one_at_once(alice, settings, sandbox):
    paste(alice)
    [connection] = stored()
    sandbox.lever("xano", "roll_keys")
    with pytest.raises(ReconnectNeeded):
        databases(settings, connection)
    assert sandbox.log("xano")["refreshes"] == 0


def test_a_token_of_one_instance_survives_the_refusal_of_another(alice, settings):
    paste(alice, "sandbox-xano-reader")
    [connection] = stored()
    api = open_api(settings, connection, business=businesses_of(connection)[1])
    with pytest.raises(Exception, match="not at this instance"):
        services_of(None).get("xano").find_tool("xano_list_databases").call(api, {})
    assert stored()[0].state == "connected" and databases(settings, connection)


def test_the_consent_page_is_a_way_too_and_leads_to_the_same_connection(alice, settings, sandbox):
    paste(alice)
    [before] = stored()
    leaving = open_form(alice, "oauth")
    assert leaving.status_code == 303
    alice.follow(alice.get(sandbox.approve(leaving.headers["Location"], "northwind")))
    [after] = stored()
    assert (after.id, after.auth_method) == (before.id, "oauth")
    assert databases(settings, after)


def test_disconnecting_says_what_is_left_in_xano(alice):
    paste(alice)
    alice.follow(alice.submit("/integrations/xano/disconnect"))
    assert "remove it there" in alice.page and stored() == []


# --- what is open where ---


def resolved(environ, **settings):
    return endpoints.resolve(
        services_of(None).get("xano"), config.load({**environ, "SANDBOX": "0", "SANDBOX_URL": "", **settings})
    )


def test_without_a_sandbox_the_token_is_a_way_and_the_login_once_its_backend_is_set(environ):
    where = resolved(environ)
    assert (where.auth_methods, where.sandbox, where.base_url) == (
        ("token",),
        False,
        "https://app.xano.com/api:meta",
    )
    backend = {
        f"XANO_{name}_URL": f"https://x.example/api:auth/auth/{name.lower()}" for name in ("LOGIN", "PROFILE")
    }
    where = resolved(environ, **backend)
    assert where.auth_methods == ("token", "login") and set(where.request_urls.values()) == set(
        backend.values()
    )
    assert resolved(environ, XANO_CLIENT_ID="id", XANO_CLIENT_SECRET="secret").auth_methods == (
        "token",
        "oauth",
    )


def test_a_backend_without_a_proper_address_stops_the_start(environ):
    from app.connectors import configuration

    with pytest.raises(ConfigError, match="XANO_LOGIN_URL"):
        configuration.check(config.load({**environ, "XANO_LOGIN_URL": "somewhere"}))
