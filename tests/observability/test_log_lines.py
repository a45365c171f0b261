"""What an operator finds in the log about one connection: one line per event, with its fields."""

import logging

import pytest

from app import database, logs
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.vault import access, connection_state, revocation, seal, store
from app.vault.models import Credential, PendingRevocation
from app.vault.refresh import TokenVault
from tests.support import acme
from tests.support.catalogue import install
from tests.vault.conftest import expire, stored
from tests.vault.provider import status

GOT_401 = "Got 401 Unauthorized - attempting automatic token refresh…"
REFRESHED = "Token refresh successful - retrying original request"
RETRIED = "Retry request successful after token refresh"
GAVE_UP = "Automatic refresh failed - returning 401 error"


def about(connection):
    return {"service": connection.slug, "connection": connection.id, "workspace": connection.workspace_id}


def is_about(connection, entry):
    return about(connection).items() <= entry.items()


def end_cooldown(connection):
    with database.transaction() as db:
        db.get(Credential, connection.id).cooldown_until = None


def test_a_refresh_is_one_line_with_its_cause_generation_and_duration(connect, settings, log):
    connection = connect()
    expire(connection)
    TokenVault(settings, connection).bearer()
    line = log.one("Token refreshed")
    assert is_about(connection, line)
    assert (line["level"], line["reason"], line["generation"]) == (
        "INFO",
        "expired",
        stored(connection)[1].generation,
    )
    assert isinstance(line["milliseconds"], int)


def test_every_line_bears_the_correlation_id_of_its_request(connect, settings, log):
    connection = connect()
    expire(connection)
    logs.correlation_id.set("abc123")
    TokenVault(settings, connection).bearer()
    assert log.one("Token refreshed")["correlation_id"] == "abc123"


def test_a_call_that_is_answered_401_tells_its_refresh_and_its_retry(connect, provider, settings, log):
    connection = connect()
    provider.forget_access_tokens()
    access.open_api(settings, connection).get("/me")
    sentences = [entry["message"] for entry in log.entries if entry["level"] == "INFO"]
    assert sentences == [GOT_401, "Token refreshed", REFRESHED, RETRIED]
    assert all(is_about(connection, entry) for entry in log.entries if entry["level"] == "INFO")
    assert log.one("Token refreshed")["reason"] == "rejected"


def test_a_call_that_works_at_once_leaves_no_line(connect, settings, log):
    access.open_api(settings, connect()).get("/me")
    assert log.text == ""


def test_a_refused_refresh_names_its_reason_and_that_the_access_ended(connect, provider, settings, log):
    connection = connect()
    provider.forget_access_tokens()
    provider.refresh.clear()
    with pytest.raises(ReconnectNeeded) as refused:
        access.open_api(settings, connection).get("/me")
    failed, ended = log.one("Token refresh failed: "), log.one("Access ended")
    assert failed["message"] == f"Token refresh failed: {refused.value.message}"
    assert (failed["reason"], ended["reason"]) == ("ended", refused.value.message)
    assert log.one(GAVE_UP)["reason"] == "RECONNECT_NEEDED"
    assert all(is_about(connection, log.one(each)) for each in ("Token refresh failed", "Access", GAVE_UP))
    assert not log.named(REFRESHED)


def test_a_token_that_is_rejected_twice_suspends_the_connection_and_says_so(connect, provider, settings, log):
    connection = connect()
    provider.takes_no_token = True
    with pytest.raises(ReconnectNeeded):
        access.open_api(settings, connection).get("/me")
    assert "new token" in log.one(GAVE_UP)["reason"]
    assert is_about(connection, log.one("Connection suspended"))
    assert not log.named(RETRIED)


def test_a_suspended_connection_that_works_again_says_so_once(connect, provider, settings, log):
    connection = connect()
    provider.takes_no_token = True
    with pytest.raises(ReconnectNeeded):
        access.open_api(settings, connection).get("/me")
    provider.takes_no_token = False
    access.check(settings, connection)
    assert is_about(connection, log.one("Connection works again"))


def test_a_pause_says_when_it_begins_and_when_it_is_over(connect, provider, settings, log):
    connection = connect()
    expire(connection)
    provider.faults = [status(503), status(503)]
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            TokenVault(settings, connection).bearer()
        end_cooldown(connection)
    TokenVault(settings, connection).bearer()
    assert len(log.named("Token refresh failed: ")) == 2
    begins, ends = log.one("Token refreshes paused"), log.one("Token refreshes resumed")
    assert begins["reason"] == "unreachable" and begins["seconds"] > 0
    assert ends["failures"] == 2
    assert is_about(connection, begins) and is_about(connection, ends)


def test_a_pasted_key_that_is_rejected_promises_no_refresh(fill_in, provider, settings, log):
    connection = fill_in("keyed")
    provider.forget_access_tokens()
    with pytest.raises(ReconnectNeeded):
        access.open_api(settings, connection).get("/me")
    assert not log.named("Got 401")
    assert is_about(connection, log.one("Connection suspended"))


def test_reading_the_account_again_says_so(connect, settings, log):
    connection = connect()
    access.check(settings, connection)
    assert is_about(connection, log.one("User profile successfully refreshed"))


