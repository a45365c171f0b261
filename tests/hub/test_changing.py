"""What the buttons of a card do, and who may press them."""

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.vault import connection_settings
from app.vault.models import Connection
from app.workspaces.models import Membership
from tests.support.consent import connections_of, consent_parameters
from tests.support.waiting import until


def break_connection(slug="xero"):
    with database.transaction() as db:
        for connection in db.exec(select(Connection).where(Connection.slug == slug)):
            connection.state, connection.last_error = (
                "reconnect_needed",
                "Xero ended our access on 18 November. Reconnect to keep using it.",
            )


def test_disconnecting_forgets_at_once_and_revokes_at_the_service(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    answer = alice.submit("/integrations/xero/disconnect")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/integrations")
    alice.follow(answer)
    assert "Xero disconnected." in alice.page and 'aria-label="Connect Xero"' in alice.page
    assert connections_of(alice, "xero") == []
    until(lambda: sandbox.log("xero")["revocations"] == 1)


def test_disconnecting_twice_is_fine(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    [connection] = connections_of(alice, "xero")
    for _ in range(2):
        assert (
            alice.submit("/integrations/xero/disconnect", {"connection": connection["id"]}).status_code == 303
        )
    assert "Xero was already disconnected." in alice.get("/integrations").text


def test_htmx_gets_the_card_alone(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    answer = alice.submit("/integrations/xero/disconnect", htmx=True)
    assert answer.status_code == 200 and "<html" not in answer.text
    assert 'aria-label="Connect Xero"' in answer.text and "Connect Gmail" not in answer.text


def test_the_permission_menu_says_what_ai_clients_may_do(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    for level, words in (
        ("off", "Off"),
        ("ask", "Ask before writing"),
        ("write", "Read and write"),
        ("read", "Read only"),
    ):
        assert alice.submit("/integrations/xero/permission", {"level": level}).status_code == 303
        alice.get("/integrations")
        assert f'aria-label="Xero: {words}"' in alice.page
        assert [c["permission"] for c in connections_of(alice, "xero")] == [level]
        assert ("changes wait for " in alice.page) == (level == "ask")


@pytest.mark.parametrize("level", ["", "admin", "WRITE", "read\x00"])
def test_an_unknown_permission_changes_nothing(people, sign_in, connect, level):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    assert alice.submit("/integrations/xero/permission", {"level": level}).status_code == 400
    assert [c["permission"] for c in connections_of(alice, "xero")] == ["read"]


@pytest.mark.parametrize("htmx", [False, True])
def test_writing_that_was_not_granted_asks_the_service_again(people, sign_in, connect, sandbox, htmx):
    alice = sign_in(people.alice)
    connect(alice, "xero", level="read")
    answer = alice.submit("/integrations/xero/permission", {"level": "write"}, htmx=htmx)
    consent = answer.headers["HX-Redirect" if htmx else "Location"]
    assert "accounting.invoices" in consent_parameters(consent)["scope"].split()
    [before] = connections_of(alice, "xero")
    assert before["permission"] == "read"
    alice.follow(alice.get(sandbox.approve(consent)))
    [after] = connections_of(alice, "xero")
    assert (after["id"], after["permission"]) == (before["id"], "write")


def test_writing_stays_off_when_the_service_does_not_grant_it(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "gmail", level="read")
    consent = alice.submit("/integrations/gmail/permission", {"level": "write"}).headers["Location"]
    alice.follow(alice.get(sandbox.approve(consent, granted=[])))
    assert [c["permission"] for c in connections_of(alice, "gmail")] == ["read"]
    assert "You didn't allow" in alice.page or "Gmail connection failed" in alice.page


def test_reconnecting_keeps_the_same_connection(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    [before] = connections_of(alice, "xero")
    alice.submit("/integrations/xero/label", {"label": "Head office"})
    alice.submit("/integrations/xero/permission", {"level": "write"})
    break_connection()
    alice.get("/integrations")
    assert 'aria-label="Reconnect Xero"' in alice.page and "ended our access on 18 November" in alice.page
    assert "Needs attention" in alice.page and "Reconnect needed" in alice.page
    connect(alice, "xero", connection=before["id"])
    [after] = connections_of(alice, "xero")
    assert (after["id"], after["state"], after["label"], after["permission"]) == (
        before["id"],
        "connected",
        "Head office",
        "write",
    )


def test_reconnecting_with_another_account_is_refused_in_words(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "gmail")
    [before] = connections_of(alice, "gmail")
    break_connection("gmail")
    consent = alice.submit("/integrations/gmail").headers["Location"]
    connect(alice, "gmail", sandbox.companies(consent)[1], connection=before["id"])
    assert (
        "Gmail connection failed. Please try again." in alice.page and "different Gmail account" in alice.page
    )
    assert [c["account"] for c in connections_of(alice, "gmail")] == [before["account"]]


def test_a_label_names_the_card_and_an_empty_one_gives_the_name_back(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    alice.submit("/integrations/xero/label", {"label": "  Head   office & Söhne (AU) "})
    assert "<b>Head office &amp; Söhne (AU)</b>" in alice.get("/integrations").text
    assert "<span>Demo Company (AU)</span>" in alice.page, "whose account it is stays on the card"
    alice.submit("/integrations/xero/label", {"label": ""})
    assert "<b>Demo Company (AU)</b>" in alice.get("/integrations").text
    odd = ("Head <b>office</b>", "a: b", "{a}", "`a`", 'a "b"', "a\u202eb", "a\u200bb", "\U0001f3e0")
    for wrong in ("x" * 61, *odd):
        assert alice.submit("/integrations/xero/label", {"label": wrong}).status_code == 400, wrong
    assert "<b>Demo Company (AU)</b>" in alice.get("/integrations").text


def test_the_test_button_asks_the_service(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    alice.follow(alice.submit("/integrations/xero/test"))
    assert "Xero works: connected as Demo Company (AU)." in alice.page
    sandbox.lever("xero", "expire")
    sandbox.lever("xero", "forget_refresh")
    alice.follow(alice.submit("/integrations/xero/test"))
    assert "The test of Xero failed" in alice.page and 'aria-label="Reconnect Xero"' in alice.page


def test_a_personal_connection_is_its_owners_alone(people, sign_in, connect):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    assert len(connections_of(bob, "xero")) == 1
    alice.submit("/integrations/xero/visibility", {"visibility": "personal"})
    assert connections_of(bob, "xero") == []
    assert (
        "Only you" in alice.get("/integrations").text
        and "Demo Company (AU)" not in bob.get("/integrations").text
    )


DEEDS = {
    "disconnect": {},
    "permission": {"level": "off"},
    "label": {"label": "mine"},
    "visibility": {"visibility": "personal"},
    "test": {},
    "": {},
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_member_sees_what_is_shared_but_may_not_touch_it(people, sign_in, connect, deed):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    [before] = connections_of(alice, "xero")
    bob.get("/integrations")
    assert "Demo Company (AU)" in bob.page and "Disconnect Xero" not in bob.page
    answer = bob.submit(f"/integrations/xero/{deed}".rstrip("/"), {"connection": before["id"], **DEEDS[deed]})
    assert answer.status_code == 403 and "owner or admin" in bob.page
    assert connections_of(alice, "xero") == [before]


@pytest.mark.parametrize("deed", DEEDS)
def test_another_workspaces_connection_does_not_exist(people, sign_in, connect, deed):
    alice, charlie = sign_in(people.alice), sign_in(people.charlie)
    connect(alice, "xero")
    [before] = connections_of(alice, "xero")
    charlie.get("/integrations")
    assert "Demo Company" not in charlie.page
    answers = {
        charlie.submit(
            f"/integrations/xero/{deed}".rstrip("/"), {"connection": given, **DEEDS[deed]}
        ).status_code
        for given in (before["id"], "con_nothing")
    }
    assert answers == ({303} if deed == "disconnect" else {404})
    assert connections_of(alice, "xero") == [before]


def test_an_owner_may_change_what_a_member_connected(people, sign_in, connect):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(bob, "xero")
    alice.get("/integrations")
    assert alice.submit("/integrations/xero/permission", {"level": "off"}).status_code == 303
    assert [c["permission"] for c in connections_of(bob, "xero")] == ["off"]


def test_a_right_that_was_taken_away_meanwhile_counts_at_the_return(people, sign_in, connect, sandbox):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "xero")
    [before] = connections_of(alice, "xero")

    def make(role):
        with database.transaction() as db:
            db.exec(select(Membership).where(Membership.user_id == people.bob.id)).one().role = role

    make("admin")
    bob.get("/integrations")
    consent = bob.submit("/integrations/xero", {"connection": before["id"]}).headers["Location"]
    make("member")
    bob.follow(bob.get(sandbox.approve(consent)))
    assert "Xero connection failed. Please try again." in bob.page and "owner or admin" in bob.page
    assert connections_of(alice, "xero") == [before]


def test_a_page_asks_the_database_as_often_for_many_cards_as_for_one(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")

    def statements():
        seen = []
        listen = lambda *a: seen.append(a[2])  # noqa: E731
        event.listen(database.current().engine, "before_cursor_execute", listen)
        assert alice.get("/integrations").status_code == 200
        event.remove(database.current().engine, "before_cursor_execute", listen)
        return len([s for s in seen if s.lstrip().upper().startswith("SELECT")])

    few = statements()
    with database.transaction() as db:
        one = db.exec(select(Connection)).one().model_dump()
        db.add_all(Connection(**{**one, "id": f"con_{n}", "account_key": str(n)}) for n in range(12))
    assert statements() == few <= 5, "with the list of first steps"
    alice.submit("/integrations/getting-started")
    assert statements() == few - 1, "without it no query is left of it"


def test_the_live_board_is_silent_until_something_changed(people, sign_in, connect):
    alice, other_tab = sign_in(people.alice), sign_in(people.alice)
    connect(alice, "xero")
    seen = alice.get("/integrations").text.split('"seen": "')[1].split('"')[0]
    assert alice.get(f"/integrations/live?seen={seen}").status_code == 204
    with database.transaction() as db:
        connection_settings.set_permission(db, db.exec(select(Connection)).one(), "write")
    answer = alice.get(f"/integrations/live?seen={seen}")
    assert 'aria-label="Xero: Read and write"' in answer.text and "<html" not in answer.text
    assert other_tab.get("/integrations/live?seen=nonsense").status_code == 200


def test_status_is_json_and_signed_out_it_is_401(people, sign_in, visitor, connect):
    answer = visitor.get("/integrations/status")
    assert answer.status_code == 401 and answer.json["error"]["code"]
    alice = sign_in(people.alice)
    connect(alice, "xero")
    body = alice.get("/integrations/status").json
    assert (
        body["flow"] is None
        and [c["slug"] for c in body["connectors"]][:2] == ["freshbooks", "xero"]
        and len(body["connectors"]) == 9
    )
    [connection] = connections_of(alice, "xero")
    assert set(connection) == {
        "id",
        "label",
        "account",
        "state",
        "permission",
        "connected_at",
        "last_used_at",
        "last_error",
    }


def test_every_form_needs_its_token(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    for deed, form in DEEDS.items():
        path = f"/integrations/xero/{deed}".rstrip("/")
        assert alice.client.post(path, data=form).status_code == 400
        assert alice.submit(path, form, headers={"Origin": "https://evil.example"}).status_code == 400
    assert [c["permission"] for c in connections_of(alice, "xero")] == ["read"]


def test_the_trail_names_who_did_it_also_when_it_is_not_the_owner(people, sign_in, connect):
    connect(sign_in(people.bob), "xero")
    alice = sign_in(people.alice)
    alice.get("/integrations")
    alice.submit("/integrations/xero/permission", {"level": "off"})
    alice.submit("/integrations/xero/label", {"label": "Books"})
    alice.submit("/integrations/xero/disconnect")
    with database.reading() as db:
        trail = {entry.action: entry.user_id for entry in db.exec(select(AuditEntry)).all()}
    assert trail["connection.connected"] == people.bob.id
    for deed in ("permission_changed", "renamed", "disconnected"):
        assert trail[f"connection.{deed}"] == people.alice.id
