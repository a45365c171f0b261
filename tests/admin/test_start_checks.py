"""How the installation is set up: one block at the start, the same on the health page, no secret in it."""

import json
import logging
import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest

from app import clock, config, database, startup
from app.admin import hosts, start_checks
from app.admin.models import RunningHost
from tests.conftest import both_databases, live_environment
from tests.support.databases import ROOT
from tests.support.keys import SECRET_KEY, VAULT_KEY

LIVE = {
    "ENV": "production",
    "SANDBOX": "0",
    "PUBLIC_URL": "https://hub.example.com",
    "MAIL_URL": "smtp://hub:mail-password@smtp.example.com",
    "TRUSTED_PROXIES": "1",
}


@pytest.fixture(autouse=True)
def _as_after_a_start():
    hosts.forget()
    yield
    hosts.forget()


def block_of(environ, **given):
    return startup.block(config.load({**environ, **given}), 3)


def line(block, name):
    return re.search(rf"^  {name} +(.*)$", block, re.MULTILINE)[1]


def test_the_block_says_what_runs(environ):
    block = block_of(environ, VAULT_KEYS=f"new:{VAULT_KEY},{environ['VAULT_KEYS']}", WEB_THREADS="16")
    assert line(block, "Mode") == "test"
    assert line(block, "Address") == "http://localhost:8000"
    assert line(block, "MCP URL") == "http://localhost:8000/mcp"
    assert line(block, "Proxies") == "none trusted"
    assert line(block, "Email") == "not sent; read it at http://localhost:8000/dev/mailbox"
    assert line(block, "Services").startswith("imitated: ") and "Xero" in line(block, "Services")
    assert line(block, "Vault keys") == "new (encrypts), t1"
    assert line(block, "Database").startswith("SQLite, /")
    assert line(block, "Redis") == "not used"
    assert line(block, "Web server") == "3 processes × 16 threads on port 8000"
    assert "WARNING" not in block


def test_the_block_of_a_production_names_hosts_and_no_secret(environ):
    given = {
        "DATABASE_URL": "postgresql://hub:db-password@db.example.com/hub",
        "REDIS_URL": "redis://:redis-password@cache.example.com",
        "XERO_CLIENT_ID": "xero-id",
        "XERO_CLIENT_SECRET": "xero-secret",
        "METRICS_TOKEN": "metrics-token-of-the-operator",
    }
    block = block_of(environ, **LIVE, **given)
    assert line(block, "Proxies") == "1 trusted"
    assert line(block, "Email").startswith("through smtp.example.com, from ")
    assert re.search(r"real: .*Xero.*; not set up: .*Gmail", line(block, "Services"))
    assert "imitated" not in block
    assert line(block, "Database") == "PostgreSQL on db.example.com"
    assert line(block, "Redis") == "cache.example.com"
    assert "WARNING" not in block
    for secret in ("password", "xero-secret", "metrics-token", SECRET_KEY, VAULT_KEY):
        assert secret not in block


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        ({**LIVE, "MAIL_URL": ""}, "No email is sent, .*: set MAIL_URL"),
        ({**LIVE, "TRUSTED_PROXIES": "0"}, "TRUSTED_PROXIES is 0, .*: set TRUSTED_PROXIES"),
        ({**LIVE, "DEBUG_TOOLS": "1"}, "DEBUG_TOOLS is on in production, .*: remove it"),
        ({**LIVE, "DEBUG_OAUTH": "1"}, "DEBUG_OAUTH is on in production, .*: remove it"),
        ({**LIVE, "METRICS_TOKEN": "secret"}, "METRICS_TOKEN is short enough to guess: make one"),
        ({**LIVE, "ENV": "development"}, "ENV is development, .*: set ENV=production"),
    ],
)
def test_what_would_hurt_is_a_sentence_with_the_remedy(environ, given, warning):
    found = [each for each in block_of(environ, **given).splitlines() if "WARNING" in each]
    assert len(found) == 1 and re.search(warning, found[0]) and found[0].endswith(".")


def test_a_log_in_json_gets_one_line(environ):
    written = json.loads(block_of(environ, LOG_FORMAT="json"))
    assert (
        written["mode"] == "test" and written["vault_keys"] == "t1 (encrypts)" and written["warnings"] == []
    )


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "fuse.s3fs"])
def test_a_database_file_on_another_machine_is_found(tmp_path, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        f"40 22 0:52 / /srv/a\\040share rw shared:9 - {kind} nas:/share rw\n"
        "41 40 0:53 / /srv/a\\040share/local rw - xfs /dev/sdb rw\n"
    )
    of = lambda path: start_checks.filesystem_of(path, mounts)  # noqa: E731
    assert of(tmp_path) == "ext4"
    assert of(type(tmp_path)("/srv/a share/hub.db")) == kind
    assert of(type(tmp_path)("/srv/a share/local/hub.db")) == "xfs"
    assert of(type(tmp_path)("/srv/a shared/hub.db")) == "ext4"