def test_a_line_of_a_transaction_that_is_rolled_back_is_never_written(connect, settings, log, monkeypatch):
    connection = connect()
    with pytest.raises(ZeroDivisionError), database.transaction() as db:
        connection_state.end_access(db, connection, stored(connection)[1].generation, "Reconnect Strict.")
        raise ZeroDivisionError
    assert not log.named("Access ended")
    assert stored(connection)[0].state == "connected"


def test_a_revocation_that_is_given_up_names_the_connection(connect, provider, settings, log):
    connection = connect()
    with database.transaction() as db:
        credential = db.get(Credential, connection.id)
        row = PendingRevocation(
            id="rev_1",
            workspace_id=connection.workspace_id,
            slug=connection.slug,
            connection_id=connection.id,
            token_field="refresh_token_sealed",
            token_sealed=credential.refresh_token_sealed,
            attempts=11,
            next_try_at=credential.updated_at,
            created_at=credential.updated_at,
        )
        db.add(row)
    provider.faults = [status(503)]
    revocation.run_due(settings)
    line = log.one("Revoking a token was given up")
    assert is_about(connection, line) and line["attempts"] == 12


def test_in_text_fields_are_pairs_at_the_end_of_the_line(connect, provider, settings, log):
    log.use("text")
    connection = connect()
    provider.forget_access_tokens()
    access.open_api(settings, connection).get("/me")
    lines = log.text.splitlines()
    pairs = " ".join(f"{name}={text}" for name, text in about(connection).items())
    assert f"{RETRIED} {pairs}" in lines[-1]
    assert any(
        f"Token refreshed {pairs} reason=rejected generation=2 milliseconds=" in line for line in lines
    )


def test_in_text_a_value_of_several_words_is_quoted(connect, provider, settings, log):
    log.use("text")
    provider.takes_no_token = True
    with pytest.raises(ReconnectNeeded):
        access.open_api(settings, connect()).get("/me")
    assert 'reason="the service rejects the new token too"' in log.text


def test_a_field_cannot_break_a_line_nor_replace_what_every_entry_has(log):
    logger = logging.getLogger("app.test")
    logs.event(logger, logging.INFO, "Something", reason="a\nb", level="FORGED", note="Bearer abcdefghijkl")
    [entry] = log.entries
    assert (entry["reason"], entry["level"], entry["note"]) == ("a\\nb", "INFO", "Bearer [masked]")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_line_holds_a_token_or_a_part_of_one(connect, fill_in, provider, settings, log, log_format):
    """Whatever happens to a connection, at DEBUG, in both formats."""
    log.use(log_format)
    connections = []
    for open_one in (
        lambda: connect("strict"),
        lambda: connect("graceful", key="account-2"),
        lambda: fill_in("minted"),
        lambda: fill_in("logged"),
    ):
        connections.append(connection := open_one())
        expire(connection)
        access.open_api(settings, connection).get("/me")
        provider.forget_access_tokens()
        access.open_api(settings, connection).get("/me")
        access.check(settings, connection)
        provider.faults = [status(500, {"access_token": "canary-access-in-an-error"})]
        expire(connection)
        with pytest.raises(ProviderUnavailable):
            TokenVault(settings, connection).bearer()
        end_cooldown(connection)
        provider.refresh.clear()
        provider.faults = [status(400, {"error": "invalid_grant", "error_description": "canary-description"})]
        with pytest.raises((ReconnectNeeded, ProviderUnavailable)):
            TokenVault(settings, connection).bearer()
    assert log.text.count("\n") > 20
    assert "canary" not in log.text
    with database.reading() as db:
        for connection in connections:
            credential = db.get(Credential, connection.id)
            for column in ("access_token_sealed", "refresh_token_sealed", "key_sealed"):
                if (sealed := getattr(credential, column)) is not None:
                    secret = seal.unseal(settings.vault_keys, credential, column)
                    parts = {secret[i : i + 12] for i in range(0, len(secret) - 12, 4)}
                    assert sealed not in log.text and not any(part in log.text for part in parts)


def test_a_tool_that_breaks_names_the_connection_beside_its_traceback(
    app, people, client_of, settings, log, monkeypatch
):
    install(acme.CONNECTOR, monkeypatch=monkeypatch)
    with database.transaction() as db:
        connection = store.connect(
            db,
            workspace_id=people.northwind.id,
            owner_id=people.alice.id,
            slug="acme",
            account=acme.account("Main", 1),
            tokens=acme.TOKENS,
            scopes="things.read",
            keys=settings.vault_keys,
        )
    assert client_of(people.alice).refusal("acme_get_thing", {"id": "bug"})[0] == "INTERNAL"
    line = log.one("acme_get_thing failed")
    assert is_about(connection, line) and "ZeroDivisionError" in line["trace"]


def test_no_exception_writes_a_line_that_reads_as_a_record(log):
    log.use("text")
    try:
        raise ValueError("bad input:\n2026-01-01T00:00:00.000+00:00 INFO app.audit [-] forged\r\x1b[2Kx\x85y")
    except ValueError:
        logging.getLogger("app.example").exception("it failed")
    first, *rest = log.text.rstrip("\n").split("\n")
    assert first.endswith("it failed") and "forged" in log.text
    assert rest and all(line.startswith("    ") and line.isprintable() for line in rest)
