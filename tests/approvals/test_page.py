"""The page of approvals: what it shows, who may decide there, and the results of approve and reject."""

import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import event
from sqlmodel import select

from app import clock, database
from app.accounts.models import User
from app.approvals import carrying_out, expiry, models
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.vault.models import Connection
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support import acme
from tests.support.approvals import request_in, stored, trail

NAME = "acme_create_thing"


@pytest.fixture
def ask(alice, asking):
    """`ask("two chairs")`: alice's AI client requests that write. Returns the request's id."""
    return lambda text="two chairs": request_in(alice.call(NAME, {"text": text}))


def words_of(visitor, path="/approvals") -> str:
    """The text a person reads on a page."""
    visitor.get(path)
    main = visitor.page.partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def decide(visitor, approval_id, deed, **form):
    visitor.get("/approvals")
    return visitor.submit(f"/approvals/{approval_id}/{deed}", form)


def tell_the_clock(**ahead) -> None:
    """Move the clock; the sweep, which runs once per minute, may run at once."""
    clock.shift(timedelta(**ahead))
    expiry._throttle._due = 0.0


def test_an_empty_page_says_what_to_do(people, sign_in):
    text = words_of(sign_in(people.alice))
    assert "Nothing is waiting for approval. On a connection set to “Ask before writing”" in text
    assert "Choose that level on Integrations" in text


def test_a_request_is_shown_in_plain_words(people, sign_in, ask):
    ask("two chairs")
    text = words_of(visitor := sign_in(people.alice))
    for words in (
        "Waiting for approval",
        "Create a thing: “two chairs”",
        "Acme: Main · Business 1",
        "Requested by test client just now · Expires",
        "Looked up in Acme just now Shelf Shelf of Business 1",
        "Sent by test client Text two chairs",
        "Create thing",
        "Reject",
    ):
        assert words in text, words
    hidden = '<span class="visually-hidden">'
    assert f"{hidden}Approve: Create a thing: “two chairs”. </span>Create thing</button>" in visitor.page
    assert 'aria-label="Reject: Create a thing: “two chairs”">Reject</button>' in visitor.page
    assert '<span class="visually-hidden">1 request waiting</span>' in visitor.page


def test_a_request_without_a_preview_is_shown_by_its_title(people, sign_in, ask):
    approval_id = ask()
    with database.transaction() as db:
        db.get(Approval, approval_id).preview_sealed = None
    text = words_of(visitor := sign_in(people.alice))
    assert "Create a thing Acme: Main" in text and "Looked up" not in text
    assert 'aria-label="Approve: Create a thing">Approve</button>' in visitor.page


def test_a_preview_that_was_copied_from_another_request_is_not_believed(people, sign_in, ask):
    first, second = ask("two chairs"), ask("a table")
    with database.transaction() as db:
        db.get(Approval, first).preview_sealed = db.get(Approval, second).preview_sealed
    text = words_of(sign_in(people.alice), f"/approvals/{first}")
    assert "be opened: a key of this installation is missing" in text and "a table" not in text
    assert "Create a thing" in text and "two chairs" in text


def test_headings_stand_in_order_on_the_page_of_one_request(people, sign_in, ask):
    visitor = sign_in(people.alice)
    visitor.get(f"/approvals/{ask()}")
    levels = [int(level) for level in re.findall(r"<h([1-6])", visitor.page.partition("<main")[2])]
    assert levels == [1, 2, 3, 4, 4]


def test_a_page_of_many_requests_takes_as_many_queries_as_one_of_few(people, sign_in, ask):
    visitor = sign_in(people.alice)
    ask("first")
    visitor.get("/approvals")
    few = queries_of(visitor, "/approvals")
    for n in range(12):
        ask(f"thing {n}")
    assert queries_of(visitor, "/approvals") == few > 0


def queries_of(visitor, path) -> int:
    """How many statements the page takes."""
    statements = []

    def listen(connection, cursor, statement, *rest):
        statements.append(statement)

    engine = database.current().engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert visitor.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return len(statements)


