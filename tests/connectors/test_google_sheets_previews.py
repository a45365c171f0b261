"""What a person reads before a spreadsheet is changed: which file and tab, and what is lost."""

import pytest

from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.services.google_sheets.demo import SALES


@pytest.fixture
def preview(sheets):
    """`preview("clear_range", …)` of Northwind's spreadsheets."""

    def _preview(verb, **arguments):
        before = len(sheets.requests())
        found = sheets.preview(verb, arguments)
        assert {line["method"] for line in sheets.requests()[before:]} <= {"GET"}
        return found

    return _preview


@pytest.fixture
def plan(sheets):
    """A spreadsheet "Plan" whose tab "Log" has six filled cells in B2:C4, one of them a formula."""
    made = sheets.call("create_spreadsheet", title="Plan", sheet_titles=["Log"])["id"]
    rows = [["a", 1], ["b", 2], ["=B2", 3]]
    sheets.call("update_range", spreadsheet_id=made, range="Log!B2", rows=rows, value_input="USER_ENTERED")
    return {"spreadsheet_id": made}


def test_what_is_overwritten_is_counted(preview, plan):
    found = preview("update_range", **plan, range="Log!B2", rows=[["x", "y"], [None, ""], ["z"]])
    assert found.headline == "Write B2:C4 in tab “Log” of “Plan”, replacing 4 filled cells"
    assert {fact.label: fact.value for fact in found.facts} == {
        "Spreadsheet": "Plan",
        "Tab": "Log",
        "Filled cells replaced": "4",
    }
    assert preview("update_range", **plan, range="Log!F9", rows=[["x"]]).headline == (
        "Write F9 in tab “Log” of “Plan”"
    )


def test_what_is_emptied_is_counted(preview, plan):
    assert preview("clear_range", **plan, range="Log!B2:B3").headline == (
        "Clear B2:B3 in tab “Log” of “Plan”, emptying 2 filled cells"
    )
    found = preview("clear_range", **plan, range="Log")
    assert found.headline == "Clear all of tab “Log” of “Plan”, emptying 6 filled cells"
    assert found.button == "Empty 6 filled cells"


def test_rows_are_appended_to_a_named_tab(preview, plan):
    rows = [["a", 1], ["b", 2]]
    assert preview("append_rows", **plan, range="Log", rows=rows).headline == (
        "Append 2 rows to tab “Log” of “Plan”"
    )
    assert "overwritten" in preview("append_rows", **plan, range="Log", rows=rows, insert="OVERWRITE").warning
    formula = preview(
        "append_rows", **plan, range="Log", rows=[["=IMPORTDATA(A1)"]], value_input="USER_ENTERED"
    )
    assert formula.warning == "The rows contain formulas. A formula can send data elsewhere."


def test_new_files_and_tabs_are_named(preview, plan):
    assert preview("create_spreadsheet", title="Budget", sheet_titles=["A", "B"]).headline == (
        "Create spreadsheet “Budget” with tabs “A” and “B”"
    )
    assert preview("add_sheet", **plan, title="Archive", rows=10, columns=4).headline == (
        "Add tab “Archive” with 10 rows and 4 columns to “Plan”"
    )


@pytest.mark.parametrize(
    ("verb", "arguments", "sentence"),
    [
        ("append_rows", {"range": "Nowhere!A1", "rows": [["x"]]}, "no such tab"),
        ("update_range", {"range": "Nowhere!A1", "rows": [["x"]]}, "no such tab"),
        ("clear_range", {"range": "Nowhere"}, "no such tab"),
        ("update_range", {"range": "Log!A1:A2", "rows": [["x"], ["y"], ["z"]]}, "don't fit"),
        ("update_range", {"range": "Log!A1:A2", "rows": [["x", "y"]]}, "don't fit"),
        ("clear_range", {"range": "Log!A5000:A6000"}, "past the end"),
        ("update_range", {"range": "Log!A5000", "rows": [["x"]]}, "past the end"),
        ("add_sheet", {"title": "log"}, "already exists"),
        ("add_sheet", {"title": "Big", "rows": 10_000_000, "columns": 100}, "10 million"),
    ],
)
def test_what_google_would_refuse_is_refused_before(preview, sheets, plan, verb, arguments, sentence):
    with pytest.raises(InvalidArguments, match=sentence):
        preview(verb, **plan, **arguments)
    with pytest.raises(InvalidArguments, match=sentence):
        sheets.call(verb, **plan, **arguments)


def test_a_file_that_is_not_there_is_refused_before(preview):
    with pytest.raises(ObjectNotFound):
        preview("clear_range", spreadsheet_id="x" * len(SALES), range="A1")
