"""How the operator's health page counts the MCP servers of all workspaces."""

from sqlmodel import select

from app import clock, database
from app.admin import mcp_servers_check
from app.federation.models import McpServer
from tests.conftest import both_databases


def store(workspace_id, slug, **columns):
    with database.transaction() as db:
        db.add(
            McpServer(
                id=f"mcs_{slug}",
                workspace_id=workspace_id,
                slug=slug,
                name=slug,
                url=f"https://{slug}.example/mcp",
                added_at=clock.now(),
                **columns,
            )
        )


@both_databases
def test_servers_are_counted_and_those_that_do_not_answer(people, settings):
    assert mcp_servers_check.check(settings).facts == ""
    store(people.northwind.id, "alpha")
    store(people.contoso.id, "beta")
    found = mcp_servers_check.check(settings)
    assert (found.tone, found.facts) == ("good", "2 added.")
    store(people.northwind.id, "gamma", problem="It did not answer.")
    store(people.northwind.id, "delta", problem="It did not answer.", removed_at=clock.now())
    found = mcp_servers_check.check(settings)
    assert (found.tone, found.facts) == ("warning", "3 added, 1 without an answer.")
    with database.reading() as db:
        names = db.exec(select(McpServer.name)).all()
    assert not any(name in f"{found.facts} {found.advice}" for name in names)