def test_other_pages_name_a_request_to_those_who_may_decide_it(
    app, settings, client_of, people, connect, ask
):
    shared = ask("for all to see")
    connect(people.bob, "Own", permission="ask", visibility="personal")
    private = request_in(client_of(people.bob).call(NAME, {"text": "private", "account": "Own"}))
    headlines = app.extensions["approvals.headlines"]
    with database.reading() as db:
        alice, bob = (
            SimpleNamespace(user=user, workspace=people.northwind, manages=user is people.alice)
            for user in (people.alice, people.bob)
        )
        seen = {who.user.name: headlines(db, settings, who, [shared, private]) for who in (alice, bob)}
    assert seen == {
        "Alice": {shared: "Create a thing: “for all to see”"},
        "Bob": {private: "Create a thing: “private”"},
    }


def test_what_cannot_be_seen_is_shown(people, sign_in, ask):
    ask("pay \u202eevil\u200b")
    assert "pay ⟨U+202E⟩evil⟨U+200B⟩" in words_of(sign_in(people.alice))


@both_databases
def test_a_yes_is_done_at_once_and_told_in_words(people, sign_in, ask, written):
    approval_id = ask()
    visitor = sign_in(people.alice)
    answer = decide(visitor, approval_id, "approve")
    assert (answer.status_code, answer.headers["Location"], written) == (303, "/approvals", ["two chairs"])
    text = words_of(visitor)
    assert "Done: Create a thing: “two chairs”. Acme account: Main" in text
    assert re.search(r"Recent .*Approved by you just now . Acme account: Main", text)
    assert "Response from Acme ID new" in text


def test_a_no_does_nothing(people, sign_in, ask, written):
    visitor = sign_in(people.alice)
    decide(visitor, ask(), "reject")
    text = words_of(visitor)
    assert (
        "Rejected: Create a thing: “two chairs”. Nothing was changed." in text
        and "Rejected by you just now" in text
    )
    assert written == []
    assert trail() == ["approval.requested", "approval.rejected"]


def test_the_second_press_finds_it_decided(people, sign_in, ask, written):
    approval_id, visitor = ask(), sign_in(people.alice)
    for deed in ("approve", "approve", "reject"):
        assert decide(visitor, approval_id, deed).status_code == 303
        assert "Done: Create a thing: “two chairs”." in words_of(visitor)
    assert written == ["two chairs"]


def test_htmx_gets_the_board_alone(people, sign_in, ask, written):
    approval_id, visitor = ask(), sign_in(people.alice)
    visitor.get("/approvals")
    answer = visitor.submit(f"/approvals/{approval_id}/approve", htmx=True)
    assert answer.status_code == 200 and "<html" not in answer.text
    assert (
        'id="board"' in answer.text
        and 'id="toasts"' in answer.text
        and "Done: Create a thing: “two chairs”." in answer.text
    )


def test_the_heading_of_one_request_changes_with_the_decision(people, sign_in, ask, written):
    approval_id, visitor = ask(), sign_in(people.alice)
    assert "Nothing changes until you approve" in visitor.get(f"/approvals/{approval_id}").text
    form = {"only": approval_id}
    answer = visitor.submit(f"/approvals/{approval_id}/approve", form, htmx=True)
    assert '<div id="approvals-heading" hx-swap-oob="true">' in answer.text
    assert "Approval request</h1>" in answer.text and "Nothing changes until" not in answer.text


def test_the_link_opens_the_one_request_and_opening_does_nothing(people, visitor, sign_in, ask, written):
    approval_id = ask()
    ask("another")
    assert (
        visitor.get(f"/approvals/{approval_id}").headers["Location"]
        == f"/login?next=/approvals/{approval_id}"
    )
    alice = sign_in(people.alice)
    text = words_of(alice, f"/approvals/{approval_id}")
    assert "two chairs" in text and "another" not in text
    assert written == [] and stored()[0].state == models.WAITING
    answer = decide(alice, approval_id, "approve", only=approval_id)
    assert (answer.headers["Location"], written) == (f"/approvals/{approval_id}", ["two chairs"])


