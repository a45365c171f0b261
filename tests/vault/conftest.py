"""A service with real HTTP, a connection to it, and processes of the product."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest

from app import config, database
from app.connectors import endpoints
from app.connectors.services import services_of
from app.connectors.spec import Account
from app.vault import access, credentials, form_exchange, refresh, store
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet
from tests.conftest import People, live_environment
from tests.mcp_client.closing import Keeping, closed_later  # noqa: F401
from tests.support import forks
from tests.support.catalogue import install
from tests.support.mcp_upstreams import Upstream
from tests.vault import added, worker
from tests.vault import provider as providers
from tests.vault.provider import CLIENT, PASSWORD, Provider

MINE = {
    "keyed": {},
    "daily": {},
    "minted": {"client_id": CLIENT[0], "client_secret": CLIENT[1]},
    "logged": {"email": "kim@example.com", "password": PASSWORD},
}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    install(*providers.CONNECTORS.values(), monkeypatch=monkeypatch)
    service = Provider()
    yield service
    service.close()


@pytest.fixture
def environ(environ: dict[str, str], provider: Provider) -> dict[str, str]:
    return {**environ, **provider.environ(), "MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1"}


@pytest.fixture
def add_server(
    settings: config.Settings,
    people: People,
    provider: Provider,
    closed_later: Keeping[Upstream],  # noqa: F811
) -> Iterator[Callable[[], Upstream]]:
    """`add_server()`: Northwind adds an MCP server at which people sign in with the service, once."""
    with ExitStack() as serving:
        servers: list[Upstream] = []

        def _add() -> Upstream:
            if not servers:
                served = added.serve(settings, people.northwind.id, provider)
                servers.append(serving.enter_context(closed_later(served)))
            return servers[0]

        yield _add


@pytest.fixture
def connect(
    settings: config.Settings, people: People, provider: Provider, add_server: Callable[[], Upstream]
) -> Callable[..., Connection]:
    """`connect("strict")` connects an account of that service for alice, with tokens the service issued."""

    def _connect(
        slug: str = "strict",
        *,
        key: str = "account-1",
        owner: Any = None,
        workspace: Any = None,
        **tokens: Any,
    ) -> Connection:
        given = {**provider.issue(), **tokens}
        if slug == added.SLUG:
            add_server()
            key = ""  # an MCP server names no account
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


@pytest.fixture
def fill_in(settings: config.Settings, people: People, provider: Provider) -> Callable[..., Connection]:
    """`fill_in("minted")` connects by that service's form, as the hub does."""

    def _fill_in(slug: str, before: Connection | None = None, **changed: Any) -> Connection:
        connector = services_of(None).get(slug)
        where, [form] = endpoints.resolve(connector, settings), connector.forms
        given = {
            **(MINE[slug] or {form.fields[0].name: provider.issue()["access_token"]}),
            **changed,
        }
        tokens = form_exchange.obtain(connector, where, form, given)
        account = access.probe(settings, connector, where, tokens, {name: given[name] for name in form.facts})
        with database.transaction() as db:
            if before is not None:
                return store.reconnect(
                    db, before, account=account, tokens=tokens, scopes=(), keys=settings.vault_keys
                )
            return store.connect(
                db,
                workspace_id=people.northwind.id,
                owner_id=people.alice.id,
                slug=slug,
                account=account,
                tokens=tokens,
                scopes=(),
                keys=settings.vault_keys,
            )

    return _fill_in


@pytest.fixture
def long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the service rests for half a minute at least, so that the rest outlasts the test."""
    monkeypatch.setattr(refresh, "_FIRST_COOLDOWN_SECONDS", 60.0)


def expire(connection: Connection) -> None:
    with database.transaction() as db:
        credentials.expire_in(db, connection, -1)


def stored(connection: Connection) -> tuple[Connection, Credential]:
    """The rows as they are in the database now."""
    with database.reading() as db:
        row, credential = db.get(Connection, connection.id), db.get(Credential, connection.id)
    assert row is not None and credential is not None
    return row, credential


@dataclass
class Crew:
    """Processes of the product that call the service at the same moment."""

    processes: list[ForkServerProcess]
    pipes: list[Pipe]

    def go(self) -> None:
        for pipe in self.pipes:
            pipe.send(worker.GO)

    def go_and_wait(self) -> None:
        """Return once each process waits for another one's refresh."""
        for pipe in self.pipes:
            pipe.send(worker.GO_AND_WAIT)
        assert [pipe.recv() for pipe in self.pipes] == [worker.WAITING] * len(self.pipes)

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()  # a signal is not a death yet

    def results(self) -> list[dict[str, Any]]:
        return [pipe.recv() for pipe in self.pipes]


@pytest.fixture
def start_crew(environ: dict[str, str]) -> Iterator[Callable[..., Crew]]:
    started: list[Crew] = []

    def _start(connection: Connection, *, processes: int, threads: int) -> Crew:
        crew = Crew([], [])
        started.append(crew)
        for _ in range(processes):
            ours, theirs = forks.CONTEXT.Pipe()
            arguments = (theirs, live_environment(**environ), threads, connection.workspace_id, connection.id)
            process = forks.CONTEXT.Process(target=worker.work, args=arguments)
            process.start()
            theirs.close()
            crew.processes.append(process)
            crew.pipes.append(ours)
        assert [pipe.recv() for pipe in crew.pipes] == ["ready"] * processes
        return crew

    yield _start
    for crew in started:
        for pipe in crew.pipes:
            pipe.close()
        crew.kill()
