"""What the consent page lets a person choose: connections and "Reading only", stored on the flow, then on the
grant, and remembered with the consent.
"""

import re

import pytest
from sqlmodel import col, select, update

from app import clock, database
from app.audit import AuditEntry
from app.oauth_server.models import Flow, Grant
from app.oauth_server.selections import EVERYTHING, Selection
from app.vault.models import Connection
from app.workspaces.models import Membership
from tests.support.ai_client import AiClient, flow_on
from tests.support.mcp_client import Client, acme_service, connect  # noqa: F401


@pytest.fixture
def main(connect, people):  # noqa: F811
    return connect(people.alice, "Main", permission="ask")


@pytest.fixture
def side(connect, people, main):  # noqa: F811
    return connect(people.alice, "Side", permission="read")


def words_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def ticks(page):
    """The ids of the connections that the page ticks."""
    return set(re.findall(r'name="connection" value="([^"]+)" checked', page))


def allow(client, visitor, *, ticked, **more):
    """Presses "Allow" as a browser would: with what is ticked of what was offered."""
    offered = re.findall(r'name="offered" value="([^"]+)"', visitor.page)
    form = {"flow": flow_on(visitor.page), "choice": "1", "decision": "allow", "offered": offered}
    response = visitor.submit("/oauth/authorize/submit", {**form, "connection": ticked, **more})
    assert response.status_code == 303
    return form["flow"]


def finish(client, visitor, flow):
    location = client.finish(visitor, flow).headers["Location"]
    return client.exchange(re.search(r"code=([^&]+)", location)[1])


def selections():
    with database.reading() as db:
        grants = db.exec(select(Grant).order_by(col(Grant.created_at))).all()
        return [Selection.of_json(grant.selection) for grant in grants]


def test_it_names_each_connection_and_what_the_client_can_do_there(client_app, alice, main, side):
    client_app.ask(alice)
    words = words_of(alice.page)
    assert "Acme: Main Reads, and asks before changes" in words
    assert "Acme: Side Reads only" in words
    assert ticks(alice.page) == {main.id, side.id}
    assert "lets you connect more services first" in words and "You'll connect services next" not in words


def test_a_client_that_asks_for_reading_alone_is_described_so(client_app, alice, main):
    client_app.ask(alice, scope="tools:read")
    words = words_of(alice.page)
    assert "Acme: Main Reads only" in words and "Reading only" not in words


def test_an_account_that_is_called_like_its_service_is_not_named_twice(client_app, alice, main):
    with database.transaction() as db:
        db.get(type(main), main.id).account_name = "Acme"
    client_app.ask(alice)
    assert "Acme Reads" in words_of(alice.page) and "Acme: Acme" not in words_of(alice.page)


def test_with_nothing_connected_it_says_that_services_come_next(client_app, alice):
    client_app.ask(alice)
    assert "You'll connect services next." in alice.page and "Connections it can use" not in alice.page
    flow = allow(client_app, alice, ticked=[])
    assert alice.get(f"/integrations?flow={flow}").status_code == 200
    finish(client_app, alice, flow)
    assert selections() == [EVERYTHING]


def test_all_ticked_is_everything_also_what_is_connected_later(
    client_app,
    alice,
    people,
    main,
    side,
    connect,  # noqa: F811
):
    client_app.ask(alice)
    tokens = finish(client_app, alice, allow(client_app, alice, ticked=[main.id, side.id]))
    assert selections() == [EVERYTHING]
    connect(people.alice, "Later")
    assert "Later" in str(client_app.status(tokens["access_token"]).body["connections"])


