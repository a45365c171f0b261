""" "Try it" fed with what no form of ours sends: at most a form with a problem comes of it."""

import pytest

from app.connection_pages.form_values import literal
from tests.connection_pages.test_try import path_of, writes_at

EVIL = '"><img src=x onerror=alert(1)>\u202e'


@pytest.fixture
def alice(people, sign_in):
    return sign_in(people.alice)


@pytest.mark.parametrize(
    "values",
    [
        {"a.line_items.#": "9" * 5_000},
        {"a.line_items.#": "-1"},
        {"a.line_items.0.qty": "1e999"},
        {"a.line_items.0.qty": "nan"},
        {"a.line_items.0.qty": "-5"},
        {"a.client_id": "9" * 19},
        {"a.client_name": "\x00" + EVIL},
        {"a.client_name": "x" * 300_000},
        {"more": "nothing.0.here"},
        {"call": "nonsense"},
        {"business": "another"},
    ],
    ids=lambda values: "=".join(next(iter(values.items())))[:40].encode("unicode_escape").decode(),
)
def test_odd_values_change_nothing(alice, connect, open_form, sandbox, values):
    form = open_form(alice, connect(alice, "freshbooks", level="write"), "freshbooks_create_invoice")
    form.write({"client_name": "brightwater dental"})
    before = len(writes_at(sandbox, "freshbooks"))
    answer = form.send(values)
    assert answer.status_code in {200, 400, 422} and EVIL not in answer.text
    assert len(writes_at(sandbox, "freshbooks")) == before


@pytest.mark.parametrize("cell", ["NaN", "-Infinity", "1e999", "[" * 20_000, "9" * 5_000, '"\\ud800"', "[1]"])
def test_a_cell_that_is_no_plain_value_stays_the_text_it_is(cell):
    assert literal(cell) == cell


def test_what_cannot_be_seen_is_drawn_in_a_preview(alice, connect, open_form):
    form = open_form(alice, connect(alice, "freshbooks", level="write"), "freshbooks_create_client")
    answer = form.send({"a.organization": "Tea\u202e\u200b<b>", "a.email": "hi@tea.example"})
    preview = answer.text.split('class="card result-preview"')[1].split("</h2>")[0]
    assert "⟨U+202E⟩⟨U+200B⟩&lt;b&gt;" in preview and "\u202e" not in preview


@pytest.mark.parametrize(
    ("slug", "tool", "query", "is_open"),
    [
        ("xero", "xero_create_invoice", {"status": "AUTHORISED"}, True),
        ("xero", "xero_create_invoice", {"status": "DRAFT"}, False),
        ("xero", "xero_create_invoice", {}, False),
        ("gmail", "gmail_send_message", {"body_type": "html"}, True),
    ],
)
def test_what_a_link_chose_is_never_folded_away(alice, connect, slug, tool, query, is_open):
    connection = connect(alice, slug, level="write")
    page = alice.get(path_of(connection, tool), query_string=query).text
    assert ('<details class="trial-more" open>' in page) is is_open
