"""The page of one AI client: what it has, and choosing what it sees."""

import re

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.oauth_server.models import Grant
from app.oauth_server.selections import EVERYTHING, Selection
from tests.support.ai_client import AiClient
from tests.support.mcp_client import Client, acme_service, connect  # noqa: F401

HTMX = {"HX-Request": "true"}


@pytest.fixture
def main(connect, people):  # noqa: F811
    return connect(people.alice, "Main", permission="write")


@pytest.fixture
def side(connect, people, main):  # noqa: F811
    return connect(people.alice, "Side", permission="read")


@pytest.fixture
def tokens(app, alice):
    """The tokens of Claude Code, which alice let in."""
    client = AiClient(app)
    client.register(client_name="Claude Code")
    return client.connect(alice)


@pytest.fixture
def path(alice, tokens):
    """The path of its page, as its row links to it."""
    alice.get("/ai-clients")
    return re.search(r'class="client-link" href="(/ai-clients/grt_\w+)">Claude Code', alice.page)[1]


def words_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def form_of(page, **changes):
    """What a browser sends of the page's form."""
    form = {name: re.findall(rf'name="{name}" value="([^"]*)"', page) for name in ("offered", "group")} | {
        name: re.findall(rf'name="{name}" value="([^"]*)" checked', page)
        for name in ("connections", "connection", "reading_only", "tool")
    }
    return {**form, **changes}


def selection():
    with database.reading() as db:
        return Selection.of_json(db.exec(select(Grant)).one().selection)


def test_it_says_who_what_when_and_until_when(alice, path, main):
    assert alice.get(path).status_code == 200
    words = words_of(alice.page)
    for expected in (
        "Person alice@example.com (you)",
        "Connected Just now",
        "Last used Never",
        "Returns to localhost",
        "Access Read data from the services you connect",
        "or after 90 days without use",
        "Acme: Main",
        "Includes connections added later.",
        "Connections added later stay out until you tick them here or connect them for this client.",
    ):
        assert expected in words, expected
    assert re.search(r"Create a thing Changes", words) and re.search(r"Get a thing Reads", words)


def test_a_saved_choice_counts_at_the_next_list_and_says_what_it_saves(app, alice, path, tokens, main, side):
    client = Client(app, tokens["access_token"])
    assert {"acme_get_thing", "acme_create_thing"} <= set(client.tools())
    alice.get(path)
    on = [name for name in form_of(alice.page)["tool"] if name != "acme_list_things"]
    form = form_of(alice.page, connection=[main.id], connections="chosen", reading_only="1", tool=on)
    assert alice.submit(path, form).status_code == 303
    assert selection() == Selection(frozenset({main.id}), True, frozenset({"acme_list_things"}))
    alice.get(path)
    assert re.search(r"Saved. The tool list went from about [\d,]+ to [\d,]+ tokens.", alice.page)
    tools = client.tools()
    assert "acme_get_thing" in tools
    assert not {"acme_list_things", "acme_create_thing", "memory_save"} & set(tools)
    assert client.refusal("acme_list_things")[0] == "PERMISSION_DENIED"
    with database.reading() as db:
        actions = [each.action for each in db.exec(select(AuditEntry)).all()]
    assert actions.count("grant.selection_changed") == 1
    alice.get("/ai-clients")
    assert "Read only selected tools" in words_of(alice.page)


def test_an_unticked_connection_is_out_whatever_the_radio_says(alice, path, main, side):
    alice.get(path)
    alice.submit(path, form_of(alice.page, connection=[side.id], connections="all"))
    assert selection().connections == {side.id}


def test_all_or_only_the_ticked_decides_about_later_connections(alice, path, people, main, connect):  # noqa: F811
    alice.get(path)
    alice.submit(path, form_of(alice.page))
    assert selection() == EVERYTHING
    alice.get(path)
    alice.submit(path, form_of(alice.page, connections="chosen"))
    assert selection().connections == {main.id}
    connect(people.alice, "Later")
    alice.get(path)
    assert len(form_of(alice.page)["offered"]) == 2 and form_of(alice.page)["connection"] == [main.id]


@pytest.mark.parametrize(
    ("preset", "chosen"),
    [("everything", EVERYTHING), ("read-only", Selection(reading_only=True))],
)
def test_a_preset_is_one_press(alice, path, main, preset, chosen):
    alice.get(path)
    alice.submit(path, form_of(alice.page, connection=[], connections="chosen"))
    assert selection() != chosen
    alice.submit(path, {"preset": preset})
    assert selection() == chosen
    alice.get(path)
    assert re.search(rf'value="{preset}" id="[^"]+" aria-pressed="true"', alice.page)
    assert alice.page.count('aria-pressed="true"') == 1


def test_a_preset_that_is_not_offered_changes_nothing(alice, path, main):
    alice.get(path)
    assert alice.submit(path, {"preset": "bookkeeping-read"}).status_code == 400
    assert selection() == EVERYTHING


def test_with_htmx_only_the_form_comes_back(alice, path, main):
    alice.get(path)
    answer = alice.submit(path, {"preset": "read-only"}, htmx=True)
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert text.lstrip().startswith('<div id="selection"') and "Saved." in text and "<html" not in text