def test_the_ticked_ones_and_reading_only_reach_the_grant_by_way_of_the_flow(
    app,
    client_app,
    alice,
    people,
    main,
    side,
    connect,  # noqa: F811
):
    client_app.ask(alice)
    flow = allow(client_app, alice, ticked=[side.id], reading_only="1")
    with database.reading() as db:
        assert Selection.of_json(db.exec(select(Flow)).one().selection).connections == {side.id}
    tokens = finish(client_app, alice, flow)
    assert selections() == [Selection(frozenset({side.id}), reading_only=True)]
    program = Client(app, tokens["access_token"])
    assert "acme_get_thing" in program.tools() and "acme_create_thing" not in program.tools()
    assert "memory_save" not in program.tools()
    connect(people.alice, "Connected later")
    [account] = client_app.status(tokens["access_token"]).body["connections"]
    assert account["account"] == "Side"


def test_a_service_connected_during_the_flow_is_for_this_client(
    client_app,
    alice,
    people,
    main,
    side,
    connect,  # noqa: F811
):
    client_app.ask(alice)
    flow = allow(client_app, alice, ticked=[main.id])
    added = connect(people.alice, "Added")
    finish(client_app, alice, flow)
    assert selections() == [Selection(frozenset({main.id, added.id}))]


def test_what_was_selected_comes_back_with_a_remembered_consent(client_app, alice, main, side):
    client_app.ask(alice)
    finish(client_app, alice, allow(client_app, alice, ticked=[side.id], reading_only="1"))
    assert client_app.ask(alice).status_code == 303, "nobody is asked again"
    client_app.connect(alice)
    first, second = selections()
    assert first == second == Selection(frozenset({side.id}), reading_only=True)


def test_asked_again_the_page_ticks_what_was_selected_and_all_its_grants_follow(app, alice, main, side):
    client = AiClient(app)
    client.register(client_name="Claude Code")
    client.ask(alice)
    finish(client, alice, allow(client, alice, ticked=[side.id], reading_only="1"))
    again = AiClient(app)  # it registers anew for each sign-in
    again.register(client_name="Claude Code")
    assert again.ask(alice).status_code == 200
    assert ticks(alice.page) == {side.id}
    assert re.search(r'name="reading_only" value="1" checked', alice.page)
    finish(again, alice, allow(again, alice, ticked=[main.id]))
    assert selections() == [Selection(frozenset({main.id}))] * 2


def page_of(visitor, client_name="Test client"):
    visitor.get("/ai-clients")
    return re.search(rf'href="(/ai-clients/grt_\w+)">{client_name}', visitor.page)[1]


def test_a_list_that_leaves_later_connections_out_stays_one_when_nothing_is_changed(
    app,
    client_app,
    alice,
    people,
    main,
    connect,  # noqa: F811
):
    client_app.connect(alice)
    path = page_of(alice)
    alice.submit(path, {"offered": [main.id], "connection": [main.id], "connections": "chosen"})
    again = AiClient(app)
    again.register()
    again.ask(alice)
    assert (
        "included" not in alice.page and "It can use only the ticked ones, and what you connect" in alice.page
    )
    tokens = finish(again, alice, allow(again, alice, ticked=sorted(ticks(alice.page))))
    assert selections()[-1].connections == {main.id}
    connect(people.alice, "Later")
    assert "Later" not in str(client_app.status(tokens["access_token"]).body["connections"])


def test_what_the_page_does_not_offer_stays_as_it_was(app, client_app, alice, main, side):
    client_app.ask(alice)
    finish(client_app, alice, allow(client_app, alice, ticked=[main.id], reading_only="1"))
    with database.transaction() as db:
        flowpos = {"slug": "flowpos", "scopes": ""}
        db.execute(update(Connection).where(col(Connection.id) == side.id).values(**flowpos))
    again = AiClient(app)  # the same program, which now asks for less
    again.register()
    again.ask(alice, scope="pos:read")
    assert "Main" not in alice.page and "Reading only" not in alice.page
    finish(again, alice, allow(again, alice, ticked=[side.id]))
    assert selections() == [Selection(frozenset({main.id, side.id}), reading_only=True)] * 2