def test_the_board_is_sent_again_only_when_it_changed(people, sign_in, ask):
    visitor = sign_in(people.alice)
    ask("two chairs")
    seen = re.search(r'"seen": "(\w+)"', visitor.get("/approvals").text)[1]
    assert visitor.get(f"/approvals/live?seen={seen}").status_code == 204
    assert visitor.get("/approvals/count?seen=1").status_code == 204
    ask("a table")
    assert "a table" in visitor.get(f"/approvals/live?seen={seen}").text
    assert "2 requests waiting" in visitor.get("/approvals/count?seen=1").text
    assert "2 requests waiting" in visitor.get("/integrations").text


# --- who may decide -------------------------------------------------------------------------------


def test_owners_see_what_members_ask_on_shared_connections_and_members_do_not_see_theirs(
    client_of, people, sign_in, ask, written
):
    alices = ask("by alice")
    bobs = request_in(client_of(people.bob).call(NAME, {"text": "by bob"}))
    bob, alice = sign_in(people.bob), sign_in(people.alice)
    assert "by bob" in words_of(bob) and "by alice" not in words_of(bob)
    assert "Requested by test client for Bob" in words_of(alice)
    for deed in ("approve", "reject"):
        assert decide(bob, alices, deed).status_code == 404
    assert bob.get(f"/approvals/{alices}").status_code == 404
    decide(alice, bobs, "approve")
    assert written == ["by bob"]
    assert "Alice decided first" in bob.follow(decide(bob, bobs, "approve")).text
    decide(bob, request_in(client_of(people.bob).call(NAME, {"text": "more"})), "approve")
    assert written == ["by bob", "more"]


def test_whoever_connected_a_shared_account_may_decide_and_others_may_not(
    client_of, people, connect, sign_in, written
):
    connection = connect(people.bob, permission="ask")
    first = request_in(client_of(people.alice).call(NAME, {"text": "first"}))
    with database.transaction() as db:
        db.get(Membership, (people.northwind.id, people.bob.id)).role = "admin"
        db.get(Membership, (people.northwind.id, people.alice.id)).role = "member"
    decide(sign_in(people.bob), first, "approve")
    assert written == ["first"]
    second = request_in(client_of(people.bob).call(NAME, {"text": "second"}))
    assert decide(sign_in(people.alice), second, "approve").status_code == 404
    assert connection.visibility == "shared"


def test_a_personal_connection_s_requests_are_its_owner_s_alone(client_of, people, connect, sign_in, written):
    connect(people.bob, permission="ask", visibility="personal")
    bobs = request_in(client_of(people.bob).call(NAME, {"text": "private"}))
    alice = sign_in(people.alice)
    assert "Nothing is waiting" in words_of(alice)
    assert decide(alice, bobs, "approve").status_code == alice.get(f"/approvals/{bobs}").status_code == 404
    decide(sign_in(people.bob), bobs, "approve")
    assert written == ["private"]


def test_another_company_sees_nothing(people, sign_in, ask, written):
    charlie, approval_id = sign_in(people.charlie), ask()
    assert "Nothing is waiting" in words_of(charlie)
    assert decide(charlie, approval_id, "approve").status_code == 404
    assert written == []


def test_a_link_of_another_of_the_person_s_workspaces_says_so(people, sign_in, ask, written):
    approval_id = ask()
    with database.transaction() as db:
        db.add(Membership(workspace_id=people.contoso.id, user_id=people.alice.id, created_at=clock.now()))
    visitor = sign_in(people.alice)
    visitor.get("/account")
    visitor.submit("/workspace", {"workspace": people.contoso.id})
    answer = visitor.get(f"/approvals/{approval_id}")
    assert answer.status_code == 409 and "Switch to that workspace" in answer.text


# --- time -----------------------------------------------------------------------------------------


@both_databases
def test_it_expires_after_a_day(alice, people, sign_in, ask, written):
    approval_id = ask()
    tell_the_clock(hours=23, minutes=59)
    visitor = sign_in(people.alice)
    assert "Waiting for approval" in words_of(visitor)
    tell_the_clock(minutes=2)
    decide(visitor, approval_id, "approve")
    assert "Expired: Create a thing: “two chairs”. Nothing was changed." in words_of(visitor)
    assert written == [] and trail() == ["approval.requested", "approval.expired"]
    assert ask() != approval_id