def test_the_price_is_there_before_it_is_saved(alice, path, main):
    alice.get(path)
    page = alice.page
    answer = alice.submit(f"{path}/price", form_of(page, tool=["acme_get_thing"]), htmx=True)
    assert re.search(r"1 tools?</b>, about [\d,]+ tokens <span class=\"hint\">\(now \d+ tools", answer.text)
    assert selection() == EVERYTHING


def test_all_sign_ins_of_a_client_share_one_selection(app, alice, path, main):
    again = AiClient(app)
    again.register(client_name="Claude Code")
    tokens = again.connect(alice)
    alice.get(path)
    alice.submit(path, {"preset": "read-only"})
    assert "acme_create_thing" not in Client(app, tokens["access_token"]).tools()


def test_a_token_has_a_selection_too(app, alice, main):
    alice.get("/ai-clients")
    alice.submit("/ai-clients/tokens", {"name": "nightly", "scope": "tools:write", "days": "7"})
    client = Client(app, re.search(r"pbp_[\w-]{43}", alice.page)[0])
    path = re.search(r'href="(/ai-clients/grt_\w+)">Token “nightly”', alice.page)[1]
    alice.get(path)
    alice.submit(path, {"preset": "read-only"})
    assert "acme_get_thing" in client.tools() and "acme_create_thing" not in client.tools()


def test_a_stranger_and_a_plain_member_get_404(alice, path, main, people, sign_in):
    for other in (sign_in(people.bob), sign_in(people.charlie)):
        other.get("/ai-clients")
        assert other.get(path).status_code == 404
        assert other.submit(path, {"preset": "read-only"}).status_code == 404
        assert other.submit(f"{path}/price", {"preset": "read-only"}).status_code == 404
    assert selection() == EVERYTHING


class TestTheOwnerAtAMembersClient:
    @pytest.fixture
    def path(self, app, people, sign_in, alice):
        client = AiClient(app)
        client.register(client_name="Bob's Cursor")
        client.connect(sign_in(people.bob))
        alice.get("/ai-clients")
        return re.search(r'href="(/ai-clients/grt_\w+)">Bob', alice.page)[1]

    @pytest.fixture
    def private(self, connect, people):  # noqa: F811
        return connect(people.bob, "Bob's private account", visibility="personal")

    def test_may_change_it_but_does_not_see_what_is_personal(self, alice, path, main, side, private):
        assert alice.get(path).status_code == 200
        assert "private account" not in alice.page and private.id not in alice.page
        assert "Personal connections of bob@example.com aren't listed" in alice.page
        alice.submit(path, form_of(alice.page, connection=[main.id], connections="chosen"))
        assert selection().connections == {main.id, private.id}
        alice.submit(path, form_of(alice.page, connection=[], connections="chosen"))
        assert selection().connections == {private.id}
        alice.submit(path, {"preset": "everything"})
        assert selection() == EVERYTHING


def test_an_ended_client_has_a_page_without_a_form(alice, path, main):
    alice.get(path)
    alice.submit(f"{path}/revoke")
    alice.get(path)
    assert "You revoked it." in alice.page and "Ready-made" not in alice.page


def test_the_number_of_queries_is_fixed(app, alice, path, main, side, people, connect):  # noqa: F811
    def queries():
        counted = []

        def note(conn, cursor, statement, *rest):
            counted.append(statement)

        engine = database.current().engine
        event.listen(engine, "before_cursor_execute", note)
        alice.get(path)
        event.remove(engine, "before_cursor_execute", note)
        return len(counted)

    queries()
    few = queries()
    for number in range(6):
        connect(people.alice, f"Account {number}")
    again = AiClient(app)
    again.register(client_name="Claude Code")
    again.connect(alice)
    assert queries() == few


def test_a_new_token_is_in_every_snippet(alice):
    alice.get("/ai-clients?client=cursor")
    assert 'name="client" value="cursor"' in alice.page
    form = {"name": "laptop", "scope": "tools:read", "days": "7", "client": "cursor"}
    alice.submit("/ai-clients/tokens", form)
    token = re.search(r"pbp_[\w-]{43}", alice.page)[0]
    assert "How to connect Cursor" in alice.page
    assert re.findall(r"<span data-token>([^<]*)</span>", alice.page) == [token]
    alice.get("/ai-clients?client=cursor")
    assert re.findall(r"<span data-token>([^<]*)</span>", alice.page) == ["…"]


def test_the_live_line_and_the_list_change_together(app, alice):
    alice.get("/ai-clients?client=cursor")
    assert "Nothing is connected yet" in alice.page
    poll = re.search(r'hx-get="(/ai-clients/live\?client=cursor&seen=\w+)"', alice.page)[1]
    assert "clients-list" not in alice.get(poll, headers=HTMX).text
    client = AiClient(app)
    client.register(client_name="Cursor")
    client.connect(alice)
    answer = alice.get(poll, headers=HTMX).text
    assert "Cursor connected" in answer
    assert 'hx-swap-oob="true"' in answer and ">Cursor</a>" in answer
