"""Wrong VAULT_KEYS stop the start with a sentence that names the key, and `/ready` says so."""

import base64
import subprocess
import sys

import pytest
from sqlalchemy import select

from app import config, database
from app.backup import at_start
from app.errors import ConfigError
from app.factory import create_app
from app.vault import rewrap
from app.vault.models import Credential, VaultKeyProof
from tests.conftest import both_databases, live_environment
from tests.support.databases import ROOT
from tests.support.product import free_port


def key(key_id, first=100):
    return f"{key_id}:" + base64.b64encode(bytes(range(first, first + 32))).decode()


@pytest.fixture
def with_keys(environ):
    return lambda *keys: config.load({**environ, "VAULT_KEYS": ",".join(keys)})


@pytest.fixture
def own(environ):
    return environ["VAULT_KEYS"]


def run(settings, *words, status=0):
    ran = create_app(settings).test_cli_runner().invoke(args=list(words))
    assert ran.exit_code == status and "Traceback" not in ran.output, ran.output
    return ran.output


def proofs():
    with database.reading() as db:
        return {row.key_id for row in db.scalars(select(VaultKeyProof))}


@both_databases
def test_a_new_database_stores_the_proof_of_its_key_once(app, settings, database_kind):
    at_start.check(settings)
    create_app(settings)
    assert proofs() == {"t1"}
    at_start.check(settings)


@both_databases
@pytest.mark.parametrize("was_started", [True, False])
def test_wrong_keys_refuse_to_start_and_are_named(
    app, connect, settings, with_keys, own, was_started, database_kind
):
    connect()
    if was_started:
        at_start.check(settings)
    for keys, words in (
        ([key("t1")], "the key t1 is not the one that this database was encrypted with"),
        ([key("n2")], "t1"),
    ):
        with pytest.raises(ConfigError, match=words) as refused:
            at_start.check(with_keys(*keys))
        assert keys[0].split(":")[1] not in refused.value.message, "no key is quoted"
        ready = create_app(with_keys(*keys)).test_client().get("/ready")
        assert ready.status_code == 503 and ready.json["checks"]["keys"] is False
        assert ready.json["checks"]["database"] is True
    at_start.check(with_keys(key("n2"), own))
    assert create_app(settings).test_client().get("/ready").json["checks"]["keys"] is True


@both_databases
def test_a_rotation_goes_through_and_the_old_key_may_go(connect, settings, with_keys, own, database_kind):
    connect()
    at_start.check(settings)
    both = with_keys(key("n2"), own)
    at_start.check(both)
    with pytest.raises(ConfigError, match="lacks the key t1"):
        at_start.check(with_keys(key("n2")))
    assert "Every secret that opens is under n2" in run(both, "keys", "rotate")
    assert proofs() == {"n2"}
    at_start.check(with_keys(key("n2")))
    assert "under n2" in run(with_keys(key("n2")), "keys", "check")


def test_a_key_that_is_lost_for_good_can_be_forgotten(connect, settings, with_keys, own):
    connect()
    at_start.check(settings)
    new = with_keys(key("n2"))
    at_start.check(with_keys(key("n2"), own))
    assert "keys forget t1" in run(new, "keys", "check", status=1)
    assert "VAULT_KEYS holds the key n2" in run(new, "keys", "forget", "n2", status=1)
    assert "Nothing here requires a key x9" in run(new, "keys", "forget", "x9", status=1)
    assert "starts without the key t1" in run(new, "keys", "forget", "t1")
    at_start.check(new)


def test_a_key_lost_long_before_the_proofs_does_not_stop_an_upgrade(connect, settings, with_keys, own):
    connect()
    both = with_keys(key("n2"), own)
    connection = connect(key="account-2")
    rewrap.rotate(both.vault_keys)
    with database.transaction() as db:  # one that still lies under a key nobody has
        row = db.get(Credential, connection.id)
        row.access_token_sealed = row.access_token_sealed.replace("v1:n2:", "v1:gone:")
    at_start.check(with_keys(key("n2")))


@pytest.mark.slow
def test_the_web_server_does_not_start_with_wrong_keys(connect, environ, settings):
    connect()
    at_start.check(settings)
    wrong = live_environment(**{**environ, "VAULT_KEYS": key("t1"), "PORT": str(free_port())})
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT,
        env=wrong,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0 and ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("Patchbay cannot start: VAULT_KEYS: the key t1 is not the one")


def test_a_database_that_is_away_or_not_migrated_does_not_stop_the_start(environ, tmp_path):
    at_start.check(config.load({**environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}"}))
    assert not (tmp_path / "none.db").exists()
    at_start.check(config.load({**environ, "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}))
