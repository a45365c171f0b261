"""What a card says: its tools, the sandbox, the levels explained, and whom to ask."""

import html
import re

import pytest
from sqlmodel import select

from app import clock, database
from app.connectors.services import services_of
from app.notifications.models import BROKEN, EMAILED, ConnectionNotice
from app.vault.models import Connection
from tests.hub.test_changing import break_connection
from tests.support.consent import connections_of, consent_parameters


def card_of(visitor, slug):
    """The card's text, tags left out."""
    page = visitor.client.get("/integrations").text
    cards = [card.split("</section>")[0] for card in page.split('<li class="service ')]
    [card] = [card for card in cards if f'data-slug="{slug}"' in card]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", card.partition(">")[2])).split())


def connection_with(slug="xero", **columns):
    with database.transaction() as db:
        connection = db.exec(select(Connection).where(Connection.slug == slug)).one()
        for name, value in columns.items():
            setattr(connection, name, value)
        return connection.id


@pytest.mark.parametrize(("level", "on"), [("off", "all off"), ("read", "10 on"), ("ask", ""), ("write", "")])
def test_the_tools_are_counted_by_what_they_do_and_by_what_the_level_allows(
    people, sign_in, connect, level, on
):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    connection_with(permission=level)
    words = card_of(alice, "xero")
    assert "14 tools: 10 read, 4 change in Xero" in words
    assert re.findall(r"in Xero (all off|\d+ on)", words) == ([on] if on else [])


