"""The people are always the same: alice owns the workspace Northwind, bob is a member of it,
charlie owns another company (Contoso), dana operates the installation and is in no workspace."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app import clock, config, database
from app.accounts import sessions
from app.accounts.models import User
from app.factory import create_app
from app.workspaces.models import Membership, Workspace
from tests.support import databases, garbage, processes, scratch, services
from tests.support.compiled import Templates, share_statements, share_url_maps
from tests.support.hashing import use_quick_hashes
from tests.support.keys import SECRET_KEY, VAULT_KEY
from tests.support.mail import code_for, mailbox  # noqa: F401
from tests.support.order import spread_groups
from tests.support.patience import make_database_patient
from tests.support.product import Product, run_product
from tests.support.sessions import start_session
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

both_databases = pytest.mark.parametrize(
    "database_kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.needs_postgres)]
)
_SLOW_FIXTURES = {"product", "start_crew"}  # they start processes of the product
_skipped: set[str] = set()
_templates = Templates()
_browsers: list["Browser"] = []
scratch.use_memory()
use_quick_hashes()
share_statements()
share_url_maps()


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "chromium" in fixtures or item.get_closest_marker("needs_chromium"):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs_chromium)
        if fixtures & _SLOW_FIXTURES:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("needs_node") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))  # the first one installs the programs
        for marker, present in services.NEEDS.items():
            if item.get_closest_marker(marker) and not present():
                _skipped.add(marker)
                item.add_marker(pytest.mark.skip(reason=f"{marker}: not found on this machine"))
    if getattr(config.option, "loadgroup", False):  # set in workers of pytest-xdist
        items[:] = spread_groups(items)


def pytest_collection_finish() -> None:
    garbage.leave_out_what_stays()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = sorted(
        marker.removeprefix("needs_") for marker, present in services.NEEDS.items() if not present()
    )
    if missing:
        terminalreporter.section("MISSING SERVICES", sep="!", red=True)
        terminalreporter.write_line("Tests were skipped because this machine lacks: " + ", ".join(missing))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    databases.drop_unused()
    if services.REQUIRED and not all(present() for present in services.NEEDS.values()):
        session.exitstatus = 1


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.reset()


@pytest.fixture
def early() -> None:
    """Sets the clock just past the hour, so that no budget window ends during the test."""
    clock.shift(timedelta(seconds=3_601 - clock.timestamp() % 3_600))


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this process stands still, and moves by `clock.shift` alone."""
    at = clock.host_now()
    monkeypatch.setattr(clock, "host_now", lambda: at)


@pytest.fixture
def patient_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a connection or a lock waits as long as a slow machine needs.

    For tests of what many do at once. Request it before `app`, with `usefixtures`.
    """
    make_database_patient(monkeypatch.setattr)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The URL of the sandbox: a real process, shared by all tests. The lever `reset` restores a service."""
    with processes.run_sandbox() as url:
        yield url


@pytest.fixture
def levers(sandbox: str) -> Callable[[str], processes.Levers]:
    """`levers("stripe")("fail", status=503)`."""
    return lambda slug: processes.Levers(sandbox, slug)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product as its users run it, one installation per test process. Each test creates its own
    people.
    """
    with run_product(tmp_path_factory.mktemp("product"), LOG_LEVEL="DEBUG") as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """The one Chromium of a process: Playwright cannot start a second one beside it."""
    from tests.support.browser import open_chromium

    with open_chromium() as browser:
        _browsers.append(browser)
        yield browser
        _browsers.remove(browser)


def _contexts() -> list["BrowserContext"]:
    return [context for browser in _browsers for context in browser.contexts]


@pytest.fixture(autouse=True)
def _close_what_a_test_opened() -> Iterator[None]:
    """Open pages poll every few seconds, so close them."""
    before = _contexts()
    yield
    for context in _contexts():
        if context not in before:
            context.close()


@pytest.fixture(scope="module", autouse=True)
def _close_what_a_module_opened() -> Iterator[None]:
    yield
    for context in _contexts():
        context.close()


@pytest.fixture
def database_kind() -> str:
    """Which database a test runs on; `@both_databases` runs it on both."""
    return "sqlite"


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path) -> Iterator[str]:
    if database_kind == "sqlite":
        yield databases.new_sqlite(tmp_path)
        return
    url, name = databases.new_postgres()
    yield url
    if database._current is not None and database._current.url == url:
        database._current.close()
    databases.drop_postgres(name)


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment the application is built from. A test may change it before it requests `app`."""
    return {
        "ENV": "test",
        "PORT": "8000",
        "INSTANCE_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "VAULT_KEYS": f"t1:{VAULT_KEY}",
        "SANDBOX": "1",
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> config.Settings:
    return config.load(environ)


@pytest.fixture
def app(settings: config.Settings) -> Iterator[Flask]:
    application = create_app(settings)
    application.jinja_env.bytecode_cache = _templates
    yield application
    database.current().close()


@pytest.fixture
def queries(app, monkeypatch):
    """The raw driver connections taken so far: one per statement that bypasses the session."""
    taken, raw_connection = [], database.Database.raw_connection
    monkeypatch.setattr(
        database.Database, "raw_connection", lambda self: taken.append(1) or raw_connection(self)
    )
    return taken


@dataclass(frozen=True)
class People:
    alice: User
    bob: User
    charlie: User
    dana: User
    northwind: Workspace
    contoso: Workspace


@pytest.fixture
def people(app: Flask) -> People:
    """alice owns Northwind, bob is a member of it, charlie owns Contoso, dana operates the installation."""
    at = clock.now()
    names = ("alice", "bob", "charlie", "dana")
    users = {
        name: User(id=f"usr_{name}", email=f"{name}@example.com", name=name.title(), created_at=at)
        for name in names
    }
    users["dana"].is_operator = True
    northwind = Workspace(id="wsp_northwind", name="Northwind", created_at=at)
    contoso = Workspace(id="wsp_contoso", name="Contoso", created_at=at)
    with database.transaction() as db:
        db.add_all([*users.values(), northwind, contoso])
        db.flush()
        db.add_all(
            [
                Membership(workspace_id=northwind.id, user_id=users["alice"].id, role="owner", created_at=at),
                Membership(workspace_id=northwind.id, user_id=users["bob"].id, role="member", created_at=at),
                Membership(workspace_id=contoso.id, user_id=users["charlie"].id, role="owner", created_at=at),
            ]
        )
    return People(**users, northwind=northwind, contoso=contoso)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(app)


@pytest.fixture
def sign_in(app: Flask):
    """`sign_in(people.alice)` returns a Visitor with a login session, in the person's first workspace."""

    def _sign_in(user: User) -> Visitor:
        visitor = Visitor(app)
        visitor.client.set_cookie(sessions.cookie_name(app.extensions["patchbay"]), start_session(user))
        visitor.get("/nowhere")  # the lightest page with a token for forms
        return visitor

    return _sign_in


@pytest.fixture
def alice(people: People, sign_in: Callable[[User], Visitor]) -> Visitor:
    """alice, signed in, in her workspace Northwind. In tests/mcp_server and tests/approvals: her AI
    client.
    """
    return sign_in(people.alice)


def live_environment(**extra: str) -> dict[str, str]:
    """For child processes: this process's environment without settings of the product."""
    inherited = {
        k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE"}
    }
    return {**inherited, **extra}
