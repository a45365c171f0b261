"""The first steps of a new member: they tick themselves, and the list never comes back."""

import re

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import database
from app.connectors.services import services_of
from app.hub import prompts
from app.usage.models import CallRow
from tests.support.mcp_client import Client, token_for  # noqa: F401


def steps(page):
    """The steps by their title: whether each is done."""
    found = re.findall(r"<b>([^<]+)</b><span class=\"visually-hidden\">: (done|to do)</span>", page)
    return {title: state == "done" for title, state in found}


def fingerprint(page):
    return re.search(r'"seen": "([^"]+)"', page)[1]


@pytest.fixture
def statements(people, app):
    """How many statements name a table while something runs."""

    def _count(table, run):
        seen = []
        listen = lambda *a: seen.append(a[2])  # noqa: E731
        event.listen(database.current().engine, "before_cursor_execute", listen)
        run()
        event.remove(database.current().engine, "before_cursor_execute", listen)
        return len([s for s in seen if re.search(rf"\b{table}\b", s)])

    return _count


def test_each_step_ticks_itself_by_what_happens(app, people, sign_in, connect, token_for):  # noqa: F811
    alice = sign_in(people.alice)
    alice.get("/integrations")
    nothing = {"Connect a service": False, "Add Patchbay to your AI app": False}
    assert steps(alice.page) == {**nothing, "Ask your first question": False}
    assert "0 of 3 done" in alice.page and 'href="/ai-clients"' in alice.page
    assert '<code id="mcp-address">http://localhost:8000/mcp</code>' in alice.page

    connect(alice, "xero")
    alice.get("/integrations")
    assert steps(alice.page)["Connect a service"] and "1 of 3 done" in alice.page
    assert "Which invoices in Xero are overdue, and by how much?" in alice.page

    token = token_for(people.alice)
    live = alice.get(f"/integrations/live?seen={fingerprint(alice.page)}")
    assert live.status_code == 200 and "2 of 3 done" in live.text, "the page itself learns of it"

    Client(app, token).call("hub_list_connections")
    live = alice.get(f"/integrations/live?seen={fingerprint(live.text)}")
    assert "You&#39;re all set" in live.text and all(steps(live.text).values())
    assert alice.get(f"/integrations/live?seen={fingerprint(live.text)}").status_code == 204, "it stays"
    assert "all set" not in alice.get("/integrations").text, "and is gone at the next visit"


def test_listing_tools_is_no_question_yet(app, people, sign_in, connect, token_for):  # noqa: F811
    alice = sign_in(people.alice)
    connect(alice, "xero")
    Client(app, token_for(people.alice)).tools()
    alice.get("/integrations")
    assert not steps(alice.page)["Ask your first question"] and "2 of 3 done" in alice.page


def test_a_question_of_somebody_else_does_not_count(app, people, sign_in, connect, token_for):  # noqa: F811
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    token_for(people.bob)
    Client(app, token_for(people.alice)).call("hub_list_connections")
    bob.get("/integrations")
    assert steps(bob.page) == {
        "Connect a service": True,
        "Add Patchbay to your AI app": True,
        "Ask your first question": False,
    }


def test_what_is_tried_in_the_browser_is_no_question_of_an_ai_client(
    app,
    people,
    sign_in,
    connect,
    token_for,  # noqa: F811
):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    Client(app, token_for(people.alice)).call("hub_list_connections")
    with database.transaction() as db:
        for call in db.exec(select(CallRow)):
            call.grant_id = f"browser:{people.alice.id}"
    alice.get("/integrations")
    assert not steps(alice.page)["Ask your first question"]


@pytest.mark.parametrize("htmx", [False, True])
def test_it_can_be_dismissed_for_good_and_by_each_member(people, sign_in, htmx):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    alice.get("/integrations")
    answer = alice.submit("/integrations/getting-started", htmx=htmx)
    assert (answer.status_code, answer.text if htmx else answer.headers["Location"]) == (
        (200, "") if htmx else (303, "/integrations")
    )
    assert "Getting started" not in alice.get("/integrations").text
    assert "Getting started" in bob.get("/integrations").text
    assert alice.submit("/integrations/getting-started").status_code == 303, "twice is fine"


def test_afterwards_no_query_is_left_of_it(people, sign_in, connect, statements):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    assert statements("oauth_grants", lambda: alice.get("/integrations")) == 1
    alice.submit("/integrations/getting-started")
    assert statements("oauth_grants", lambda: alice.get("/integrations")) == 0
    assert statements("calls", lambda: alice.get("/integrations/live")) == 0


def test_it_is_not_in_the_way_of_an_ai_clients_authorization(people, sign_in, flow_of):
    alice = sign_in(people.alice)
    alice.get(f"/integrations?flow={flow_of(alice, people.alice)}")
    assert "Continue to Claude" in alice.page and "Getting started" not in alice.page


@pytest.mark.parametrize("connector", list(services_of(None)), ids=lambda connector: connector.slug)
def test_every_service_has_questions_that_name_it(connector):
    questions = prompts.PROMPTS.get(connector.slug, ())
    assert 2 <= len(questions) <= 3, f"Add two or three questions for {connector.slug} to app/hub/prompts.py"
    for question in questions:
        assert connector.name in question, f"say which service is meant: {question}"
        assert question[-1] in "?." and len(question) <= 100


def test_questions_come_from_what_is_connected(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    connect(alice, "freshbooks")
    alice.get("/integrations")
    found = re.findall(r'<span id="prompt-\d">([^<]+)</span>', alice.page)
    assert len(found) == 3 and {"Xero", "FreshBooks"} <= set(re.findall(r"Xero|FreshBooks", " ".join(found)))
    alice.submit("/integrations/xero/permission", {"level": "off"})
    alice.get("/integrations")
    assert "Xero" not in " ".join(re.findall(r'<span id="prompt-\d">([^<]+)</span>', alice.page))
