"""Members get in; others sign in first and return to the page they requested."""

from datetime import timedelta

import pytest
from flask import g
from sqlmodel import delete, select

from app import clock, database
from app.accounts.models import LoginSession, User
from app.workspaces import guard
from app.workspaces.models import Membership
from tests.conftest import both_databases


@pytest.fixture
def app(app):
    @app.get("/inside")
    @guard.member
    def inside():
        return f"{g.member.user.email} {g.member.workspace.name} {g.member.role}"

    @app.post("/inside/change")
    @guard.member
    def change():
        return "changed"

    return app


@both_databases
def test_it_knows_the_person_the_workspace_and_the_role(people, sign_in):
    assert sign_in(people.bob).get("/inside").text == "bob@example.com Northwind member"
    assert sign_in(people.charlie).get("/inside").text == "charlie@example.com Contoso owner"


def test_a_signed_out_visitor_signs_in_first_and_comes_back(visitor):
    answer = visitor.get("/inside?flow=flw_1&x=a%26b")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/login?next=/inside?flow=flw_1%26x=a%2526b",
    )


def test_htmx_is_sent_to_sign_in_as_a_whole_page(visitor):
    answer = visitor.get(
        "/inside", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/integrations?flow=1"}
    )
    assert answer.headers["HX-Redirect"] == "/login?next=/integrations?flow=1"


def test_a_program_that_asks_for_json_gets_401(visitor):
    assert visitor.get("/inside", headers={"Accept": "application/json"}).status_code == 401


def test_someone_in_no_workspace_is_shown_what_to_do(people, sign_in):
    dana = sign_in(people.dana)
    assert "not in a workspace yet" in dana.follow(dana.get("/inside")).text
    assert dana.submit("/inside/change").status_code == 403


def test_a_removed_member_is_out_on_the_next_click(people, sign_in):
    bob = sign_in(people.bob)
    assert bob.get("/inside").status_code == 200
    with database.transaction() as db:
        db.exec(delete(Membership).where(Membership.user_id == people.bob.id))
    assert bob.get("/inside").headers["Location"] == "/account"


def test_a_changed_role_counts_on_the_next_click(people, sign_in):
    bob = sign_in(people.bob)
    with database.transaction() as db:
        db.get(Membership, (people.northwind.id, people.bob.id)).role = "admin"
    assert bob.get("/inside").text.endswith("admin")


def test_a_disabled_person_is_out_on_the_next_click(people, sign_in):
    bob = sign_in(people.bob)
    with database.transaction() as db:
        db.get(User, people.bob.id).disabled_at = clock.now()
    assert bob.get("/inside").status_code == 303


def test_a_session_left_alone_for_14_days_has_ended(people, sign_in):
    bob = sign_in(people.bob)
    clock.shift(timedelta(days=13, hours=23))
    assert bob.get("/inside").status_code == 200
    clock.shift(timedelta(days=14, minutes=1))
    assert bob.get("/inside").status_code == 303


def test_a_session_ends_after_30_days_however_busy(people, sign_in):
    bob = sign_in(people.bob)
    for _ in range(3):
        clock.shift(timedelta(days=9, hours=23))
        assert bob.get("/inside").status_code == 200
    clock.shift(timedelta(hours=4))
    assert bob.get("/inside").status_code == 303


@both_databases
def test_last_seen_is_written_at_most_once_a_minute(frozen_clock, people, sign_in):
    def seen():
        with database.reading() as db:
            return db.exec(select(LoginSession)).one().last_seen_at

    bob = sign_in(people.bob)
    first = seen()
    clock.shift(timedelta(seconds=50))
    bob.get("/inside")
    assert seen() == first
    clock.shift(timedelta(seconds=20))
    bob.get("/inside")
    assert seen() > first


@pytest.mark.parametrize("cookie", ["", "nonsense", "a" * 5000, "\x00", "é", "%00", "'; DROP TABLE users --"])
def test_a_strange_cookie_is_nobody(people, visitor, cookie):
    assert visitor.get("/inside", headers={"Cookie": f"session={cookie}"}).status_code == 303


def test_a_foreign_remember_cookie_changes_nothing(people, sign_in):
    bob = sign_in(people.bob)
    bob.client.set_cookie("remember_token", "usr_alice|0000")
    assert bob.get("/inside").text.startswith("bob@")


def test_drawing_the_page_adds_no_second_query(people, sign_in, app):
    from flask_login import current_user
    from sqlalchemy import event

    @app.get("/drawn")
    @guard.member
    def drawn():
        from flask import render_template_string

        return render_template_string("{{ member.user.email }} {{ who }}", who=current_user.user.email)

    bob = sign_in(people.bob)
    queries = []
    event.listen(
        database.current().engine,
        "before_cursor_execute",
        lambda c, cur, statement, *rest: queries.append(statement),
    )
    assert bob.get("/drawn").text == "bob@example.com bob@example.com"
    assert len([q for q in queries if q.startswith("SELECT")]) == 1
