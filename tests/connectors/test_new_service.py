"""`connectors new SLUG`: what it writes works at once and passes the contract of every connector."""

import re
import shutil
import subprocess
import sys

import pytest

from app.connectors import new_service
from app.errors import ConfigError
from tests.support.databases import ROOT

pytestmark = pytest.mark.slow

PARTS = (
    "app",
    "tests",
    "bench",
    "migrations",
    "static",
    "templates",
    "wsgi.py",
    "pyproject.toml",
    "alembic.ini",
)
INSTALLED = shutil.ignore_patterns("node_modules", ".venv")
REGISTRY = (ROOT / "app/connectors/registry.py").read_text()


@pytest.fixture
def tree(tmp_path):
    """A copy of the project to write into, with what Python has compiled, without what was installed."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tmp_path / part, ignore=INSTALLED)
        else:
            shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


def test_the_skeleton_passes_the_contract_as_it_is_written(tree, environ):
    def run(*command):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tree, env=environ, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    environ = {"PATH": "/usr/bin:/bin", **environ}
    status, output = run("flask", "--app", "wsgi", "connectors", "new", "acme_books", "--name", "Acme Books")
    assert status == 0, output
    written = [line for line in output.splitlines() if line.endswith(".py")]
    assert "app/sandbox/services/acme_books.py" in written and "app/connectors/registry.py" in written
    for check in (["check"], ["format", "--check"]):
        status, output = run("ruff", *check, *written)
        assert status == 0, output
    status, output = run("pytest", "tests/connectors", "tests/mcp_server/test_listing.py", "-k", "acme_books")
    assert status == 0 and int(re.search(r"(\d+) passed", output)[1]) > 20, output
    status, output = run("flask", "--app", "wsgi", "connectors", "new", "acme_books")
    assert status == 1 and "There is a service acme_books already" in output


@pytest.mark.parametrize(
    "slug",
    [
        "x",
        "Acme",
        "acme-books",
        "../acme",
        "acme__books",
        "acme2",
        "hub",
        "memory_of_us",
        "a" * 21,
        "",
        "xero",
        "spec",
    ],
)
def test_a_slug_that_cannot_be_one_writes_nothing(tmp_path, slug):
    shutil.copytree(
        ROOT / "app/connectors", tmp_path / "app/connectors", ignore=shutil.ignore_patterns("__pycache__")
    )
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError):
        new_service.write(tmp_path, slug)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "app/connectors/registry.py").read_text() == REGISTRY


@pytest.mark.parametrize("name", ['Acme "Books"', "x" * 41, "{Acme}", "$slug"])
def test_a_name_that_would_break_the_code_is_refused(tmp_path, name):
    with pytest.raises(ConfigError):
        new_service.write(tmp_path, "acme_books", name)


def test_a_planned_service_keeps_its_place():
    planned = REGISTRY.replace(
        "    gmail.CONNECTOR,\n",
        '    gmail.CONNECTOR,\n    Planned("acme_books", "Acme Books", "Contacts"),\n',
    )
    text = new_service.registered(planned, "acme_books")
    assert "    gmail.CONNECTOR,\n    acme_books.CONNECTOR,\n" in text and 'Planned("acme_books"' not in text


def test_many_services_wrap_the_import():
    text = REGISTRY
    for slug in ("aaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc", "dddddddddddddddd"):
        text = new_service.registered(text, slug)
    compile(text, "registry", "exec")
    assert max(map(len, text.splitlines())) <= 140
    assert text.index("aaaaaaaaaaaa.CONNECTOR") < text.index("dddddddddddddddd.CONNECTOR")
