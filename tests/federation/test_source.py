"""A workspace's servers are in memory: a change in any process counts from the next request, without a query
per call.
"""

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import audit, clock, config, crypto, database, workspace_versions
from app.connectors.services import services_of
from app.factory import import_models
from app.federation import source
from app.federation.changes import touch
from app.federation.models import McpServer, McpServerTool
from app.workspaces.models import Workspace
from tests.conftest import both_databases, live_environment
from tests.support import forks


def server(workspace, slug="notebook", **columns):
    given = {"name": "Notebook", "url": "http://127.0.0.1:9/mcp", "added_at": clock.now(), **columns}
    return McpServer(id=crypto.new_id("mcs"), workspace_id=workspace, slug=slug, **given)


def add(workspace, slug="notebook", **columns):
    with database.transaction() as db:
        db.add(row := server(workspace, slug, **columns))
        touch(db, workspace)
    return row


def change(row, **columns):
    with database.transaction() as db:
        stored = db.get(McpServer, row.id)
        for name, value in columns.items():
            setattr(stored, name, value)
        touch(db, row.workspace_id)


def own(workspace):
    """The names of the workspace's own services, as this process knows them."""
    return [connector.name for connector in services_of(workspace).own]


def elsewhere(environ, work, *given):
    """Run `work` in a process of its own, with the same database, and wait until it has ended."""
    process = forks.CONTEXT.Process(target=_run, args=(live_environment(**environ), work, given))
    process.start()
    process.join()
    assert process.exitcode == 0


def _run(environ, work, given):
    settings = config.load(environ)
    import_models()
    audit.bind(settings)
    database.bind(settings.database_url, pool_size=2)
    work(*given)


def rename_elsewhere(server_id, name):
    with database.transaction() as db:
        row = db.get(McpServer, server_id)
        row.name = name
        touch(db, row.workspace_id)


@pytest.fixture
def owner(people, sign_in):
    return sign_in(people.alice)


@pytest.fixture
def ai_client(people, client_of):
    return client_of(people.alice)


def services(client):
    return {row["name"] for row in client.call("hub_list_connections")["data"]["services"]}


@both_databases
def test_a_change_in_another_process_counts_from_the_next_request(people, environ, ai_client):
    row = add(people.northwind.id)
    assert "Notebook" in services(ai_client)
    elsewhere(environ, rename_elsewhere, row.id, "Sketchbook")
    assert "Sketchbook" in services(ai_client)
    assert own(people.northwind.id) == ["Sketchbook"] and own(people.contoso.id) == []


def test_a_removed_server_is_gone_from_the_next_request_on(people, owner, ai_client):
    row = add(people.northwind.id)
    assert "Notebook" in services(ai_client) and "Notebook" in owner.get("/integrations").text
    change(row, removed_at=clock.now())
    assert "Notebook" not in services(ai_client) and "Notebook" not in owner.get("/integrations").text


def test_a_workspace_sees_its_own_servers_alone(people, sign_in):
    add(people.northwind.id), add(people.contoso.id, name="Ledger")
    assert (own(people.northwind.id), own(people.contoso.id)) == (["Notebook"], ["Ledger"])
    assert "Notebook" not in sign_in(people.charlie).get("/integrations").text


def test_one_that_did_not_change_stays_the_same_object(people, owner):
    """What is prepared for it, such as its entries in tools/list, is cached by that object."""
    first, second = add(people.northwind.id), add(people.northwind.id, "ledger", name="Ledger")
    before = services_of(people.northwind.id)
    change(second, name="Book")
    owner.get("/integrations")
    after = services_of(people.northwind.id)
    assert after.find(first.slug) is before.find(first.slug)
    assert after.find(second.slug) is not before.find(second.slug)


def test_a_list_that_was_read_again_changes_no_object(people, owner):
    row = add(people.northwind.id)
    before = services_of(people.northwind.id).get(row.slug)
    change(row, checked_at=clock.now())
    owner.get("/integrations")
    assert services_of(people.northwind.id).get(row.slug) is before


@both_databases
def test_it_costs_no_query_once_it_is_read(people, statements, queries, ai_client):
    add(people.northwind.id)
    services(ai_client)
    del queries[:]
    with statements() as made:
        for _ in range(100):
            assert own(people.northwind.id) == ["Notebook"]
            assert own(people.contoso.id) == []
    assert len(made) <= 4 and queries == [], "the other workspace's are read once"


@both_databases
def test_a_thousand_servers_of_other_workspaces_cost_a_call_nothing(
    people,
    statements,
    queries,
    ai_client,
):
    add(people.northwind.id)
    services(ai_client)

    def cost():
        del queries[:]
        with statements() as made:
            services(ai_client)
        # the operator's settings are read again every few seconds
        return [each for each in made if each != "BEGIN" and "connector_apps" not in each], len(queries)

    before = cost()
    others = [Workspace(id=f"wsp_{n}", name=f"Company {n}", created_at=clock.now()) for n in range(250)]
    servers = [server(other.id, f"server_{n}") for other in others for n in range(4)]
    tools = [
        McpServerTool(
            server_id=each.id,
            name="a",
            workspace_id=each.workspace_id,
            verb="a",
            first_seen_at=clock.now(),
        )
        for each in servers
    ]
    with database.transaction() as db:
        for some in (others, servers, tools):
            db.add_all(some)
            db.flush()
    assert cost() == before
    change(add(people.northwind.id, "ledger"), name="Ledger")
    read = []
    with _rows_of(McpServer, read), _rows_of(McpServerTool, read):
        services(ai_client)
        assert own(people.northwind.id) == ["Notebook", "Ledger"]
    assert len(read) == 2, "even after a change it reads the workspace's own alone"


class _rows_of:
    """Collects the rows of a table that are loaded in the block."""

    def __init__(self, table, into):
        self._table, self._note = table, lambda target, context: into.append(target)

    def __enter__(self):
        event.listen(self._table, "load", self._note)

    def __exit__(self, *_):
        event.remove(self._table, "load", self._note)


def test_work_without_a_request_sees_a_change_within_seconds(people, monkeypatch):
    """A job notes no version: what it knows is good for ten seconds."""
    now = [100.0]
    monkeypatch.setattr(source, "monotonic", lambda: now[0])
    row = add(people.northwind.id)
    assert own(people.northwind.id) == ["Notebook"]
    change(row, name="Sketchbook")
    assert own(people.northwind.id) == ["Notebook"]
    now[0] += 10.1
    assert own(people.northwind.id) == ["Sketchbook"]


def test_a_slower_request_that_read_an_older_version_brings_nothing_back(people):
    row = add(people.northwind.id)
    change(row, name="Sketchbook")
    workspace_versions.note(people.northwind.id, 2)
    assert own(people.northwind.id) == ["Sketchbook"]
    workspace_versions.note(people.northwind.id, 1)
    assert own(people.northwind.id) == ["Sketchbook"]


def test_a_deleted_workspace_keeps_what_its_tokens_are_revoked_at(people):
    add(people.contoso.id)
    assert own(people.contoso.id) == ["Notebook"]
    with database.transaction() as db:
        db.delete(db.exec(select(Workspace).where(Workspace.id == people.contoso.id)).one())
    workspace_versions.note(people.contoso.id, 99)
    assert own(people.contoso.id) == ["Notebook"]
