"""A service with real HTTP, a connection to it, and processes of the product."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app import config, database
from app.connectors import registry
from app.connectors.spec import Account
from app.vault import store
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet
from tests.conftest import People, live_environment
from tests.support.databases import ROOT
from tests.vault import provider as providers
from tests.vault.provider import Provider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    for slug, connector in providers.CONNECTORS.items():
        monkeypatch.setitem(registry.CONNECTORS, slug, connector)
    service = Provider()
    yield service
    service.close()


@pytest.fixture
def environ(environ: dict[str, str], provider: Provider) -> dict[str, str]:
    return {**environ, **provider.environ()}


@pytest.fixture
def connect(settings: config.Settings, people: People, provider: Provider) -> Callable[..., Connection]:
    """`connect("strict")` connects an account of that service for alice, with tokens the service has
    issued.
    """

    def _connect(
        slug: str = "strict",
        *,
        key: str = "account-1",
        owner: Any = None,
        workspace: Any = None,
        **tokens: Any,
    ) -> Connection:
        given = {**provider.issue(), **tokens}
        with database.transaction() as db:
            return store.connect(
                db,
                workspace_id=(workspace or people.northwind).id,
                owner_id=(owner or people.alice).id,
                slug=slug,
                account=Account(key, "The Account"),
                tokens=TokenSet(
                    given["access_token"], given.get("refresh_token"), given.get("expires_in"), raw=given
                ),
                scopes=("read",),
                keys=settings.vault_keys,
            )

    return _connect


def expire(connection: Connection) -> None:
    with database.transaction() as db:
        store.expire_in(db, connection, -1)


def stored(connection: Connection) -> tuple[Connection, Credential]:
    """The rows as they are in the database now."""
    with database.reading() as db:
        row, credential = db.get(Connection, connection.id), db.get(Credential, connection.id)
    assert row is not None and credential is not None
    return row, credential


@dataclass
class Crew:
    """Processes of the product that call the service at the same moment."""

    processes: list[subprocess.Popen[str]]

    def go(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def results(self) -> list[dict[str, Any]]:
        return [json.loads(process.stdout.readline()) for process in self.processes if process.stdout]


@pytest.fixture
def start_crew(environ: dict[str, str]) -> Iterator[Callable[..., Crew]]:
    started: list[subprocess.Popen[str]] = []

    def _start(connection: Connection, *, processes: int, threads: int) -> Crew:
        command = [
            sys.executable,
            "-m",
            "tests.vault.worker",
            str(threads),
            connection.workspace_id,
            connection.id,
        ]
        crew = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=live_environment(**environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(processes)
        ]
        started.extend(crew)
        for process in crew:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return Crew(crew)

    yield _start
    for process in started:
        process.kill()
        process.communicate()