def test_what_is_narrowed_while_a_remembered_flow_waits_stays_narrowed(client_app, alice, main):
    client_app.connect(alice)
    flow = client_app.allow(alice)
    path = page_of(alice)
    alice.submit(path, {"preset": "read-only"})
    finish(client_app, alice, flow)
    assert selections() == [Selection(reading_only=True)] * 2


def test_the_trail_says_when_a_choice_changes_and_not_when_it_comes_back(client_app, alice, main, side):
    client_app.ask(alice)
    finish(client_app, alice, allow(client_app, alice, ticked=[side.id], reading_only="1"))
    client_app.connect(alice)
    with database.reading() as db:
        actions = [each.action for each in db.exec(select(AuditEntry)).all()]
    assert actions.count("grant.created") == 2 and actions.count("grant.selection_changed") == 1


class TestInTwoWorkspaces:
    @pytest.fixture
    def bob(self, people, sign_in):
        with database.transaction() as db:
            db.add(
                Membership(
                    user_id=people.bob.id,
                    workspace_id=people.contoso.id,
                    role="member",
                    created_at=clock.now(),
                )
            )
        return sign_in(people.bob)

    def test_reading_only_goes_with_the_remembered_consent(self, client_app, bob, people, main):
        client_app.ask(bob)
        finish(client_app, bob, allow(client_app, bob, ticked=[main.id], reading_only="1"))
        bob.submit("/workspace", {"workspace": people.contoso.id})
        client_app.connect(bob)
        assert selections() == [Selection(reading_only=True)] * 2

    def test_changing_workspace_in_a_flow_keeps_what_was_selected_there(self, client_app, bob, people):
        bob.get("/account")
        bob.submit("/workspace", {"workspace": people.contoso.id})
        client_app.connect(bob)
        bob.submit(page_of(bob), {"preset": "read-only"})
        bob.submit("/workspace", {"workspace": people.northwind.id})
        flow = client_app.allow(bob)
        bob.submit("/workspace", {"workspace": people.contoso.id})
        finish(client_app, bob, flow)
        assert selections() == [Selection(reading_only=True)] * 2


def test_a_personal_connection_of_somebody_else_is_not_offered(client_app, alice, people, connect):  # noqa: F811
    connect(people.bob, "Bob's own", visibility="personal")
    connect(people.bob, "Bob's shared", visibility="shared")
    client_app.ask(alice)
    assert "Bob's shared" in alice.page and "Bob's own" not in alice.page


def test_a_client_with_only_flowpos_scopes_is_offered_no_other_service(client_app, alice, main):
    client_app.ask(alice, scope="pos:read")
    assert "Acme" not in alice.page and "You'll connect services next." in alice.page


def test_with_something_connected_one_press_allows_and_returns_to_the_client(client_app, alice, main):
    client_app.ask(alice)
    form = {"flow": flow_on(alice.page), "choice": "1", "decision": "continue"}
    form |= {"offered": [main.id], "connection": [main.id]}
    passed_on = alice.submit("/oauth/authorize/submit", form)
    assert passed_on.status_code == 307 and passed_on.headers["Location"] == "/integrations/complete"
    returned = alice.submit("/integrations/complete", form)
    assert returned.status_code == 303
    assert client_app.exchange(re.search(r"code=([^&]+)", returned.headers["Location"])[1])["access_token"]


def test_services_are_offered_only_while_nothing_is_connected(client_app, alice, main):
    client_app.ask(alice)
    assert "Allow and connect" not in alice.page


def test_a_service_that_does_not_exist_is_not_connected(client_app, alice):
    client_app.ask(alice)
    form = {"flow": flow_on(alice.page), "choice": "1", "connect": "../account"}
    passed_on = alice.submit("/oauth/authorize/submit", form)
    assert passed_on.headers["Location"] == "/integrations/..%2Faccount"
    assert alice.submit("/integrations/nothing", form).status_code == 404
