"""Access without a consent page: a key, the workspace's own client, a login. Sealed, renewed once, ended."""

import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlmodel import select

from app import database
from app.connectors import endpoints
from app.connectors.services import services_of
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.vault import access, form_exchange, keepalive, seal, store
from app.vault.models import PendingRevocation
from app.vault.refresh import TokenVault
from app.vault.token_endpoint import TokenEndpointUnavailable, TokenRefused
from tests.conftest import both_databases
from tests.support.catalogue import install
from tests.vault.conftest import MINE, expire, stored
from tests.vault.provider import CLIENT, PASSWORD, cut, status

pytestmark = pytest.mark.usefixtures("patient_database")


def whole_database():
    with database.reading() as db:
        tables = [row[0] for row in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        return " ".join(str(row) for table in tables for row in db.execute(text(f'SELECT * FROM "{table}"')))


@pytest.mark.parametrize("slug", MINE)
def test_it_calls_the_service_and_nothing_secret_is_stored_in_the_clear(fill_in, provider, settings, slug):
    connection = fill_in(slug)
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[0].auth_method == services_of(None).get(slug).forms[0].key
    stored_text = whole_database()
    assert "canary" not in stored_text and CLIENT[1] not in stored_text and PASSWORD not in stored_text


def test_the_client_id_and_secret_are_sealed_to_ask_again_with(fill_in, settings):
    _, credential = stored(fill_in("minted"))
    assert credential.refresh_token_sealed is None  # the pair itself renews (RFC 6749 section 4.4.3)
    assert json.loads(seal.unseal(settings.vault_keys, credential, "key_sealed")) == MINE["minted"]


def test_a_password_is_not_kept_even_sealed(fill_in, settings):
    _, credential = stored(fill_in("logged"))
    assert credential.key_sealed is None and credential.refresh_token_sealed


def test_a_key_does_not_expire(fill_in, provider, settings):
    connection = fill_in("keyed")
    row, credential = stored(connection)
    assert credential.expires_at is None and row.signin_ends_at is None
    expire(connection)  # the debug tool
    TokenVault(settings, connection).renew()
    keepalive.run(settings)
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[0].state == "connected"


@pytest.mark.parametrize("slug", ["minted", "logged"])
@both_databases
def test_a_token_is_asked_for_once_however_many_need_it(fill_in, provider, settings, slug):
    connection = fill_in(slug)
    before, answers = provider.mints, []
    expire(connection) if slug == "minted" else provider.forget_access_tokens()

    def call():
        answers.append(access.check(settings, connection).key)

    threads = [threading.Thread(target=call) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert answers == ["account-1"] * 12
    assert provider.mints == before + 1


@both_databases
def test_processes_share_one_mint(fill_in, provider, start_crew):
    connection = fill_in("minted")
    crew = start_crew(connection, processes=2, threads=6)
    expire(connection)
    before = provider.mints
    crew.go()
    assert [(r["ok"], r["problems"]) for r in crew.results()] == [(6, []), (6, [])]
    assert provider.mints == before + 1


def test_a_rejected_token_of_a_client_is_minted_anew(fill_in, provider, settings):
    connection = fill_in("minted")
    provider.forget_access_tokens()
    assert access.check(settings, connection).key == "account-1"
    assert stored(connection)[1].generation == 2


def test_a_key_the_service_refuses_needs_its_person_once_with_the_true_reason(fill_in, provider, settings):
    connection = fill_in("keyed")
    provider.forget_access_tokens()
    for _ in range(3):
        with pytest.raises(ReconnectNeeded, match="no longer accepts the key of this connection"):
            access.check(settings, connection)
    row, _ = stored(connection)
    assert row.state == "reconnect_needed" and "Reconnect Keyed." in row.last_error
    fill_in("keyed", before=connection)
    assert stored(connection)[0].state == "connected"
    assert access.check(settings, connection).key == "account-1"


def test_a_client_that_was_deleted_needs_its_person(fill_in, provider, settings):
    connection = fill_in("minted")
    expire(connection)
    provider.faults.append(status(400, b'[{"error": "invalid_client"}]', "application/json"))
    with pytest.raises(ReconnectNeeded, match="the client id and secret of this connection"):
        TokenVault(settings, connection).bearer()


def test_a_login_that_ended_needs_its_person(fill_in, provider, settings):
    connection = fill_in("logged")
    provider.forget_access_tokens()
    provider.refresh.clear()
    with pytest.raises(ReconnectNeeded, match="the login of this connection"):
        access.check(settings, connection)


@pytest.mark.parametrize("fault", [status(503), status(403, b"<html>"), status(429, retry_after="5"), cut])
def test_a_service_in_trouble_ends_nothing(fill_in, provider, settings, fault):
    connection = fill_in("minted")
    expire(connection)
    provider.faults.append(fault)
    with pytest.raises(ProviderUnavailable):
        TokenVault(settings, connection).bearer()
    assert stored(connection)[0].state == "connected"


@pytest.mark.parametrize("code", [408, 425, 429, 503])
@pytest.mark.parametrize(("slug", "error"), [("minted", "invalid_client"), ("logged", "unauthorized")])
def test_a_refusal_with_the_status_of_not_now_ends_nothing(fill_in, provider, settings, slug, error, code):
    connection = fill_in(slug)
    expire(connection)
    provider.faults.append(status(code, {"error": error}, "application/json"))
    with pytest.raises(ProviderUnavailable):
        TokenVault(settings, connection).renew()
    assert stored(connection)[0].state == "connected"


def test_what_the_service_does_not_accept_is_refused_at_once(fill_in, provider):
    for slug, wrong in (("minted", {"client_secret": "no"}), ("logged", {"password": "no"})):
        with pytest.raises(TokenRefused):
            fill_in(slug, **wrong)
    with pytest.raises(access.TokenNotAccepted):
        fill_in("keyed", api_key="never-issued")
    provider.faults.append(status(503))
    with pytest.raises(TokenEndpointUnavailable):
        fill_in("minted")


def test_disconnecting_says_what_is_left_and_has_nothing_to_revoke(fill_in, provider):
    connection = fill_in("keyed")
    with database.transaction() as db:
        ended = store.disconnect(db, connection)
    assert ended.sentence == "Keyed disconnected. The key itself still works there."
    with database.reading() as db:
        assert db.exec(select(PendingRevocation)).all() == []
    assert provider.revoked == []


def test_signing_in_another_way_drops_what_the_first_one_kept(fill_in, settings, people, monkeypatch):
    connection = fill_in("minted")
    install(both := with_key_form(services_of(None).get("minted")), monkeypatch=monkeypatch)
    where = endpoints.resolve(both, settings)
    tokens = form_exchange.obtain(
        both, where, both.forms[1], {"api_key": TokenVault(settings, connection).bearer()}
    )
    with database.transaction() as db:
        account = access.probe(settings, both, where, tokens)
        store.reconnect(db, connection, account=account, tokens=tokens, scopes=(), keys=settings.vault_keys)
    row, credential = stored(connection)
    assert (row.auth_method, credential.key_sealed, credential.expires_at) == ("key", None, None)


def with_key_form(connector):
    return replace(connector, forms=(*connector.forms, *services_of(None).get("keyed").forms))
