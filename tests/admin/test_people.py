"""The page of people: keep out, let in, make operators; the last operator stays."""

import threading

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts.models import User
from app.oauth_server.models import Grant
from tests.conftest import both_databases


def act(visitor, user, deed, value="yes", **options):
    name = {"state": "disabled", "operator": "operator", "sign-out": "everywhere"}[deed]
    return visitor.submit(f"/admin/people/{user.id}/{deed}", {name: value}, **options)


def get(user):
    with database.reading() as db:
        return db.get(User, user.id)


@both_databases
def test_everybody_is_listed_with_workspaces_and_sessions(dana, people, sign_in):
    sign_in(people.alice)
    dana.get("/admin/people")
    for words in (
        "alice@example.com",
        "charlie@example.com",
        "Northwind",
        "(owner)",
        "1 browser",
        'data-label="Sessions"><span class="hint">None</span>',
        "Operator",
    ):
        assert words in dana.page, words
    dana.get("/admin/people?q=CHARL")
    assert "charlie@example.com" in dana.page and "alice@example.com" not in dana.page
    assert "No matches" in dana.get("/admin/people?q=%25_").text


def test_a_disabled_person_is_out_at_once_with_every_token(dana, people, sign_in, client_of, trail):
    bob, client = sign_in(people.bob), client_of(people.bob)
    assert bob.get("/integrations").status_code == 200 and client.ask("tools/list").status_code == 200
    answer = act(dana, people.bob, "state", htmx=True)
    assert (
        answer.status_code == 200
        and "Disabled" in answer.text
        and 'Enable<span class="visually-hidden"> Bob</span>' in answer.text
        and "<html" not in answer.text
    )
    assert bob.get("/integrations").status_code == 303
    assert client.ask("tools/list").status_code == 401
    assert [(entry.user_id, entry.subject) for entry in trail("person.disabled")] == [
        (people.dana.id, people.bob.id)
    ]
    act(dana, people.bob, "state", "no")
    assert bob.get("/integrations").status_code == 303, "an old session came back"
    assert client.ask("tools/list").status_code == 401, "an old token came back"
    with database.reading() as db:
        assert all(grant.revoked_at for grant in db.exec(select(Grant).where(Grant.user_id == people.bob.id)))
    assert sign_in(people.bob).get("/integrations").status_code == 200
    assert client_of(people.bob).ask("tools/list").status_code == 200
    assert [entry.user_id for entry in trail("person.enabled")] == [people.dana.id]


def test_signing_out_everywhere_ends_sessions_and_leaves_ai_clients(dana, people, sign_in, client_of, trail):
    browsers, client = [sign_in(people.bob), sign_in(people.bob)], client_of(people.bob)
    act(dana, people.bob, "sign-out")
    assert {browser.get("/integrations").status_code for browser in browsers} == {303}
    assert client.ask("tools/list").status_code == 200
    assert trail("person.signed_out_everywhere")[0].subject == people.bob.id
    assert sign_in(people.bob).get("/integrations").status_code == 200


def test_an_operator_is_made_and_unmade(dana, people, sign_in, trail):
    alice = sign_in(people.alice)
    assert alice.get("/admin/people").status_code == 404
    act(dana, people.alice, "operator")
    assert alice.get("/admin/people").status_code == 200
    act(dana, people.alice, "operator", "no")
    assert alice.get("/admin/people").status_code == 404
    assert trail("person.made_operator")[-1].user_id == people.dana.id
    assert trail("person.stood_down_as_operator")[-1].user_id == people.dana.id


def test_the_last_operator_stays(dana, people):
    refused = act(dana, people.dana, "operator", "no")
    assert refused.status_code == 409 and "last operator" in refused.text
    assert get(people.dana).is_operator
    act(dana, people.alice, "operator")
    gone = act(dana, people.dana, "operator", "no")
    assert gone.status_code == 303
    assert dana.get("/admin/people").status_code == 404


def test_a_disabled_operator_does_not_count(dana, people, sign_in):
    act(dana, people.alice, "operator")
    act(dana, people.alice, "state")
    assert act(dana, people.dana, "operator", "no").status_code == 409
    act(dana, people.alice, "state", "no")
    assert act(dana, people.dana, "operator", "no").status_code == 303
    assert sign_in(people.alice).get("/admin/people").status_code == 200


@both_databases
def test_of_two_operators_who_let_each_other_go_at_once_one_stays(dana, people, sign_in):
    act(dana, people.alice, "operator")
    alice, start = sign_in(people.alice), threading.Barrier(2)
    alice.get("/admin/people")

    def go(visitor, other):
        start.wait()
        act(visitor, other, "operator", "no")

    threads = [
        threading.Thread(target=go, args=pair) for pair in ((dana, people.alice), (alice, people.dana))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [get(people.alice).is_operator, get(people.dana).is_operator].count(True) == 1


def test_nobody_disables_themselves_by_a_slip(dana, people):
    act(dana, people.alice, "operator")
    refused = act(dana, people.dana, "state")
    assert refused.status_code == 400 and "disable your own account" in refused.text
    assert get(people.dana).disabled_at is None


def test_a_disabled_person_is_made_no_operator(dana, people):
    act(dana, people.bob, "state")
    assert act(dana, people.bob, "operator").status_code == 400
    assert not get(people.bob).is_operator


@pytest.mark.parametrize("deed", ["state", "operator", "sign-out"])
def test_nobody_of_that_id_is_404(dana, deed):
    class Nobody:
        id = "usr_nobody"

    assert act(dana, Nobody, deed).status_code == 404


def test_many_come_a_page_at_a_time(dana):
    with database.transaction() as db:
        db.add_all(
            User(id=f"usr_{n:03}", email=f"p{n:03}@example.com", created_at=clock.now()) for n in range(60)
        )
    first = dana.get("/admin/people").text
    assert first.count('<tr id="usr_') == 25 and ">Older<" in first