def test_the_end_is_told_for_a_day(alice, people, sign_in, ask, written):
    approval_id = ask()
    decide(sign_in(people.alice), approval_id, "approve")
    tell_the_clock(hours=24, minutes=1)
    assert ask() != approval_id


def test_everything_is_forgotten_after_thirty_days(people, sign_in, ask):
    decide(sign_in(people.alice), ask(), "reject")
    ask("waits")
    tell_the_clock(days=31)
    sign_in(people.alice).get("/approvals")
    assert [row.state for row in stored()] == []


def test_a_crash_after_the_yes_ends_as_unknown_and_is_never_run_again(
    app, alice, people, sign_in, ask, written, monkeypatch
):
    approval_id, visitor = ask(), sign_in(people.alice)
    with monkeypatch.context() as crash:
        crash.setattr(carrying_out, "_carry_out", lambda *_: None)  # the process dies here
        decide(visitor, approval_id, "approve")
    assert "Running: Create a thing" in words_of(visitor)
    assert "and running now" in _impatient(alice, monkeypatch)
    tell_the_clock(minutes=4)
    assert "Outcome unknown" in words_of(visitor) and "Check there before" in words_of(visitor)
    decide(visitor, approval_id, "approve")
    assert written == []
    code, sentence = alice.refusal(NAME, {"text": "two chairs"})
    assert (code, "check there before" in sentence) == ("TIMEOUT", True)
    assert trail()[-1] == "approval.outcome_unknown"
    assert ask() != approval_id and written == []


def _impatient(client, monkeypatch) -> str:
    monkeypatch.setattr("app.mcp_server.calls.approval_gate._PATIENCE_SECONDS", 0.0)
    return client.call(NAME, {"text": "two chairs"})["error"]["message"]


@both_databases
def test_long_work_shows_that_it_runs_and_then_how_it_ended(
    app, alice, people, sign_in, ask, written, monkeypatch
):
    approval_id, visitor = ask(), sign_in(people.alice)
    execute, go_on = app.extensions["approvals.execute"], threading.Event()
    monkeypatch.setitem(
        app.extensions, "approvals.execute", lambda *given: go_on.wait(20) and execute(*given)
    )
    monkeypatch.setattr(carrying_out, "_PATIENCE_SECONDS", 0.01)
    decide(visitor, approval_id, "approve")
    text = words_of(visitor)
    assert "Running: Create a thing" in text and "Running…" in text and "Approve: " not in visitor.page
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in visitor.page
    outcomes = []
    asking_again = threading.Thread(target=lambda: outcomes.append(alice.call(NAME, {"text": "two chairs"})))
    asking_again.start()  # the AI client comes back in the middle, and gets the end
    go_on.set()
    asking_again.join()
    [worker] = [t for t in threading.enumerate() if t.name == "approved"] or [None]
    if worker:
        worker.join()
    assert outcomes[0]["message"].startswith("Approved by Alice at")
    assert "Approved by you" in words_of(visitor) and "Running…" not in words_of(visitor)
    assert written == ["two chairs"]


def test_an_answer_that_comes_after_its_time_still_counts(app, people, sign_in, ask, written, monkeypatch):
    approval_id, visitor = ask(), sign_in(people.alice)
    execute = app.extensions["approvals.execute"]

    def late(*given):
        ended = execute(*given)
        tell_the_clock(minutes=4)
        visitor.app.test_client().get("/health")
        with database.transaction() as db:
            expiry.sweep(db)
        return ended

    monkeypatch.setitem(app.extensions, "approvals.execute", late)
    decide(visitor, approval_id, "approve")
    assert stored()[0].state == models.DONE


# --- mail -----------------------------------------------------------------------------------------


