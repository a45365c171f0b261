"""The debug tools, against imitated services: nothing secret is shown, and after expiring everything goes
on working.
"""

import json

import pytest
from sqlmodel import select

from app import database
from app.vault import seal
from app.vault.models import Connection, Credential
from tests.mcp_server.test_connect_prompt import link_in
from tests.support.consent import sandbox_process  # noqa: F401

DEBUG = {"debug_auth", "debug_expire_oauth_tokens", "debug_refresh_profile"}
READS = {"xero": "xero_list_organisations", "gmail": "gmail_list_labels"}


@pytest.fixture
def sandbox(sandbox_process):  # noqa: F811
    for slug in READS:
        sandbox_process.lever(slug, "reset")
    return sandbox_process


@pytest.fixture
def environ(environ, sandbox):
    return environ | {"SANDBOX_URL": sandbox.url}


@pytest.fixture
def connected(alice, people, sign_in, sandbox):
    """alice with Xero (two organisations) and Gmail."""
    visitor = sign_in(people.alice)
    for slug in READS:
        link = link_in(alice.call("hub_connect_service", {"service": slug})["data"]["connect_url"])
        visitor.get(f"/integrations/connect/{link}")
        leaving = visitor.submit(f"/integrations/connect/{link}").headers["Location"]
        assert visitor.get(sandbox.approve(leaving, "both" if slug == "xero" else None)).status_code == 303
    return alice


def secrets_of(settings):
    with database.reading() as db:
        for credential in db.exec(select(Credential)).all():
            for column in ("access_token_sealed", "refresh_token_sealed"):
                if getattr(credential, column):
                    yield getattr(credential, column)
                    yield seal.unseal(settings.vault_keys, credential, column)


def test_what_is_shown_holds_no_secret_nor_a_part_of_one(connected, settings):
    for tool in sorted(DEBUG):
        text = json.dumps(connected.call(tool))
        for secret in (*secrets_of(settings), connected.token):
            assert not any(secret[i : i + 12] in text for i in range(0, len(secret) - 12, 4)), tool


def test_debug_auth_pictures_token_and_connections(connected, people):
    data = connected.call("debug_auth")["data"]
    assert (data["token"]["kind"], data["token"]["person"], data["token"]["scopes"]) == (
        "personal",
        people.alice.email,
        ["tools:read", "tools:write"],
    )
    xero = next(row for row in data["connections"] if row["service"] == "xero")
    assert (xero["own"], xero["state"], xero["renewable"], xero["tokens_stored"]) == (
        True,
        "connected",
        True,
        1,
    )
    assert 1500 < xero["seconds_left"] <= 1800


@pytest.mark.parametrize("slug", READS)
def test_after_expiring_the_next_call_works_and_refreshes_once(connected, sandbox, slug):
    rows = connected.call("debug_expire_oauth_tokens")["data"]["connections"]
    assert {row["outcome"] for row in rows} == {"expiring"}
    left = {
        row["service"]: row["seconds_left"] for row in connected.call("debug_auth")["data"]["connections"]
    }
    assert 50 <= left[slug] <= 60
    before = sandbox.log(slug)["refreshes"]
    assert connected.call(READS[slug])["success"]
    assert connected.call(READS[slug])["success"]
    assert sandbox.log(slug)["refreshes"] == before + 1


def test_a_forced_refresh_stores_new_tokens_and_says_what_failed(connected, sandbox):
    sandbox.lever("gmail", "revoke")
    data = connected.call("debug_refresh_profile")
    outcome = {row["service"]: row for row in data["data"]["connections"]}
    assert outcome["xero"]["outcome"] == "refreshed" and outcome["gmail"]["outcome"] == "failed"
    assert "Reconnect Gmail" in outcome["gmail"]["reason"]
    assert data["message"] == "1 of 2 own connections refreshed."
    stored = {
        row["service"]: row["tokens_stored"] for row in connected.call("debug_auth")["data"]["connections"]
    }
    assert stored == {"xero": 2, "gmail": 1}


def test_connections_of_others_are_left_alone(connected, client_of, people):
    bob = client_of(people.bob)
    assert bob.call("debug_expire_oauth_tokens")["data"]["connections"] == []
    assert bob.call("debug_refresh_profile")["data"]["connections"] == []
    assert {row["own"] for row in bob.call("debug_auth")["data"]["connections"]} == {False}
    assert client_of(people.charlie).call("debug_auth")["data"]["connections"] == []


def test_an_organisation_taken_away_at_xero_is_dropped(connected, sandbox):
    with database.reading() as db:
        businesses = next(c.businesses for c in db.exec(select(Connection)).all() if c.slug == "xero")
    assert len(businesses) == 2
    harbour = next(b for b in businesses if "Harbour" in b["name"])
    assert connected.call("set_active_business", {"business_id": harbour["id"]})["success"]
    answer = connected.call("xero_get_organisation")
    assert f"organisation: {harbour['name']}" in answer["message"]
    sandbox.lever("xero", "remove_organisation", organisation="harbour")
    code, sentence = connected.refusal("xero_get_organisation")
    assert (code, f"does not list {harbour['name']}" in sentence) == ("PERMISSION_DENIED", True)
    assert harbour["name"] not in connected.call("xero_get_organisation")["message"]
    assert "set_active_business" not in connected.tools()


class TestSwitchedOff:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "DEBUG_TOOLS": "0"}

    def test_they_are_not_there(self, alice):
        assert not DEBUG & set(alice.tools())
        answer = alice.ask("tools/call", name="debug_auth", arguments={})
        assert answer.json["error"]["code"] == -32602


@pytest.mark.parametrize("headers", [{"Via": "1.1 proxy"}, {"X-Real-IP": "127.0.0.1"}])
def test_through_a_proxy_they_are_not_there(alice, headers):
    assert set(alice.tools()) >= DEBUG and alice.call("debug_auth")["success"]
    alice.headers = headers
    assert not DEBUG & set(alice.tools())
    answer = alice.ask("tools/call", name="debug_auth", arguments={})
    assert answer.json["error"]["code"] == -32602


class TestInProduction:
    @pytest.fixture
    def environ(self, environ):
        public = {"ENV": "production", "PUBLIC_URL": "https://hub.example.com", "SANDBOX": "0"}
        return {**environ, **public, "DEBUG_TOOLS": "1"}

    def test_an_operator_may_turn_them_on(self, alice):
        alice.headers = {"Host": "hub.example.com", "X-Forwarded-For": "203.0.113.9"}
        assert set(alice.tools()) >= DEBUG
