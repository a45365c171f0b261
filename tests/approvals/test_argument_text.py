"""Arguments in plain words: all of them, nothing rounded, nothing hidden."""

import json

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
    assert displayed["Confirm"].text == "Yes"
    items = displayed_by_label(
        "stripe_create_invoice", {"customer": "cus_1", "items": [{"description": "x", "amount": 12.25}]}
    )["Items"]
    assert items.columns == ("Description", "Amount") and items.rows == (("x", "12.25"),)


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


def test_a_chat_gets_one_text_and_hears_when_it_was_cut():
    displayed = argument_text.display(INVOICE)
    text = argument_text.as_plain_text(displayed, 3000)
    assert "  - Description: Oak table | Quantity: 2 | Unit amount: 12,345.50 | Account code: 200" in text
    assert argument_text.as_plain_text(displayed, 20).endswith("(cut here)")