def test_a_tool_that_is_switched_off_or_not_granted_does_not_count_as_on(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    tools = services_of(None).get("xero").tools
    hidden = [tools[0].verb, tools[1].name_in("xero")]
    connection_with(permission="write", hidden_tools=hidden)
    assert "12 on" in card_of(alice, "xero")
    granted = "accounting.contacts.read"
    connection_with(hidden_tools=[], scopes=granted)
    allowed = sum(not tool.needs_scopes or granted in tool.needs_scopes for tool in tools)
    assert 0 < allowed < len(tools) and f"{allowed} on" in card_of(alice, "xero")


def test_the_line_leads_to_the_page_of_the_connection(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    [connection] = connections_of(alice, "xero")
    assert f'href="/integrations/xero/{connection["id"]}"' in alice.get("/integrations").text


def test_a_service_that_is_not_connected_says_what_it_can_do(people, sign_in):
    words = card_of(sign_in(people.alice), "xero")
    assert "14 tools: 10 read, 4 change" in words
    for tool in services_of(None).get("xero").tools:
        assert tool.title in words


def test_one_notice_names_the_sandbox_and_each_card_says_so_quietly(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    assert alice.page.count("Sandbox: demo companies, nothing real changes.") == 1
    assert "Sandbox" in card_of(alice, "xero") and '<span class="badge ">Sandbox' not in alice.page


def test_each_level_is_explained_and_nothing_but_a_press_applies_it(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    words = card_of(alice, "xero")
    for sentence in (
        "Off AI clients can't use this connection.",
        "Read only AI clients can read. Nothing can be changed.",
        "Ask before writing AI clients can read. Each change waits for your approval.",
        "Read and write AI clients can read and make changes without asking.",
    ):
        assert sentence in words
    assert "<select" not in alice.page and 'hx-trigger="change"' not in alice.page


def test_a_level_that_leads_to_the_service_says_so_first(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero", level="read")
    assert card_of(alice, "xero").count("Xero will ask you to allow writing.") == 2
    connect(alice, "freshbooks")
    assert "will ask you to allow" not in card_of(alice, "freshbooks")


def test_a_saved_level_is_said_beside_it_and_without_htmx_at_the_top(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    alice.follow(alice.submit("/integrations/xero/permission", {"level": "ask"}))
    assert "Saved. Xero: Ask before writing." in alice.page
    answer = alice.submit("/integrations/xero/permission", {"level": "write"}, htmx=True)
    assert re.search(r'role="status"><svg.*?</svg>Saved</span>', answer.text, re.S)
    assert "Saved. Xero" not in answer.text


@pytest.mark.parametrize(("slug", "by_default"), [("xero", "shared"), ("gmail", "personal")])
@pytest.mark.parametrize("chosen", [None, "shared", "personal", "everybody"])
def test_who_can_use_it_is_chosen_before_connecting(people, sign_in, connect, slug, by_default, chosen):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    alice.get("/integrations")
    assert "Who can use it Shared with the team" in card_of(alice, slug)
    connect(alice, slug, **({"visibility": chosen} if chosen else {}))
    expected = chosen if chosen in {"shared", "personal"} else by_default
    assert len(connections_of(bob, slug)) == (expected == "shared")


def test_who_can_use_it_survives_a_form_of_our_own(people, sign_in):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    alice.get("/integrations")
    alice.submit("/integrations/servicefusion", {"visibility": "personal"})
    state = re.search(r'name="state" value="([^"]+)"', alice.page)[1]
    form = {"state": state, "client_id": "sandbox", "client_secret": "sandbox"}
    assert alice.submit("/integrations/servicefusion/keys", form).status_code == 303
    assert len(connections_of(alice, "servicefusion")) == 1 and connections_of(bob, "servicefusion") == []


def test_the_choice_cannot_be_changed_on_the_way(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    consent = alice.submit("/integrations/xero", {"visibility": "personal"}).headers["Location"]
    assert consent_parameters(consent)["state"].endswith(".personal")
    callback = sandbox.approve(consent)
    assert alice.get(callback.replace(".personal", ".shared")).status_code == 400
    assert alice.get(callback).status_code == 303


def test_reading_only_is_a_choice_beside_the_button_where_the_service_knows_it(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    assert "Ask Xero for Read and write" in card_of(alice, "xero")
    assert "Ask ServiceFusion for" not in card_of(alice, "servicefusion")


def test_a_member_reads_who_connected_it_and_whom_to_ask(people, sign_in, connect):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    words = card_of(bob, "xero")
    assert "Connected by Alice. They, owners and admins can change it." in words
    break_connection()
    words = card_of(bob, "xero")
    assert "Connected by Alice. Ask them, an owner or an admin to reconnect it." in words
    assert "Connected by" not in card_of(alice, "xero"), "one knows what one connected oneself"


def test_a_broken_card_says_who_was_emailed(frozen_clock, people, sign_in, connect):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    break_connection()
    assert "emailed" not in card_of(alice, "xero")
    at = clock.now()
    connection_id = connection_with(broken_at=at)
    notice = {"user_id": people.alice.id, "kind": BROKEN, "about_at": at, "state": EMAILED}
    with database.transaction() as db:
        db.add(ConnectionNotice(id="n", connection_id=connection_id, created_at=at, emailed_at=at, **notice))
    assert "Connected by Alice. Alice was emailed today at" in card_of(bob, "xero")
    assert "You were emailed today at" in card_of(alice, "xero")


def test_at_most_one_button_of_a_group_is_filled(people, sign_in, connect):
    alice = sign_in(people.alice)
    for slug in ("xero", "freshbooks"):
        connect(alice, slug)
        break_connection(slug)
    alice.get("/integrations")
    for group in re.findall(r'<section class="group.*?</section>', alice.page, re.S):
        assert group.count("button primary") <= 1


def test_denying_more_than_there_was_leaves_what_there_is(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "xero", level="read")
    consent = alice.submit("/integrations/xero/permission", {"level": "write"}).headers["Location"]
    alice.follow(alice.get(sandbox.deny(consent)))
    assert "You didn't allow access at Xero. Nothing was changed." in alice.page
    assert "failed" not in alice.page
    assert [(c["permission"], c["state"]) for c in connections_of(alice, "xero")] == [("read", "connected")]
