"""Arguments in plain words: all of them, nothing rounded, nothing hidden."""

import json

import pytest

from app.approvals import argument_text
from app.connectors.services import services_of

INVOICE = {
    "contact_id": "3d4e1f2a-0000-4000-8000-000000000001",
    "line_items": [
        {
            "description": "Oak table",
            "quantity": "2",
            "unit_amount": "12345.50",
            "account_code": "200",
            "tax_type": None,
        }
    ],
    "type": "ACCREC",
    "date": None,
    "due_date": "2026-12-01",
    "reference": "",
}


def displayed_by_label(tool: str, arguments: dict) -> dict[str, argument_text.DisplayedArgument]:
    _, found = services_of(None).find_tool(tool)
    return {one.label: one for one in argument_text.display(arguments, found.input_schema)}


def test_arguments_stand_in_the_order_of_the_tool_with_names_in_words():
    displayed = displayed_by_label("xero_create_invoice", dict(reversed(INVOICE.items())))
    assert list(displayed) == ["Contact ID", "Line items", "Type", "Due date", "Reference"]
    assert displayed["Line items"].columns == ("Description", "Quantity", "Unit amount", "Account code")
    assert displayed["Line items"].rows == (("Oak table", "2", "12,345.50", "200"),)
    assert displayed["Due date"].text == "2026-12-01"


def test_amounts_are_shown_as_they_are_paid():
    displayed = displayed_by_label(
        "stripe_create_refund", {"confirm": True, "payment_intent": "pi_1", "amount": 1099.25, "reason": None}
    )
    assert displayed["Amount"].text == "1,099.25" and displayed["Amount"].hint.startswith("In the payment's")
    assert "Confirm" not in displayed, "the approval itself is the confirmation"
    items = displayed_by_label(
        "stripe_create_invoice", {"customer": "cus_1", "items": [{"description": "x", "amount": 12.25}]}
    )["Items"]
    assert items.columns == ("Description", "Amount") and items.rows == (("x", "12.25"),)


def test_money_with_one_decimal_is_written_with_two_in_the_order_of_the_tool():
    items = [{"amount": 1250, "description": "Consulting"}, {"amount": 90.5, "description": "Travel"}]
    [displayed] = displayed_by_label("stripe_create_invoice", {"items": items}).values()
    assert displayed.columns == ("Description", "Amount")
    assert displayed.rows == (("Consulting", "1,250"), ("Travel", "90.50"))
    [hours, unknown] = argument_text.display({"quantity": 1.5, "hours": 1.5})
    assert (hours.text, unknown.text) == ("1.5", "1.5")


def test_numbers_that_are_names_are_not_grouped():
    [one] = argument_text.display({"invoice_id": 1234567})
    assert (one.label, one.text) == ("Invoice ID", "1234567")
    assert [
        one.text
        for one in argument_text.display({"amount": "0.10", "total": 1e21, "rate": "NaN", "quantity": -1200})
    ] == [
        "0.10",
        "1,000,000,000,000,000,000,000",
        "NaN",
        "-1,200",
    ]


def test_a_long_text_is_folded_and_whole():
    body = "Dear all,\n" + "word " * 200
    [one] = argument_text.display({"body": body})
    assert (one.kind, one.text) == ("long", body) and one.beginning.startswith("Dear all, word")


def test_rows_of_cells_are_a_table_and_what_is_deeper_is_shown_as_it_is():
    [rows] = argument_text.display({"rows": [["a", 1], ["b"]]})
    assert (rows.kind, rows.rows) == ("table", (("a", "1"), ("b", "")))
    deep = {"record_data": {"tags": ["x"], "nested": {"a": {"b": 1}}}}
    [record] = argument_text.display(deep)
    assert record.rows == (('["x"]', '{"a": {"b": 1}}'),)
    [wide] = argument_text.display({"records": [{f"f{n}": n for n in range(20)}]})
    assert json.loads(wide.text) == [{f"f{n}": n for n in range(20)}]


def test_what_erases_a_field_or_a_cell_is_seen_and_told_from_what_leaves_it():
    record = {"notes": None, "name": "", "tags": [], "price": 2}
    seen = displayed_by_label("xano_update_table_record", {"record_data": record})["Record data"]
    assert seen.columns == ("Notes", "Name", "Tags", "Price")
    assert seen.rows == (("⟨null⟩", "⟨empty⟩", "[]", "2"),)
    records = [{"notes": None}, {"name": "x"}]
    seen = displayed_by_label("xano_bulk_create_records", {"records": records})["Records"]
    assert seen.rows == (("⟨null⟩", ""), ("", "x"))
    rows = [[None, "", "a"], ["b"]]
    seen = displayed_by_label("google_sheets_update_range", {"rows": rows})["Rows"]
    assert seen.rows == (("⟨null⟩", "⟨empty⟩", "a"), ("b", "", ""))


def test_what_is_left_at_an_empty_default_or_only_confirms_is_not_displayed():
    schema = {"properties": {"note": {"type": "string", "default": ""}, "memo": {"type": ["string", "null"]}}}
    displayed = argument_text.display({"note": "", "memo": "", "confirm": True, "date": None}, schema)
    assert [(one.label, one.text) for one in displayed] == [("Memo", "⟨empty⟩")], "an empty memo erases it"


FAMILY = "👩\u200d👩\u200d👧\u200d👦"
HEART = "❤\ufe0f\u200d🔥"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize("text", [FAMILY, HEART, SCOTLAND, "👩🏽\u200d🚒", f"Hi {FAMILY}!", "ठाकुर", "Größe"])
def test_emoji_made_of_several_stay_whole(text):
    assert argument_text.visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u200db", "a⟨U+200D⟩b"),
        ("👩\u200d", "👩⟨U+200D⟩"),
        ("\u200d👩", "⟨U+200D⟩👩"),
        ("👩\u200d\u200d👧", "👩⟨U+200D⟩⟨U+200D⟩👧"),
        ("x\U000e0067", "x⟨U+E0067⟩"),
        ("\U0001f3f4\U000e0068\U000e0069\U000e007f", "\U0001f3f4⟨U+E0068⟩⟨U+E0069⟩⟨U+E007F⟩"),
        ("a\U000e0101b", "a⟨U+E0101⟩b"),
        ("a\u3164b", "a⟨U+3164⟩b"),
        ("\u202eabc", "⟨U+202E⟩abc"),
    ],
)
def test_what_could_hide_something_is_drawn(text, seen):
    assert argument_text.visible(text) == seen


def test_in_a_chat_no_argument_looks_like_a_line_of_its_own():
    forged = "a\nTotal: 1.00"
    for arguments in (
        {"text": forged},
        {"texts": [forged]},
        {"rows": [{"text": forged}]},
        {"cells": [[forged]]},
    ):
        assert "\nTotal" not in argument_text.as_plain_text(argument_text.display(arguments), 3000)


def test_a_chat_gets_one_text_and_hears_when_it_was_cut():
    displayed = argument_text.display(INVOICE)
    text = argument_text.as_plain_text(displayed, 3000)
    assert "  - Description: Oak table | Quantity: 2 | Unit amount: 12,345.50 | Account code: 200" in text
    assert argument_text.as_plain_text(displayed, 20).endswith("(cut here)")
