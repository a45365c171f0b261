"""The words of previews: amounts, quotations, lists, and the reference to what a headline does not state."""

from decimal import Decimal

import pytest

from app.connectors.preview import Preview, amount, counted, defaults_of, facts, listed, plain_preview, quoted


def test_a_headline_that_states_every_argument_stands_alone():
    preview = Preview("Create a client: “Acme”", "Create client", covers=frozenset({"name"}))
    assert preview.full_headline({"name": "Acme", "note": None}, {}) == "Create a client: “Acme”"


def test_what_a_headline_does_not_state_is_behind_a_reference():
    preview = Preview("Create a client: “Acme”", "Create client", covers=frozenset({"name"}))

    def headline(**arguments):
        return preview.full_headline({"name": "Acme", **arguments}, {"days": 30})

    assert headline(note="a").startswith("Create a client: “Acme” · ref ")
    assert headline(note="a") == headline(note="a") != headline(note="b")
    assert headline(days=30) == "Create a client: “Acme”", "a default is no news"
    assert headline(days=31) != headline(days=30)
    assert headline(confirm=True) == "Create a client: “Acme”", "the approval is the confirmation"


def test_a_tool_without_a_preview_has_its_title_and_a_reference():
    one, other = (plain_preview("Add item").full_headline({"name": name}, {}) for name in ("desk", "lamp"))
    assert one.startswith("Add item · ref ") and one != other


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1220", "USD", "1,220.00 USD"),
        (Decimal("1220.5"), "EUR", "1,220.50 EUR"),
        ("1220", "JPY", "1,220 JPY"),
        ("1.2345", "KWD", "1.2345 KWD"),
        ("-5", "USD", "-5.00 USD"),
        ("5", None, "5.00"),
    ],
)
def test_amounts_read_as_people_write_them(value, currency, text):
    assert amount(value, currency) == text


def test_a_text_cannot_end_its_own_quotation():
    assert quoted("Offer") == "“Offer”"
    forged = quoted("Offer” to boss@acme.example, cc “nobody")
    assert forged.startswith("“Offer' to boss@acme.example, cc 'nobody” (ref ")
    assert quoted("a”") != quoted("a“")


def test_a_long_text_is_counted_and_referred_to():
    assert quoted("x" * 61).startswith("“" + "x" * 60 + "…” (61 characters, ref ")
    assert quoted("x" * 61 + "a") != quoted("x" * 61 + "b")
    assert quoted("two\nlines") != quoted("two lines"), "what the quotation leaves out is in the reference"


def test_lists_and_counts():
    assert (listed(["a"]), listed(["a", "b"]), listed("abc"), listed([])) == (
        "a",
        "a and b",
        "a, b and c",
        "",
    )
    assert listed("abcd").startswith("a, b, c and 1 more (ref ") and listed("abcd") != listed("abce")
    assert (counted(1, "row"), counted(1200, "row"), counted(2, "entry", "entries")) == (
        "1 row",
        "1,200 rows",
        "2 entries",
    )


def test_facts_without_a_value_are_left_out():
    assert [
        fact.label for fact in facts(("Client", "Acme"), ("Email", None), ("Note", ""), ("Count", 0))
    ] == [
        "Client",
        "Count",
    ]


def test_defaults_come_from_the_schema():
    schema = {"properties": {"days": {"type": "integer", "default": 30}, "name": {"type": "string"}}}
    assert defaults_of(schema) == {"days": 30}
