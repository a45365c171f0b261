"""Starting and stopping: an invalid setting is one sentence and an exit, and a killed launcher leaves nothing
behind.
"""

import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from app import config
from app.connectors import configuration
from app.errors import ConfigError
from tests.conftest import live_environment
from tests.floor.test_config import GOOD, LIVE
from tests.support.databases import ROOT
from tests.support.product import free_port, run_product
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"XERO_CLIENT_ID": "abc"}, "XERO_CLIENT_SECRET"),
        ({"GOOGLE_SHEETS_CLIENT_SECRET": "abc"}, "GOOGLE_SHEETS_CLIENT_ID"),
        ({"XERO_BASE_URL": "api.xero.com"}, "XERO_BASE_URL"),
        ({"GMAIL_TOKEN_URL": "ftp://example.com"}, "GMAIL_TOKEN_URL"),
        ({"GMAIL_TOKEN_URL": "https://user@example.com"}, "GMAIL_TOKEN_URL"),
        ({"REQUIRE_CONNECTOR": "zero"}, "REQUIRE_CONNECTOR"),
    ],
)
def test_a_half_set_service_is_refused_by_name(given, name):
    with pytest.raises(ConfigError, match=name):
        configuration.check(config.load({**GOOD, **given}))


def test_a_whole_service_and_addresses_of_its_own_are_taken():
    given = {
        "XERO_CLIENT_ID": "a",
        "XERO_CLIENT_SECRET": "b",
        "XERO_BASE_URL": "http://localhost:9/x",
        "REQUIRE_CONNECTOR": "any",
    }
    configuration.check(config.load({**GOOD, **given}))


def test_production_sends_tokens_over_https_only():
    with pytest.raises(ConfigError, match="XERO_TOKEN_URL"):
        configuration.check(config.load({**LIVE, "XERO_TOKEN_URL": "http://id.example.com/token"}))


@pytest.mark.parametrize(
    "given",
    [
        {"ENV": "production"},
        {"ENV": "production", "SANDBOX": "1", **LIVE},
        {**GOOD, "XERO_CLIENT_ID": "a"},
        {**GOOD, "GOOGLE_SIGN_IN_CLIENT_ID": "a"},
        {**GOOD, "MAIL_URL": "smtp://user:pass/word@mail.example.com"},
    ],
)
def test_the_web_server_ends_instead_of_starting_again_and_again(given, tmp_path):
    environ = live_environment(PORT=str(free_port()), INSTANCE_DIR=str(tmp_path), **given)
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ended.returncode != 0
    assert ended.stderr.startswith("Patchbay cannot start: ") and ended.stderr.count("\n") == 1


def test_a_setting_refused_by_a_worker_does_not_start_it_again(tmp_path):
    environ = live_environment(INSTANCE_DIR=str(tmp_path), **{**GOOD, "MAIL_FROM": "nobody"})
    command = [sys.executable, "-c", "import wsgi"]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=150)
    assert ended.stderr.startswith("Patchbay cannot start: MAIL_FROM") and ended.stderr.count("\n") == 1
    assert ended.returncode == 3  # gunicorn.arbiter.Arbiter.WORKER_BOOT_ERROR


def test_a_killed_launcher_leaves_nothing_behind(tmp_path):
    with run_product(tmp_path / "instance", WEB_CONCURRENCY="1") as product:
        os.kill(product.process.pid, signal.SIGKILL)
        product.process.wait()
        ports = [urlsplit(url).port for url in (product.url, product.sandbox_url)]
        until(lambda: not any(_listens(port) for port in ports))  # else a child outlived the launcher


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
