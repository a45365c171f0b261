"""The page of a connection: what stands on it, who may see it, who may change what."""

import re

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.connection_pages import scope_words
from app.connectors.services import services_of
from app.vault.models import Connection

SERVICES = list(services_of(None))


def path_of(connection):
    return f"/integrations/{connection.slug}/{connection.id}"


def stored(connection):
    with database.reading() as db:
        return db.get(Connection, connection.id)


def change(connection, **values):
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        for name, value in values.items():
            setattr(row, name, value)


def entry_form(connection):
    return {"connection": connection.id, "tool": "xero_list_invoices"}


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize("connector", SERVICES, ids=lambda each: each.slug)
def test_every_scope_of_every_service_has_words(connector):
    needed = {scope for tool in connector.tools for scope in tool.needs_scopes}
    scopes = {*connector.auth.read_scopes, *connector.auth.write_scopes, *needed}
    assert not [scope for scope in scopes if not scope_words.has_words(scope)]
    assert scope_words.describe(connector, ["made.up"]) == [f"“made.up”, in {connector.name}'s terms"]


def test_it_names_account_access_people_and_tools(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    page = text_of(alice.get(path_of(connection)).text)
    for words in (
        "Connected",
        connection.account_name,
        "Read only . AI clients can read. Nothing can be changed.",
        "Read, create, change and email invoices",
        "Alice (you) Owner, connected it",
        "Bob Member",
        "AI clients can use 10 of 14",
        "The connection is read only",
        "No calls lately.",
    ):
        assert words in page, words


def test_its_tools_are_those_of_the_service_with_what_they_do(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "freshbooks", level="write")
    page = alice.get(path_of(connection)).text
    for tool in services_of(None).get("freshbooks").tools:
        name = tool.name_in("freshbooks")
        row = page.split(f'id="row-{name}"')[1].split("</li>")[0]
        assert (">Reads<" in row) is tool.reads_only and (">Changes<" in row) is not tool.reads_only, name
        assert ("Can&#39;t be undone" in row or "Can't be undone" in row) is tool.destructive, name
        assert f'href="{path_of(connection)}/tools/{name}"' in row and 'aria-checked="true"' in row


def test_a_tool_that_is_switched_off_is_gone_and_refused_at_once_for_ai_clients(
    people, sign_in, connect, client_of
):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    client = client_of(people.alice)
    assert "xero_list_invoices" in client.tools() and client.call("xero_list_invoices")["success"]
    answer = alice.submit(
        "/integrations/xero/tools",
        {"connection": connection.id, "tool": "xero_list_invoices", "on": "0"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path_of(connection)}#tools")
    page = alice.follow(answer).text
    assert "Saved" in page and "AI clients can use 9 of 14" in page
    assert stored(connection).hidden_tools == ["xero_list_invoices"]
    refused = alice.submit(f"{path_of(connection)}/tools/xero_list_invoices")
    assert "This tool is switched off" in text_of(refused.text)
    with database.reading() as db:
        entry = db.exec(select(AuditEntry).where(AuditEntry.action == "connection.tools_changed")).one()
    assert (entry.user_id, entry.details["on"], entry.details["tools"]) == (
        people.alice.id,
        False,
        ["xero_list_invoices"],
    )
    assert "xero_list_invoices" not in client.tools()
    code, sentence = client.refusal("xero_list_invoices")
    assert code == "PERMISSION_DENIED" and "switched off" in sentence
    alice.submit("/integrations/xero/tools", {**entry_form(connection), "on": "1"})
    assert "xero_list_invoices" in client.tools() and client.call("xero_list_invoices")["success"]


def test_htmx_gets_the_tools_and_saved(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    form = {"connection": connection.id, "tool": "xero_list_invoices", "on": "0"}
    answer = alice.submit("/integrations/xero/tools", form, htmx=True)
    assert answer.status_code == 200 and "<html" not in answer.text and "Saved" in answer.text
    row = answer.text.split('id="row-xero_list_invoices"')[1].split("</li>")[0]
    assert 'role="switch" aria-checked="false"' in row


def test_a_whole_group_is_switched_and_the_other_stays(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero", level="write")
    tools = services_of(None).get("xero").tools
    changing = {tool.name_in("xero") for tool in tools if not tool.reads_only}
    form = {"connection": connection.id, "group": "change"}
    alice.submit("/integrations/xero/tools", {**form, "on": "0"})
    assert set(stored(connection).hidden_tools) == changing
    alice.submit("/integrations/xero/tools", {**form, "on": "1"})
    assert stored(connection).hidden_tools == []


def test_the_price_of_the_list_falls_with_what_is_off(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero", level="write")
    price = re.compile(r"about ([\d,]+) tokens")
    before = price.search(alice.get(path_of(connection)).text)[1]
    alice.submit("/integrations/xero/tools", {"connection": connection.id, "group": "change", "on": "0"})
    after = price.search(alice.get(path_of(connection)).text)[1]
    assert int(after.replace(",", "")) < int(before.replace(",", ""))
    alice.submit("/integrations/xero/tools", {"connection": connection.id, "group": "read", "on": "0"})
    assert "about 0 tokens" in alice.get(path_of(connection)).text


@pytest.mark.parametrize(
    "form", [{"on": "2", "tool": "xero_list_invoices"}, {"on": "1", "group": "all"}, {"tool": "x"}]
)
def test_a_form_that_means_nothing_is_refused(people, sign_in, connect, form):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    assert alice.submit("/integrations/xero/tools", {"connection": connection.id, **form}).status_code == 400
    unknown = {"connection": connection.id, "tool": "gmail_send_message", "on": "0"}
    assert alice.submit("/integrations/xero/tools", unknown).status_code == 404
    assert stored(connection).hidden_tools == []


def test_approving_only_on_this_site_is_offered_where_writes_are_asked_for(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero", level="write")
    assert "Approve only on this site" not in alice.get(path_of(connection)).text
    change(connection, permission="ask")
    assert "Approve only on this site" in alice.get(path_of(connection)).text
    answer = alice.submit("/integrations/xero/approve-on-page", {"connection": connection.id, "on": "1"})
    assert "Saved" in alice.follow(answer).text and stored(connection).approve_on_page is True
    alice.submit("/integrations/xero/approve-on-page", {"connection": connection.id, "on": "0"})
    assert stored(connection).approve_on_page is False


def test_strangers_find_nothing_and_members_only_what_is_shared(people, sign_in, connect):
    alice, bob, charlie = (sign_in(each) for each in (people.alice, people.bob, people.charlie))
    connection = connect(alice, "xero")
    tool = f"{path_of(connection)}/tools/xero_list_invoices"
    form = {"connection": connection.id, "tool": "xero_list_invoices", "on": "0"}
    for page in (path_of(connection), tool):
        assert charlie.get(page).status_code == 404 and bob.get(page).status_code == 200
    assert charlie.submit("/integrations/xero/tools", form).status_code == 404
    assert charlie.submit(tool).status_code == 404
    bob.get(path_of(connection))
    assert 'role="switch"' not in bob.page
    assert bob.submit("/integrations/xero/tools", form).status_code == 403
    assert bob.submit("/integrations/xero/approve-on-page", {**form, "on": "1"}).status_code == 403
    assert stored(connection).hidden_tools == [] and stored(connection).approve_on_page is False
    change(connection, visibility="personal")
    assert bob.get(path_of(connection)).status_code == bob.submit(tool).status_code == 404
    page = text_of(alice.get(path_of(connection)).text)
    assert "Alice (you)" in page and "Bob" not in page


@pytest.mark.parametrize("path", ["/integrations/gmail/{id}", "/integrations/xero/con_unknown"])
def test_another_service_or_id_is_not_found(people, sign_in, connect, path):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    assert alice.get(path.format(id=connection.id)).status_code == 404
    assert alice.get(path_of(connection)).status_code == 200


def test_signed_out_leads_to_signing_in(people, sign_in, connect, visitor):
    connection = connect(sign_in(people.alice), "xero")
    answer = visitor.get(path_of(connection))
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/login?next=")


def test_a_broken_connection_says_why_and_offers_to_reconnect(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    change(
        connection, state="reconnect_needed", last_error="Xero disconnected us. Reconnect to keep using it."
    )
    page = alice.get(path_of(connection)).text
    assert "Xero disconnected us. Reconnect to keep using it." in page and "Reconnect Xero" in page
    assert "Test connection" not in page
    bob = sign_in(people.bob)
    assert "Reconnect Xero" not in bob.get(path_of(connection)).text


def test_testing_the_connection_asks_the_service_and_comes_back(people, sign_in, connect):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    alice.get(path_of(connection))
    answer = alice.submit(f"{path_of(connection)}/test")
    assert answer.headers["Location"] == path_of(connection)
    assert "Xero works" in alice.follow(answer).text


def test_the_last_calls_are_there_and_a_member_sees_their_own(people, sign_in, connect, open_form):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connection = connect(alice, "xero")
    open_form(bob, connection, "xero_list_accounts").send()
    open_form(alice, connection, "xero_list_contacts").send()
    page = alice.get(path_of(connection)).text
    assert "List Xero accounts</td>" in page and "List Xero contacts</td>" in page
    assert "Tried in Patchbay" in page
    page = bob.get(path_of(connection)).text
    assert "List Xero accounts</td>" in page and "List Xero contacts</td>" not in page


def test_the_number_of_queries_does_not_grow(people, sign_in, connect, open_form):
    alice = sign_in(people.alice)
    connection = connect(alice, "xero")
    counted = []

    def queries(url):
        engine, statements = database.current().engine, []
        listener = lambda *given: statements.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        try:
            assert alice.get(url).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", listener)
        return len(statements)

    urls = [path_of(connection), f"{path_of(connection)}/tools/xero_list_accounts"]
    for url in urls:
        queries(url)  # what the first visit writes down
        counted.append(queries(url))
    for _ in range(6):
        open_form(alice, connection, "xero_list_accounts").send()
    connect_more = {"connection": connection.id, "group": "change", "on": "0"}
    alice.submit("/integrations/xero/tools", connect_more)
    assert [queries(url) for url in urls] == counted
    assert counted[0] <= 12 and counted[1] <= 9
