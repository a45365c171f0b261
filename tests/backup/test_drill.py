"""The restore drill: back up, go on working, restore. Through the commands and HTTP."""

import base64
import hashlib
import os
import sqlite3
import stat
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url, select

from app import config, database, events
from app.backup import at_start, files, image
from app.backup.files import connection_of
from app.errors import ConfigError
from app.factory import create_app
from app.usage.models import UsageMark
from app.vault.models import PendingRevocation
from app.vault.refresh import TokenVault
from app.webhooks.models import FAILED, WebhookDelivery
from tests.conftest import both_databases
from tests.support import databases, keys
from tests.support.ai_client import AiClient
from tests.support.visitor import Visitor
from tests.support.waiting import AT_MOST_SECONDS

_OTHER_KEY = base64.b64encode(hashlib.sha256(b"another vault key").digest()).decode()


def run(app, *words, status=0):
    ran = app.test_cli_runner().invoke(args=list(words))
    assert ran.exit_code == status and "Traceback" not in ran.output, ran.output
    return ran.output


@pytest.fixture
def backup(app, tmp_path):
    """`backup()` writes one and returns its path."""

    def _backup(name="company.backup"):
        run(app, "backup", str(tmp_path / name))
        return tmp_path / name

    return _backup


@both_databases
def test_a_restored_installation_revives_nothing_that_ended(
    app, alice, people, connect, provider, settings, backup, database_kind
):
    connection = connect("graceful")
    client, waiting = AiClient(app), AiClient(app)
    for each in (client, waiting):
        each.register()
    tokens = client.connect(alice)
    unredeemed = waiting.code(alice)
    path = backup()

    # After the backup: a code is redeemed, a refresh token rotates, a person signs out.
    assert waiting.exchange(unredeemed).status == 200
    rotated = client.refresh(tokens["refresh_token"])
    assert rotated.status == 200
    cookies = dict(alice.client._cookies)

    checked = run(app, "restore", "--check", str(path))
    assert "secrets open with VAULT_KEYS, 0 do not" in checked and "as written" in checked
    assert alice.get("/account").status_code == 200, "checking changes nothing"
    assert "in use" in run(app, "restore", str(path), status=1)
    effects = run(app, "restore", "--replace", str(path))
    assert "login sessions ended" in effects and "connections have a refresh token" in effects

    alice.client._cookies = cookies
    assert alice.get("/account").status_code in {302, 303}, "the session of that time"
    assert waiting.exchange(unredeemed).status == 400, "the code was redeemed"
    for dead in (tokens["refresh_token"], rotated["refresh_token"]):
        assert client.refresh(dead).status == 400
    answer = Visitor(app).client.post(
        "/mcp", json={}, headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert answer.status_code == 401
    assert TokenVault(settings, connection).bearer() in provider.access
    assert "unchanged" in run(app, "audit", "verify")
    assert "Every secret that opens is under t1" in run(app, "keys", "check")


@both_databases
def test_a_webhook_that_waited_in_a_backup_is_not_sent_again(app, alice, people, backup, database_kind):
    """It may have arrived since. Its log offers to send it again."""
    alice.submit(
        "/webhooks", {"url": "http://localhost:9/hook", "description": "", "events": ["member.joined"]}
    )
    with database.transaction() as db:
        events.announce(
            db,
            "member.joined",
            workspace_id=people.northwind.id,
            sentence="It happened.",
            user_id=people.bob.id,
            name="",
            email="bob@example.com",
            role="member",
        )
    path = backup()
    assert "1  webhook deliveries given up" in run(app, "restore", "--replace", str(path))
    with database.reading() as db:
        [delivery] = db.scalars(select(WebhookDelivery))
    assert (delivery.state, delivery.next_at) == (FAILED, None)


@both_databases
def test_a_backup_is_whole_private_and_never_overwrites(app, people, backup, database_kind):
    path = backup()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name(path.name + ".sha256").stat().st_mode) == 0o600
    noted = path.with_name(path.name + ".sha256").read_text()
    assert noted == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    before = path.read_bytes()
    assert "exists already" in run(app, "backup", str(path), status=1)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if "partial" in each.name] == []


@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
def test_a_backup_of_one_kind_of_database_restores_into_the_other(
    app, people, backup, environ, tmp_path, database_kind
):
    with database.transaction() as db:
        db.add(_revocation())
    path = backup()
    other, name = _empty_of_other_kind(database_kind, tmp_path)
    try:
        second = create_app(config.load({**environ, "DATABASE_URL": other}))
        run(second, "restore", str(path))
        with database.reading() as db:
            row = db.get(PendingRevocation, "rev_1")
            assert (row.slug, row.account_key, row.attempts) == ("xero", "tab\there \\N \\ ü\r\n", 3)
            assert row.next_try_at == _revocation().next_try_at
            assert {user.email for user in (db.get(type(people.bob), people.bob.id),)} == {"bob@example.com"}
        assert "unchanged" in run(second, "audit", "verify")
        database.current().close()
    finally:
        if name:
            databases.drop_postgres(name)


