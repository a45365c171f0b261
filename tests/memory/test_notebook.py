"""Notes: whose they are, what a search finds, how much they hold."""

import pytest

from app import database
from app.accounts.models import User
from app.errors import Forbidden, InvalidInput, NotFound
from app.memory import notebook as notebooks
from app.memory import search
from app.memory.models import Note
from tests.conftest import both_databases


def texts(found):
    return [seen.note.text for seen in found]


@both_databases
def test_a_note_is_seen_by_its_author_alone_until_it_is_shared(people, notebook_of):
    with notebook_of(people.alice) as mine:
        note, _ = mine.save("Acme pays late")
    with notebook_of(people.bob) as theirs:
        assert theirs.latest(10) == theirs.search("acme", 10) == []
        with pytest.raises(NotFound):
            theirs.get(note.note.id)
    with notebook_of(people.alice) as mine:
        mine.share(note.note.id, True)
    with notebook_of(people.bob) as theirs:
        (seen,) = theirs.search("acme", 10)
        assert (seen.author, seen.mine, seen.may_delete) == ("Alice", False, False)
        for change in (
            lambda: theirs.edit(seen.note.id, title="", text="Acme pays early"),
            lambda: theirs.share(seen.note.id, False),
            lambda: theirs.delete(seen.note.id),
        ):
            with pytest.raises(Forbidden):
                change()
    with notebook_of(people.charlie) as elsewhere:
        assert elsewhere.latest(10) == elsewhere.search("acme", 10) == []
        with pytest.raises(NotFound):
            elsewhere.delete(note.note.id)


def test_an_owner_deletes_what_a_member_shared_and_nothing_else_of_theirs(people, notebook_of):
    with notebook_of(people.bob) as mine:
        shared, _ = mine.save("The door code changed", shared=True)
        private, _ = mine.save("My locker is 12")
    with notebook_of(people.alice) as owner:
        owner.delete(shared.note.id)
        with pytest.raises(NotFound):
            owner.delete(private.note.id)
    with notebook_of(people.bob) as mine:
        assert texts(mine.latest(10)) == ["My locker is 12"]


@both_databases
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("invoices", ["Send every invoice on Friday"]),  # another ending
        ("invo", ["Send every invoice on Friday"]),  # the beginning of a word
        ("INVOICE friday!", ["Send every invoice on Friday"]),
        ("what does Müller drink?", ["Muller drinks tea"]),  # any word, accents forgiven
        ("jo@acme.example", ["Write to jo@acme.example about INV-2041"]),
        ("2041", ["Write to jo@acme.example about INV-2041"]),
        ("東京", ["会議は東京で行う"]),
        ("unicorn", []),
        ("'); -- \" * NEAR(a b) & | ! :", []),
        ("???", []),
    ],
)
def test_a_search_finds_the_same_on_both_databases(people, notebook_of, query, found):
    with notebook_of(people.alice) as mine:
        for text in (
            "Send every invoice on Friday",
            "Muller drinks tea",
            "Write to jo@acme.example about INV-2041",
            "会議は東京で行う",
        ):
            mine.save(text)
        assert texts(mine.search(query, 10)) == found


@both_databases
def test_the_best_match_comes_first(people, notebook_of):
    with notebook_of(people.alice) as mine:
        mine.save("A supplier is listed here among many other words that have nothing to do with it at all")
        mine.save("They deliver on Mondays", title="Supplier Acme")
        mine.save("Mondays are quiet")
        assert texts(mine.search("supplier acme", 10))[0] == "They deliver on Mondays"


@both_databases
def test_an_edited_or_deleted_note_is_found_by_its_new_words_alone(people, notebook_of):
    with notebook_of(people.alice) as mine:
        note, _ = mine.save("The budget is yellow")
    with notebook_of(people.alice) as mine:
        mine.edit(note.note.id, title="", text="The budget is green")
        assert (texts(mine.search("yellow", 10)), texts(mine.search("green", 10))) == (
            [],
            ["The budget is green"],
        )
    with notebook_of(people.alice) as mine:
        mine.delete(note.note.id)
        assert mine.search("green", 10) == []


@both_databases
def test_the_notes_of_a_person_who_goes_go_with_them(people, notebook_of):
    with notebook_of(people.bob) as mine:
        mine.save("Bob was here", shared=True)
    with database.transaction() as db:
        db.delete(db.get(User, people.bob.id))
    with notebook_of(people.alice) as owner:
        assert owner.search("bob", 10) == owner.latest(10) == []
        owner.save("Bob left")  # the index is whole
        assert texts(owner.search("bob", 10)) == ["Bob left"]


def test_the_same_text_again_is_the_same_note(people, notebook_of):
    with notebook_of(people.alice) as mine:
        first, was_new = mine.save("Tea, not coffee")
        again, is_new = mine.save("  Tea, not coffee\n", shared=True)
        assert (was_new, is_new) == (True, False)
        assert (again.note.id, again.note.shared, mine.count()) == (first.note.id, True, 1)


def test_there_is_a_most(people, notebook_of, monkeypatch):
    monkeypatch.setattr(notebooks, "MOST_NOTES", 2)
    with notebook_of(people.alice) as mine:
        mine.save("one")
        note, _ = mine.save("two")
        with pytest.raises(InvalidInput, match="Delete some first"):
            mine.save("three")
        mine.delete(note.note.id)
        mine.save("three")
    with notebook_of(people.bob) as theirs:
        theirs.save("one")


@pytest.mark.parametrize(
    ("title", "text"), [("", ""), ("", " \n "), ("", "x" * 8_001), ("t" * 121, "x"), ("", "\u202e\u0000")]
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(people, notebook_of, title, text):
    with notebook_of(people.alice) as mine:
        with pytest.raises(InvalidInput):
            mine.save(text, title=title)
        seen, _ = mine.save("x" * 8_000, title="t" * 120)
        assert seen.note.words


def test_a_snippet_shows_where_the_words_are():
    body = "nothing here " * 40 + "the supplier delivers on Mondays " + "nothing there " * 40
    found = search.snippet(body, search.terms_of("suppliers Monday"))
    assert "supplier delivers on Mondays" in found
    assert found.startswith("…") and found.endswith("…") and len(found) < 200
    assert search.snippet("short\nnote", ["x"]) == "short note"
    assert search.snippet("x" * 500, ["y"]).endswith("x…")


def test_the_table_knows_its_longest_title():
    assert Note.__table__.c.title.type.length == 120
