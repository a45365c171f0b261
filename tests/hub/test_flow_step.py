"""The hub as a step of an AI client's authorization, and the one-time links given in chats."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from app import clock, database
from app.oauth_server.models import Grant
from app.oauth_server.selections import Selection
from app.vault import links
from tests.hub.test_changing import break_connection
from tests.support.ai_client import AiClient, flow_on
from tests.support.consent import connections_of
from tests.support.mcp_client import Client


def query_of(answer):
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_the_hub_names_the_client_and_where_it_returns_to(people, sign_in, flow_of):
    alice = sign_in(people.alice)
    flow = flow_of(alice, people.alice)
    answer = alice.get(f"/integrations?flow={flow}")
    for words in (
        "Claude is asking for access",
        "claude.ai",
        "Continue to Claude",
        "Skip for now",
        "Cancel",
        "alice@example.com",
    ):
        assert words in alice.page
    assert "<nav" not in alice.page
    assert "https://claude.ai" in answer.headers["Content-Security-Policy"]
    assert alice.page.count(f'name="flow" value="{flow}"') >= 4
    assert alice.get(f"/integrations/status?flow={flow}").json["flow"]["client_name"] == "Claude"


def test_connecting_in_a_flow_comes_back_to_it_and_continues(people, sign_in, flow_of, connect):
    alice = sign_in(people.alice)
    flow = flow_of(alice, people.alice)
    page = connect(alice, "freshbooks", flow=flow)
    assert page.request.args["flow"] == flow and page.request.args["connected"] == "freshbooks"
    assert "FreshBooks connected: " in alice.page and "1 service connected" in alice.page
    answer = alice.submit("/integrations/complete", {"flow": flow})
    assert answer.status_code == 303 and answer.headers["Location"].startswith(
        "https://claude.ai/api/mcp/auth_callback?"
    )
    assert (
        query_of(answer)["code"]
        and query_of(answer)["state"] == "xyz"
        and query_of(answer)["iss"] == "http://localhost:8000"
    )


def test_the_foot_says_how_many_connections_are_not_selected_for_the_client(app, people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "freshbooks")
    [unselected] = connections_of(alice, "freshbooks")
    client = AiClient(app)
    client.register()
    client.ask(alice)
    flow = flow_on(alice.page)
    form = {"flow": flow, "choice": "1", "decision": "allow", "offered": [unselected["id"]]}
    alice.follow(alice.submit("/oauth/authorize/submit", form))
    assert "1 service connected, 1 not selected" in alice.page
    connect(alice, "xero", flow=flow)
    assert "2 services connected, 1 not selected" in alice.page, "what is connected here is for this client"


@pytest.mark.parametrize("deed", ["complete", "skip", "cancel"])
def test_a_flow_ends_once(people, sign_in, flow_of, deed):
    alice = sign_in(people.alice)
    flow = flow_of(alice, people.alice)
    alice.get(f"/integrations?flow={flow}")
    answer = alice.submit(f"/integrations/{deed}", {"flow": flow})
    assert answer.status_code == 303
    assert query_of(answer).get("error") == ("access_denied" if deed == "cancel" else None)
    for path in (f"/integrations/{deed}", "/integrations/complete", "/integrations/freshbooks"):
        again = alice.submit(path, {"flow": flow})
        assert again.status_code == 400 and "expired or was already finished" in again.text
    assert alice.get(f"/integrations?flow={flow}").status_code == 400
    assert alice.get(f"/integrations/status?flow={flow}").json["flow"] is None


def test_a_flow_is_its_owners_alone_and_ends_after_half_an_hour(people, sign_in, flow_of):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    flow = flow_of(alice, people.alice)
    bob.get("/integrations")
    assert bob.get(f"/integrations?flow={flow}").status_code == 400
    assert bob.submit("/integrations/complete", {"flow": flow}).status_code == 400
    assert alice.get(f"/integrations?flow={flow}").status_code == 200
    clock.shift(timedelta(minutes=31))
    assert alice.get(f"/integrations?flow={flow}").status_code == 400


@pytest.mark.parametrize("flow", ["", "flw_nothing", "x" * 3000, "\x00"])
def test_a_made_up_flow_is_refused_in_words(people, sign_in, flow):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    answer = alice.submit("/integrations/complete", {"flow": flow})
    assert answer.status_code == 400 and 'role="alert"' in answer.text


class TestRequiredConnector:
    @pytest.fixture(params=["any", "freshbooks"])
    def environ(self, environ, request):
        return {**environ, "REQUIRE_CONNECTOR": request.param}

    @pytest.mark.parametrize("deed", ["complete", "skip"])
    def test_nothing_goes_on_without_it(self, people, sign_in, flow_of, connect, deed):
        alice = sign_in(people.alice)
        flow = flow_of(alice, people.alice)
        alice.get(f"/integrations?flow={flow}")
        assert "Skip for now" not in alice.page and "to continue." in alice.page
        answer = alice.submit(f"/integrations/{deed}", {"flow": flow})
        assert answer.status_code == 409 and "to continue." in answer.text
        connect(alice, "freshbooks", flow=flow)
        assert alice.submit(f"/integrations/{deed}", {"flow": flow}).status_code == 303


@pytest.fixture
def link_for(people):
    def _link(user, slug="freshbooks", workspace=None, **more):
        with database.transaction() as db:
            workspace_id = (workspace or people.northwind).id
            return links.create(
                db, workspace_id=workspace_id, user_id=user.id, slug=slug, client_name="Claude", **more
            )

    return _link


def through(alice, sandbox, link, **form):
    leaving = alice.submit(f"/integrations/connect/{link}", form)
    assert leaving.status_code == 303, leaving.text
    return alice.follow(alice.get(sandbox.approve(leaving.headers["Location"])))


def test_a_link_from_a_chat_connects_and_sends_back_to_the_chat(people, sign_in, link_for, sandbox):
    alice = sign_in(people.alice)
    link = link_for(people.alice)
    alice.get(f"/integrations/connect/{link}")
    assert "Claude wants to read data in FreshBooks" in alice.page and "Connect FreshBooks" in alice.page
    through(alice, sandbox, link)
    assert "FreshBooks connected: " in alice.page and "Go back to Claude and ask again" in alice.page
    assert [c["permission"] for c in connections_of(alice, "freshbooks")] == ["read"]


def test_a_link_works_once(people, sign_in, link_for, sandbox):
    alice = sign_in(people.alice)
    link = link_for(people.alice)
    alice.get(f"/integrations/connect/{link}")
    through(alice, sandbox, link)
    assert alice.get(f"/integrations/connect/{link}").status_code == 400
    assert alice.submit(f"/integrations/connect/{link}").status_code == 400


def test_a_link_is_for_the_person_who_asked(people, sign_in, visitor, link_for):
    bob = sign_in(people.bob)
    link = link_for(people.alice)
    bob.get("/integrations")
    assert bob.get(f"/integrations/connect/{link}").status_code == 400
    assert bob.submit(f"/integrations/connect/{link}").status_code == 400
    assert visitor.get(f"/integrations/connect/{link}").headers["Location"].startswith("/login?next=")
    assert sign_in(people.alice).get(f"/integrations/connect/{link}").status_code == 200


@pytest.mark.parametrize(("chosen", "level"), [({}, "write"), ({"level": "read"}, "read")])
def test_a_link_for_writing_says_so_and_leaves_the_choice(people, sign_in, link_for, sandbox, chosen, level):
    alice = sign_in(people.alice)
    link = link_for(people.alice, wants="write")
    alice.get(f"/integrations/connect/{link}")
    assert "read and change data" in alice.page and "Allow reading only" in alice.page
    through(alice, sandbox, link, **chosen)
    assert [c["permission"] for c in connections_of(alice, "freshbooks")] == [level]


def test_a_link_mends_a_broken_connection(people, sign_in, link_for, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "freshbooks")
    [before] = connections_of(alice, "freshbooks")
    break_connection("freshbooks")
    link = link_for(people.alice, connection_id=before["id"])
    alice.get(f"/integrations/connect/{link}")
    assert "Reconnect FreshBooks" in alice.page
    through(alice, sandbox, link)
    assert [(c["id"], c["state"]) for c in connections_of(alice, "freshbooks")] == [
        (before["id"], "connected")
    ]


@pytest.mark.parametrize("slug", ["freshbooks", "stripe"])
def test_what_a_client_asks_for_in_its_chat_joins_its_chosen_connections(app, people, sign_in, sandbox, slug):
    alice = sign_in(people.alice)
    ai_client = AiClient(app)
    client = Client(app, ai_client.connect(alice)["access_token"])
    alice.get("/ai-clients")
    page = re.search(r'href="(/ai-clients/grt_\w+)"', alice.page)[1]
    alice.submit(page, {"connections": "chosen"})
    _, sentence = client.refusal(f"{slug}_list_invoices")
    link = re.search(r"/integrations/connect/(lnk_[\w-]+)", sentence)[1]
    alice.get(f"/integrations/connect/{link}")
    if slug == "stripe":
        alice.submit(f"/integrations/connect/{link}")
        form = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', alice.page))
        alice.submit(f"/integrations/{slug}/keys", form)
    else:
        through(alice, sandbox, link)
    assert client.call(f"{slug}_list_invoices")["success"]
    with database.reading() as db:
        assert Selection.of_json(db.exec(select(Grant)).one().selection).connections == {
            connections_of(alice, slug)[0]["id"]
        }


def test_a_link_that_names_the_client_of_somebody_else_changes_nothing_there(
    app, people, sign_in, link_for, sandbox
):
    bob = sign_in(people.bob)
    AiClient(app).connect(bob)
    bob.get("/ai-clients")
    page = re.search(r'href="/ai-clients/(grt_\w+)"', bob.page)[1]
    bob.submit(f"/ai-clients/{page}", {"connections": "chosen"})
    alice = sign_in(people.alice)
    link = link_for(people.alice, grant_id=page)
    alice.get(f"/integrations/connect/{link}")
    through(alice, sandbox, link)
    with database.reading() as db:
        assert Selection.of_json(db.exec(select(Grant)).one().selection).connections == frozenset()