def _revocation():
    at = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    return PendingRevocation(
        id="rev_1",
        workspace_id="wsp_northwind",
        slug="xero",
        connection_id="con_1",
        account_key="tab\there \\N \\ ü\r\n",
        token_field="access_token_sealed",
        token_sealed="",
        attempts=3,
        next_try_at=at,
        created_at=at,
    )


def _empty_of_other_kind(database_kind, tmp_path):
    if database_kind == "postgres":
        return f"sqlite:///{tmp_path / 'other.db'}", None
    return databases.new_empty_postgres()


def test_wrong_keys_are_refused_before_anything_starts(app, connect, backup, environ, people):
    connect()
    path = backup()
    for given, words in (
        ({"VAULT_KEYS": "t1:" + _OTHER_KEY}, "key t1 is not the one"),
        ({"VAULT_KEYS": "n2:" + _OTHER_KEY}, "none of the keys"),
        ({"SECRET_KEY": keys.SECRET_KEY[::-1]}, "another SECRET_KEY"),
    ):
        other = create_app(config.load({**environ, **given}))
        for words_of_command in (["restore", "--check"], ["restore", "--replace"]):
            text = run(other, *words_of_command, str(path), status=1)
            assert words in text and "Nothing was changed" in text
    create_app(config.load(environ))
    with database.reading() as db:
        assert db.get(type(people.bob), people.bob.id) is not None


@pytest.mark.parametrize("how", ["changed", "cut", "text", "missing", "newer"])
def test_a_file_that_is_no_whole_backup_is_refused_by_name(app, backup, tmp_path, how):
    path = backup()
    content = path.read_bytes()
    if how == "missing":
        path = tmp_path / "nowhere"
    elif how == "text":
        path = tmp_path / "letter.txt"
        path.write_text("Dear operator")
    elif how == "newer":
        path.with_name(path.name + ".sha256").unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else content[:-1] + b"\xff")
    text = run(app, "restore", "--check", str(path), status=1).splitlines()[-1]
    expected = {
        "changed": "its checksum",
        "cut": "its checksum",
        "text": "is not a backup",
        "missing": "There's no backup at",
        "newer": "9999, which this release doesn't know",
    }
    assert text.startswith("Error: ") and expected[how] in text


def test_a_copied_backup_does_not_start_until_it_is_finished(app, alice, people, backup, environ, tmp_path):
    path = backup()
    place = tmp_path / "by-hand.db"
    place.write_bytes(path.read_bytes())
    settings = config.load({**environ, "DATABASE_URL": f"sqlite:///{place}"})
    with pytest.raises(ConfigError, match="restore --finish"):
        at_start.check(settings)
    second = create_app(settings)
    assert "login sessions ended" in run(second, "restore", "--finish")
    at_start.check(settings)


@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["postgres"])
def test_pg_dump_that_is_missing_or_too_old_is_named(app, tmp_path, monkeypatch, database_kind):
    monkeypatch.setattr(files, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "pg_dump is missing" in run(app, "backup", str(tmp_path / "x"), status=1)
    old = tmp_path / "bin" / "pg_dump"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}/bin")
    text = run(app, "backup", str(tmp_path / "x"), status=1)
    assert "pg_dump is of version 9 and the server of version" in text
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith((".x", "x"))] == []


def test_the_password_is_never_on_a_command_line():
    for text in ("postgresql+psycopg://u:hidden@h:1/x?sslmode=require", "postgresql://u@h/x?password=hidden"):
        url, environ = connection_of(make_url(text))
        assert "hidden" not in url and environ["PGPASSWORD"] == "hidden"


@both_databases
def test_a_backup_is_consistent_while_others_write(app, people, backup, database_kind):
    """Each transaction writes a pair; no backup holds half of one."""
    stop, written = threading.Event(), threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            with database.transaction() as db:
                db.merge(UsageMark(name="first", upto=number))
                db.flush()
                db.merge(UsageMark(name="second", upto=number))
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(AT_MOST_SECONDS)
        paths = [backup(f"{n}.backup") for n in range(3)]
    finally:
        stop.set()
        writer.join()
    for path in paths:
        with image.load(path) as (loaded, _), loaded.reading() as db:
            first, second = db.get(UsageMark, "first"), db.get(UsageMark, "second")
            assert first.upto == second.upto