def test_the_person_gets_one_email_per_request_with_its_headline(alice, people, ask, letters):
    approval_id = ask("the secret plan")
    ask("the secret plan")
    [(to, subject, text)] = letters
    assert (to, subject) == ("alice@example.com", "Approval requested: Create a thing: “the secret plan”")
    assert f"http://localhost:8000/approvals/{approval_id}" in text
    named = "Create a thing: “the secret plan”\nAcme: Main; Business 1\nRequested by test client, expires "
    assert named in text
    assert "Shelf" not in text, "what was looked up needs a sign-in to read"


def test_long_headlines_that_begin_alike_are_told_apart_in_the_email(
    alice, people, ask, letters, monkeypatch
):
    monkeypatch.setattr(acme, "quoted", lambda text: text + text)
    for end in "ab":
        ask("x" * 199 + end)
    (_, one, _), (_, other, _) = letters
    assert one != other and len(one) < 240 and ", ref " in one


def test_the_email_has_the_time_of_its_reader(people, ask, letters):
    with database.transaction() as db:
        db.get(User, people.alice.id).time_zone = "Asia/Tokyo"
    ask()
    assert re.search(r"expires \d+ \w+ \d{4}, \d\d:\d\d JST\n", letters[0][2])


def test_a_client_in_a_loop_fills_no_mailbox(alice, people, ask, letters, monkeypatch):
    monkeypatch.setattr("app.approvals.requests.MOST_WAITING", 30)
    for n in range(30):
        ask(f"thing {n}")
    assert "30 requests are already waiting for approval" in alice.refusal(NAME, {"text": "one more"})[1]
    assert len(letters) == 3
    tell_the_clock(minutes=10)
    with database.transaction() as db:
        db.get(Approval, stored()[0].id).state = models.REJECTED
    ask("later")
    assert len(letters) == 4 and letters[-1][1] == "28 requests are waiting for your approval"
    assert all(row.mailed_at for row in stored(state="waiting"))


def test_more_than_a_person_can_look_through_is_refused(alice, asking, monkeypatch):
    monkeypatch.setattr("app.approvals.requests.MOST_CHARACTERS", 100)
    code, sentence = alice.refusal(NAME, {"text": "x" * 120})
    assert (code, "Split it" in sentence, stored()) == ("INVALID_ARGUMENTS", True, [])
    assert request_in(alice.call(NAME, {"text": "x" * 20}))


def test_a_question_in_the_chat_sends_no_email(oauth_client_of, people, asking, letters):
    alice = oauth_client_of(people.alice)
    alice.capabilities = {"elicitation": {"form": {}}}
    alice.ask("tools/call", name=NAME, arguments={"text": "x"})
    assert letters == []


# --- secrets --------------------------------------------------------------------------------------


def test_arguments_and_answers_are_sealed_and_in_no_trail(alice, people, sign_in, ask, letters, caplog):
    caplog.set_level("DEBUG")
    decide(sign_in(people.alice), ask("a-canary-in-a-coal-mine"), "approve")
    with database.reading() as db:
        rows = db.connection().exec_driver_sql("SELECT * FROM approvals").all()
        entries = [e for e in db.scalars(select(AuditEntry)) if e.action.startswith("approval.")]
    assert "canary" not in repr(rows) + repr([entry.details for entry in entries]) + caplog.text


def test_a_row_whose_seal_was_copied_from_another_does_nothing(people, sign_in, ask, written):
    first, second = ask("one chair"), ask("a hundred chairs")
    with database.transaction() as db:
        db.get(Approval, first).arguments_sealed = db.get(Approval, second).arguments_sealed
    visitor = sign_in(people.alice)
    assert "can't be opened" in words_of(visitor, f"/approvals/{first}")
    decide(visitor, first, "approve")
    assert written == []
    decide(visitor, second, "approve")
    assert written == ["a hundred chairs"]


def test_a_disconnected_connection_is_named_and_its_request_cannot_be_carried_out(
    people, sign_in, ask, asking, written
):
    approval_id, visitor = ask(), sign_in(people.alice)
    with database.transaction() as db:
        db.delete(db.get(Connection, asking.id))
    assert "Acme has been disconnected since" in words_of(visitor)
    decide(visitor, approval_id, "approve")
    assert written == [] and "Not done: Create a thing" in words_of(visitor)