def test_a_network_file_system_is_a_warning(environ, monkeypatch):
    monkeypatch.setattr(start_checks, "filesystem_of", lambda path: "nfs4")
    assert "network file system (nfs4)" in block_of(environ)
    assert "network" not in block_of(environ, DATABASE_URL="postgresql://localhost/hub")


def test_the_health_page_shows_the_same(dana):
    page = dana.get("/admin/health").text
    for words in (
        "Installation",
        "http://localhost:8000/mcp",
        "None trusted",
        "imitated: ",
        "Database storage",
    ):
        assert words in page


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "via"])
def test_a_proxy_that_nobody_trusts_is_a_warning_once(dana, visitor, caplog, name):
    assert hosts.UNTRUSTED_PROXY not in dana.get("/admin/health").text
    for _ in range(3):
        with caplog.at_level(logging.WARNING):
            visitor.get("/health", headers={name: "203.0.113.9"}, environ_base={"REMOTE_ADDR": "10.0.0.2"})
    assert caplog.text.count(hosts.UNTRUSTED_PROXY) == 1
    assert "set TRUSTED_PROXIES" in dana.get("/admin/health").text


def test_a_stranger_cannot_make_that_warning(dana, visitor):
    away = {"REMOTE_ADDR": "198.41.0.4"}
    visitor.get("/health", headers={"X-Forwarded-For": "10.0.0.2"}, environ_base=away)
    assert "set TRUSTED_PROXIES" not in dana.get("/admin/health").text


@both_databases
def test_every_process_hears_of_the_proxy(dana, visitor):
    visitor.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
    hosts.beat(started_at=clock.now())
    hosts.forget()  # as another process, which noticed nothing
    assert "set TRUSTED_PROXIES" in dana.get("/admin/health").text
    clock.shift(timedelta(days=2))
    assert not hosts.sees_untrusted_proxy()


class TestWithTheProxyTrusted:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "TRUSTED_PROXIES": "1"}

    def test_nothing_is_to_be_said(self, dana, visitor):
        visitor.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
        assert "1 trusted" in dana.get("/admin/health").text
        assert "set TRUSTED_PROXIES" not in dana.page


def another_host(seen_at):
    with database.transaction() as db:
        db.merge(RunningHost(name="web-2", seen_at=seen_at))


def test_two_hosts_on_one_sqlite_file_are_found(app, dana):
    started_at = clock.now()
    assert hosts.beat(started_at=started_at) == []
    clock.shift(timedelta(minutes=1))
    another_host(clock.now())
    assert hosts.beat(started_at=started_at) == ["web-2"]
    page = dana.get("/admin/health").text
    assert "web-2" in page and "set DATABASE_URL to PostgreSQL" in page and "At risk" in page


def test_a_host_that_took_over_from_another_is_not_two(app, dana):
    """Every deployment of a container has another host name."""
    another_host(clock.now())
    clock.shift(timedelta(seconds=20))
    started_at = clock.now()
    assert hosts.beat(started_at=started_at) == []
    clock.shift(timedelta(minutes=1))
    assert hosts.beat(started_at=started_at) == []
    assert "At risk" not in dana.get("/admin/health").text
    clock.shift(timedelta(days=2))
    hosts.beat(started_at=started_at)
    with database.reading() as db:
        assert db.get(RunningHost, "web-2") is None


@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["postgres"])
def test_several_hosts_on_postgresql_are_well(app, dana):
    another_host(clock.now() + timedelta(seconds=90))
    assert hosts.beat(started_at=clock.now()) == []
    assert "At risk" not in dana.get("/admin/health").text


@pytest.mark.parametrize("announced", ["", "1"])
def test_the_web_server_prints_it_once_unless_its_launcher_did(environ, tmp_path, announced):
    given = {**environ, "ENV": "development", startup.ANNOUNCED: announced}
    checked = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "wsgi:app"],
        cwd=ROOT,
        env=live_environment(**{**os.environ, **given}),
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert checked.stdout.count("  Mode ") == (0 if announced else 1), checked.stderr
    assert VAULT_KEY not in checked.stdout + checked.stderr
