"""The page of saved notes, as a person without JavaScript uses it; and with htmx."""

import re

import pytest
from sqlmodel import select

from app import database
from app.memory.models import Note


def note_id(page):
    return re.search(r'id="(note_\w+)"', page).group(1)


@pytest.fixture
def alice(sign_in, people):
    visitor = sign_in(people.alice)
    visitor.get("/memory")
    return visitor


def save(visitor, text, **form):
    visitor.get("/memory")
    visitor.follow(visitor.submit("/memory", {"text": text, **form}))
    return note_id(visitor.page)


def test_strangers_sign_in_first(visitor):
    assert visitor.get("/memory").headers["Location"] == "/login?next=/memory"


def test_it_stands_in_the_navigation(alice):
    assert re.search(r'<a class="menu-item" href="/memory" aria-current="page">Saved notes</a>', alice.page)


def test_a_note_is_written_found_edited_and_deleted(alice):
    assert "No notes yet" in alice.page
    id_ = save(alice, "Acme pays on the 5th", title="Acme")
    assert "Saved." in alice.page and "1 of 1,000 notes" in alice.page
    assert id_ in alice.get("/memory?q=acme").text
    assert "No matches" in alice.get("/memory?q=zebra").text
    assert "Acme pays on the 5th" in alice.get(f"/memory/{id_}").text
    alice.follow(alice.submit(f"/memory/{id_}", {"title": "Acme", "text": "Acme pays on the 9th"}))
    assert "Acme pays on the 9th" in alice.page and "5th" not in alice.page
    alice.follow(alice.submit(f"/memory/{id_}/delete"))
    assert "Note deleted." in alice.page and "No notes yet" in alice.page


def test_what_is_shared_is_read_by_colleagues_who_cannot_change_it(alice, sign_in, people):
    id_ = save(alice, "The door code is with the porter")
    bob = sign_in(people.bob)
    assert bob.get(f"/memory/{id_}").status_code == 404
    alice.submit(f"/memory/{id_}/share", {"shared": "yes"})
    assert "door code" in bob.get("/memory").text
    assert "Delete" not in bob.page and "Stop sharing" not in bob.page
    assert "door code" in bob.get(f"/memory/{id_}").text and '<form class="card' not in bob.page
    for deed, form in (("", {"text": "changed"}), ("/share", {"shared": "no"}), ("/delete", {})):
        assert bob.submit(f"/memory/{id_}{deed}", form).status_code == 403
    assert sign_in(people.charlie).get(f"/memory/{id_}").status_code == 404
    alice.submit(f"/memory/{id_}/share", {"shared": "no"})
    assert bob.get(f"/memory/{id_}").status_code == 404


def test_with_htmx_the_note_alone_is_swapped(alice):
    id_ = save(alice, "Tea, not coffee")
    answer = alice.submit(f"/memory/{id_}/share", {"shared": "yes"}, htmx=True)
    assert (
        answer.status_code == 200
        and f'id="{id_}"' in answer.text
        and "Stop sharing" in answer.text
        and "<html" not in answer.text
    )
    assert alice.submit(f"/memory/{id_}/delete", htmx=True).text == ""


def test_what_was_typed_stays_when_it_is_refused(alice):
    answer = alice.submit("/memory", {"title": "Long", "text": "x" * 8_001, "shared": "yes"})
    assert answer.status_code == 400
    assert (
        "at most 8,000 characters" in answer.text
        and 'value="Long"' in answer.text
        and "checked" in answer.text
    )
    id_ = save(alice, "Short")
    refused = alice.submit(f"/memory/{id_}", {"title": "", "text": " "})
    assert refused.status_code == 400 and "The note is empty" in refused.text


def test_markup_in_a_note_is_text(alice):
    id_ = save(alice, '<script>alert(1)</script> & "quotes"', title="<b>")
    for path in ("/memory", f"/memory/{id_}"):
        assert "<script>alert" not in alice.get(path).text


@pytest.mark.parametrize(
    "query", ["?before=x", "?before=99999999999999999999", "?q=a&skip=-1", "?q=%00", "?q=" + "x" * 2000]
)
def test_a_senseless_address_shows_a_page(alice, query):
    assert alice.get("/memory" + query).status_code == 200


def test_many_notes_come_a_page_at_a_time(alice, people):
    for n in range(25):
        save(alice, f"note number {n}")
    for start in ("/memory", "/memory?q=number"):
        alice.get(start)
        seen = set(re.findall(r"note_\w+", alice.page))
        alice.get(re.search(r'href="(/memory\?[^"]+)">More notes', alice.page).group(1))
        assert len(seen | set(re.findall(r"note_\w+", alice.page))) == 25
        assert "More notes" not in alice.page


def test_a_form_without_its_token_changes_nothing(alice):
    assert alice.client.post("/memory", data={"text": "forged"}).status_code == 400
    with database.reading() as db:
        assert db.exec(select(Note)).all() == []
