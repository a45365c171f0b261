"""The account page: names, the workspace's settings, signed-in browsers."""

import re

import pytest

from app import database
from app.accounts.models import User
from app.workspaces.models import Workspace
from tests.accounts.steps import is_signed_in


def workspace():
    with database.reading() as db:
        return db.get_one(Workspace, "wsp_northwind")


def test_a_person_gives_themselves_a_name(alice, people):
    assert alice.submit("/account/name", {"name": "  Alice Kraus "}).status_code == 303
    assert 'value="Alice Kraus"' in alice.get("/account").text
    assert alice.submit("/account/name", {"name": "x" * 101}).status_code == 422
    assert alice.submit("/account/name", {"name": ""}).status_code == 303
    with database.reading() as db:
        assert db.get_one(User, people.alice.id).name == ""


def test_owners_and_admins_name_the_workspace_and_set_its_clock(alice):
    answer = alice.submit(
        "/account/workspace", {"workspace_name": "Northwind Pty", "timezone": "Australia/Sydney"}
    )
    assert answer.headers["Location"] == "/account"
    page = alice.get("/account").text
    assert "<dd>Northwind Pty</dd>" in page and re.search(r'<option selected value="Australia/Sydney">', page)
    assert (workspace().name, workspace().timezone) == ("Northwind Pty", "Australia/Sydney")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "australia/sydney", "x" * 100])
def test_a_time_zone_that_does_not_exist_is_refused(alice, zone):
    answer = alice.submit("/account/workspace", {"workspace_name": "Northwind", "timezone": zone})
    assert answer.status_code == 422 and 'role="alert"' in answer.text and workspace().timezone == "UTC"


def test_what_was_refused_is_where_the_person_lands(alice):
    page = alice.submit("/account/email", {"email": "no address"}).text
    assert re.findall(r"<input[^>]* autofocus[^>]* id=\"(\w+)\"", page) == ["email"]
    assert "autofocus" not in alice.get("/account").text


def test_members_neither_see_nor_change_the_workspaces_settings(people, sign_in):
    bob = sign_in(people.bob)
    page = bob.get("/account").text
    assert "Save workspace" not in page and "Delete workspace" not in page
    assert (
        bob.submit("/account/workspace", {"workspace_name": "Bobwind", "timezone": "UTC"}).status_code == 403
    )
    assert bob.submit("/account/workspace/delete", {"typed_name": "Northwind"}).status_code == 403
    assert workspace().name == "Northwind"


def handles(visitor):
    return re.findall(r'action="/account/sessions/(\w+)/end"', visitor.get("/account").text)


def test_one_browser_is_signed_out_from_another(people, alice, sign_in):
    first, second = sign_in(people.alice), sign_in(people.alice)
    assert len(handles(alice)) == 2
    assert alice.submit(f"/account/sessions/{handles(alice)[0]}/end").headers["Location"] == "/account"
    assert [is_signed_in(first), is_signed_in(second)].count(True) == 1 and is_signed_in(alice)
    answer = alice.submit(f"/account/sessions/{handles(alice)[0]}/end", htmx=True)
    assert answer.status_code == 200 and 'id="browsers"' in answer.text and "<html" not in answer.text
    assert not is_signed_in(first) and not is_signed_in(second)
    assert handles(alice) == []


def test_a_colleagues_session_looks_like_one_that_does_not_exist(people, alice, sign_in):
    sign_in(people.alice)
    handle = handles(alice)[0]
    bob = sign_in(people.bob)
    refusals = {
        (bob.submit(f"/account/sessions/{each}/end").status_code) for each in (handle, "ses_nothing", "%00")
    }
    assert refusals == {404} and is_signed_in(alice)


def test_the_page_shows_nothing_sessions_are_found_by(people, alice):
    from app.accounts import sessions

    cookie = alice.client.get_cookie("session").value
    page = alice.get("/account").text
    assert cookie not in page and sessions.digest_of(cookie) not in page


def test_somebody_in_no_workspace_has_an_account_page_too(people, sign_in):
    dana = sign_in(people.dana)
    page = dana.get("/account").text
    assert "Create workspace" in page and "Delete account" in page and "Delete workspace" not in page
    assert dana.submit("/account/workspace/delete", {"typed_name": ""}).status_code == 403


def test_every_field_has_the_label_people_see(alice):
    """With a duplicate id, the label would belong to the first element."""
    page = alice.get("/account").text
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), sorted({each for each in ids if ids.count(each) > 1})
    labels = dict(re.findall(r'<label for="([^"]+)">([^<]+)</label>', page))
    assert labels["password"] == "New password" and labels["email"] == "New email" and set(labels) <= set(ids)


def test_a_person_chooses_their_time_zone(alice, people):
    assert 'value="UTC"' in alice.get("/account").text
    assert alice.submit("/account/time-zone", {"time_zone": "new york"}).status_code == 303
    page = alice.get("/account").text
    assert 'value="America/New_York"' in page and 'role="status"' in page
    refused = alice.submit("/account/time-zone", {"time_zone": "Mars"})
    assert refused.status_code == 422 and "No time zone has that name." in refused.text
    with database.reading() as db:
        assert db.get_one(User, people.alice.id).time_zone == "America/New_York"


@pytest.mark.parametrize(
    ("path", "form", "card"),
    [
        ("/account/name", {"name": "Alice Kraus"}, "profile-card"),
        ("/account/time-zone", {"time_zone": "Europe/Berlin"}, "time-zone-card"),
        ("/account/notifications", {"wanted": ["broken"]}, "notifications-card"),
        ("/account/workspace", {"workspace_name": "Northwind Pty", "timezone": "UTC"}, "workspace-card"),
    ],
)
def test_a_section_is_saved_in_place_and_says_so(alice, path, form, card):
    alice.get("/account")
    answer = alice.submit(path, form, htmx=True)
    assert answer.status_code == 200 and f'id="{card}"' in answer.text and "<html" not in answer.text
    assert "Saved<" in answer.text
    for value in form.values():
        if isinstance(value, str):
            assert value in answer.text, "the section shows what is stored now"
    assert "Saved<" not in alice.get("/account").text
    alice.submit(path, form)
    page = alice.get("/account").text
    assert page.count("Saved<") == 1 and "Saved<" in page[page.index(f'id="{card}"') :]


def test_what_is_refused_in_place_is_said_at_its_field(alice):
    alice.get("/account")
    answer = alice.submit("/account/time-zone", {"time_zone": "Mars"}, htmx=True)
    assert answer.status_code == 200 and 'role="alert"' in answer.text and "<html" not in answer.text


def test_the_number_of_queries_of_the_page_is_fixed(people, alice, sign_in):
    from sqlalchemy import event

    def statements():
        found = []
        count = lambda *given: found.append(given[2])  # noqa: E731
        event.listen(database.current().engine, "before_cursor_execute", count)
        alice.get("/account")
        event.remove(database.current().engine, "before_cursor_execute", count)
        return len([each for each in found if each.startswith("SELECT")])

    alice.get("/account")
    few = statements()
    for _ in range(10):
        sign_in(people.alice)
    assert statements() == few <= 8
