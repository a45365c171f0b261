"""Buttons pressed twice, and pages sent again: one server, and no page that blames anybody."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import select

from app import database
from app.federation import registration
from app.federation.models import McpServer
from app.vault.models import Connection
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS

ADD = "/integrations/add"


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


def displayed(walk, url, **fields):
    """What the button of the page sends."""
    walk.look(url)
    return {"url": url, "found": walk.value_of("found"), "name": walk.value_of("name"), **fields}


@both_databases
def test_add_adds_one_server_with_one_connection(walk, sdk_server):
    form = displayed(walk, sdk_server.url, access="key", key="k")
    walk.arrive(walk.post(ADD, form))
    walk.arrive(walk.post(ADD, form))
    assert "Notebook is added." in walk.person.page
    assert len(rows(McpServer)) == len(rows(Connection)) == 1


@both_databases
def test_of_two_presses_at_once_both_go_on_to_the_consent_page(walk, oauth_site, monkeypatch):
    form = displayed(walk, f"{oauth_site.server.url}/mcp", name="Site")
    obtain, both_are_here = registration.obtain_client, threading.Barrier(2, timeout=AT_MOST_SECONDS)

    def obtain_together(*args):
        both_are_here.wait()
        return obtain(*args)

    monkeypatch.setattr(registration, "obtain_client", obtain_together)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: walk.post(ADD, form), range(2)))
    for answer in answers:
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(f"{oauth_site.server.url}/authorize?")
    assert len(rows(McpServer)) == 1


def test_the_page_of_a_server_that_was_removed_since_adds_it_anew(walk, sdk_server):
    form = displayed(walk, sdk_server.url)
    walk.arrive(walk.post(ADD, form))
    walk.post("/integrations/servers/notebook/remove", {})
    walk.arrive(walk.post(ADD, form))
    assert "Notebook connected" in walk.person.page
    assert len([server for server in rows(McpServer) if server.removed_at is None]) == 1


@both_databases
def test_who_was_removed_from_the_workspace_meanwhile_adds_nothing(walk, oauth_site, people, monkeypatch):
    form = displayed(walk, f"{oauth_site.server.url}/mcp", name="Site")
    obtain = registration.obtain_client

    def leave_and_obtain(*args):
        with database.transaction() as db:
            db.delete(db.get(Membership, (people.northwind.id, people.alice.id)))
        return obtain(*args)

    monkeypatch.setattr(registration, "obtain_client", leave_and_obtain)
    assert walk.post(ADD, form).status_code == 403
    assert "You're no longer a member of that workspace." in walk.person.page
    assert rows(McpServer) == []


@both_databases
def test_remove_says_that_it_is_removed_both_times(walk, sdk_server):
    walk.add(sdk_server.url)
    for _ in range(2):
        walk.arrive(walk.post("/integrations/servers/notebook/remove", {}))
        assert "Notebook removed." in walk.person.page
