"""Keys rotate while Patchbay runs; what does not open is counted, never served."""

import base64
import json
import logging
import threading
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from app import clock, config, database, logs
from app.crypto import KeyRing, digest
from app.errors import PatchbayError, Undecipherable
from app.hub.models import Handshake
from app.vault import access, rewrap, seal, store
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.vault.conftest import expire, stored
from tests.vault.provider import status

NEW = "new:" + base64.b64encode(bytes(range(100, 132))).decode()


@pytest.fixture
def rotated(environ):
    """The settings of an operator who put a new key first."""
    return config.load({**environ, "VAULT_KEYS": NEW + "," + environ["VAULT_KEYS"]})


@pytest.fixture
def only_new(environ):
    """The settings after the old key was taken away."""
    return config.load({**environ, "VAULT_KEYS": NEW})


def run(app, *command):
    return app.test_cli_runner().invoke(args=command)


def counts(tallies):
    return {tally.name: dict(tally.by_key) for tally in tallies if tally.by_key}


def new_handshake(people):
    row = Handshake(
        state_digest=digest("state"),
        user_id=people.alice.id,
        workspace_id="wsp_northwind",
        session_digest="",
        slug="strict",
        created_at=clock.now(),
        expires_at=clock.now(),
    )
    return row


@both_databases
def test_rotating_moves_everything_to_the_first_key_and_everything_still_works(
    connect, people, provider, settings, rotated, only_new, monkeypatch
):
    monkeypatch.setattr(rewrap, "_BATCH", 2)
    connections = [connect("strict", key=f"account-{n}") for n in range(5)]
    with database.transaction() as db:
        store.disconnect(db, connections.pop())
        handshake = new_handshake(people)
        seal.seal(settings.vault_keys, handshake, "verifier_sealed", "verifier")
        db.add(handshake)
    expected = {
        "credentials.access_token_sealed": 4,
        "credentials.refresh_token_sealed": 4,
        "handshakes.verifier_sealed": 1,
        "pending_revocations.token_sealed": 1,
    }
    assert counts(rewrap.check(rotated.vault_keys)) == {name: {"t1": n} for name, n in expected.items()}
    assert counts(rewrap.rotate(rotated.vault_keys)) == {name: {"new": n} for name, n in expected.items()}
    assert sum(tally.rewrapped for tally in rewrap.rotate(rotated.vault_keys)) == 0
    for connection in connections:
        expire(connection)
        assert TokenVault(only_new, connection).bearer() in provider.access


def test_rotating_under_load_overwrites_no_newer_token(connect, provider, rotated):
    connection = connect()
    stop = threading.Event()

    def rotate_all_the_time():
        while not stop.is_set():
            rewrap.rotate(rotated.vault_keys)

    worker = threading.Thread(target=rotate_all_the_time)
    worker.start()
    for _ in range(20):
        TokenVault(rotated, connection).renew()
    stop.set()
    worker.join()
    expire(connection)
    # the last one-use token is the stored one
    assert TokenVault(rotated, connection).bearer() in provider.access
    assert stored(connection)[0].state == "connected"


def test_a_value_replaced_between_reading_and_writing_is_left_alone(
    connect, provider, settings, rotated, monkeypatch
):
    connection = connect()
    real = seal.unseal

    def refreshed_meanwhile(keys, row, column):
        secret = real(keys, row, column)
        if column == "refresh_token_sealed" and keys is rotated.vault_keys:
            monkeypatch.setattr(seal, "unseal", real)
            TokenVault(settings, connection).renew()
        return secret

    monkeypatch.setattr(seal, "unseal", refreshed_meanwhile)
    rewrap.rotate(rotated.vault_keys)
    TokenVault(rotated, connection).renew()
    assert stored(connection)[0].state == "connected"


def test_the_commands_count_and_say_what_is_left(app, connect, environ):
    connect()
    answer = run(app, "keys", "check")
    assert (answer.exit_code, "credentials.access_token_sealed: 1 under t1" in answer.stdout) == (0, True)
    assert "Every secret that opens is under t1." in answer.stdout
    assert run(app, "keys", "rotate").exit_code == 0
    for command in (
        ["keys", "--help"],
        ["keys", "check", "--help"],
        ["keys", "rotate", "--help"],
        ["connections", "keepalive", "--help"],
    ):
        assert run(app, *command).exit_code == 0


def test_checking_names_what_does_not_open_and_fails(app, connect):
    connection = connect()
    break_token(connection, "refresh_token_sealed", lambda sealed: sealed[:-8])
    answer = run(app, "keys", "check")
    assert answer.exit_code == 1
    assert connection.id in answer.output
    assert "1 secrets do not open" in answer.output


def break_token(connection, column, change):
    with database.transaction() as db:
        row = db.get(Credential, connection.id)
        setattr(row, column, change(getattr(row, column)))


# --- what does not open is never served, and the service is not asked with it ---


@pytest.mark.parametrize("column", ["access_token_sealed", "refresh_token_sealed"])
@pytest.mark.parametrize(
    "how", ["changed", "cut", "empty", "plain", "swapped columns", "swapped rows", "another workspace's"]
)
def test_a_tampered_token_is_an_error(connect, provider, settings, people, column, how):
    connection, other = connect(key="account-1"), connect(key="account-2")
    foreign = connect(workspace=people.contoso, owner=people.charlie)
    elsewhere = {
        "access_token_sealed": "refresh_token_sealed",
        "refresh_token_sealed": "access_token_sealed",
    }[column]
    changed = {
        "changed": lambda sealed: sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:],
        "cut": lambda sealed: sealed[:-4],
        "empty": lambda sealed: "v1:t1:",
        "plain": lambda sealed: "canary-plain-token",
        "swapped columns": lambda sealed: getattr(stored(connection)[1], elsewhere),
        "swapped rows": lambda sealed: getattr(stored(other)[1], column),
        "another workspace's": lambda sealed: getattr(stored(foreign)[1], column),
    }[how]
    replacement = changed(getattr(stored(connection)[1], column))
    break_token(connection, column, lambda sealed: replacement)
    if column == "refresh_token_sealed":
        expire(connection)
    for _ in range(2):
        with pytest.raises(Undecipherable):
            TokenVault(settings, connection).bearer()
    assert provider.forms == []
    assert stored(connection)[1].claim_owner is None
    assert TokenVault(settings, other).bearer() in provider.access  # others are not affected


def test_a_credential_moved_to_another_connection_is_an_error(connect, settings):
    mine, other = connect(key="account-1"), connect(key="account-2")
    with database.transaction() as db:
        a, b = db.get(Credential, mine.id), db.get(Credential, other.id)
        for column in ("access_token_sealed", "refresh_token_sealed"):
            first, second = getattr(a, column), getattr(b, column)
            setattr(a, column, second)
            setattr(b, column, first)
    for connection in (mine, other):
        with pytest.raises(Undecipherable):
            TokenVault(settings, connection).bearer()


def test_a_key_that_is_gone_is_an_error(connect, only_new):
    with pytest.raises(Undecipherable):
        TokenVault(only_new, connect()).bearer()


# --- the canary: no token anywhere but in the service's hands ---


def test_no_token_is_found_in_the_database_the_logs_or_any_error(
    connect, provider, settings, database_url, caplog, capsys
):
    caplog.set_level(logging.DEBUG)
    logs.configure("text", "DEBUG")
    connection = connect()
    seen = [
        repr(connection),
        repr(stored(connection)),
        repr(TokenVault(settings, connection)),
        repr(settings),
    ]
    seen.append(repr(access.open_api(settings, connection)))
    problems = [
        lambda: access.open_api(settings, connection).get("/me"),
        lambda: TokenVault(settings, connection).renew(),
    ]
    for fault in (
        None,
        status(500, b"canary-body"),
        status(400, {"error": "canary_code"}, "application/json"),
    ):
        for problem in problems:
            expire(connection)
            provider.faults = [fault] if fault else []
            with database.transaction() as db:
                db.get(Credential, connection.id).cooldown_until = None
            try:
                problem()
            except PatchbayError as error:
                seen += [repr(error), str(error), json.dumps(error.details), repr(error.__cause__)]
    provider.refresh.clear()
    with database.transaction() as db:
        db.get(Credential, connection.id).cooldown_until = None
    with pytest.raises(PatchbayError) as caught:
        TokenVault(settings, connection).renew()
    seen += [repr(caught.value), stored(connection)[0].last_error]
    with database.transaction() as db:
        store.disconnect(db, connection)
    seen += [record.getMessage() for record in caplog.records] + [capsys.readouterr().err]
    assert "canary" not in "\n".join(seen)
    assert len(provider.forms) > 3
    path = Path(database_url.removeprefix("sqlite:///"))
    for file in path.parent.glob(path.name + "*"):
        assert b"canary" not in file.read_bytes()


def test_every_sealed_column_is_known_to_the_key_commands(app):
    names = {tally.name for tally in rewrap.check(KeyRing({"k": bytes(range(32))}))}
    expected = {
        f"{t.name}.{c.name}"
        for t in SQLModel.metadata.tables.values()
        for c in t.columns
        if c.name.endswith("_sealed")
    }
    assert names == expected
    assert "credentials.refresh_token_sealed" in names
