"""Google Sheets over real HTTP: appending, writing over, clearing, new tabs and files. Once, and as given."""

import pytest

from app.connectors.google_sheets import CONNECTOR
from app.errors import InvalidArguments, OutcomeUnknown
from app.sandbox.clock import today
from app.sandbox.services.google_sheets.demo import SALES, STOCK, STOCK_ROWS


def test_values_are_stored_as_given_unless_typing_was_asked_for(sheets):
    id_ = sheets.new("Log")
    rows = [["=1+1", "007", "1/2", "1,250.00", True, 12.5, ""]]
    raw = sheets.call("append_rows", spreadsheet_id=id_, range="Log", rows=rows)
    assert raw == {"range": "Log!A1:G1", "rows": 1, "columns": 7, "cells": 7, "table": ""}
    sheets.call("append_rows", spreadsheet_id=id_, range="Log", rows=rows, value_input="USER_ENTERED")
    stored = sheets.rows(id_, "Log", value_render="FORMULA")
    assert stored[0] == ["=1+1", "007", "1/2", "1,250.00", True, 12.5]
    assert [row[:2] for row in sheets.rows(id_, "Log", value_render="UNFORMATTED_VALUE")] == [
        ["=1+1", "007"],
        [2, 7],
    ]
    assert sheets.rows(id_, "Log!A2:D2")[0] == ["2", "7", f"1/2/{today().year}", "1,250.00"]


def test_rows_go_under_the_table_and_again_when_asked_again(sheets):
    before = sheets.rows(SALES, "Q4 Plan")
    answers = [
        sheets.call("append_rows", spreadsheet_id=SALES, range="Q4 Plan", rows=[["today", "Acme", 5]])
        for _ in range(2)
    ]
    assert [a["range"] for a in answers] == ["'Q4 Plan'!A14:C14", "'Q4 Plan'!A15:C15"]
    assert (answers[0]["table"], answers[1]["table"]) == ("'Q4 Plan'!A1:D13", "'Q4 Plan'!A1:D14")
    assert sheets.rows(SALES, "Q4 Plan") == [*before, ["today", "Acme", "5"], ["today", "Acme", "5"]]


def test_inserting_moves_what_is_below_and_overwriting_does_not(sheets):
    for insert, below in (
        ("INSERT_ROWS", [["a"], ["b"], [], ["note"]]),
        ("OVERWRITE", [["a"], ["b"], ["note"]]),
    ):
        id_ = sheets.new("Log")
        sheets.call("update_range", spreadsheet_id=id_, range="Log!A1", rows=[["a"], [], ["note"]])
        sheets.call("append_rows", spreadsheet_id=id_, range="Log!A1", rows=[["b"]], insert=insert)
        assert sheets.rows(id_, "Log") == below


def test_appending_grows_a_full_tab_but_writing_past_its_end_is_refused(sheets):
    id_ = sheets.new("Log")
    sheets.call("add_sheet", spreadsheet_id=id_, title="Tiny", rows=1, columns=2)
    sheets.call("append_rows", spreadsheet_id=id_, range="Tiny", rows=[["a", "b"]])
    sheets.call("append_rows", spreadsheet_id=id_, range="Tiny", rows=[["c", "d"], ["e", "f"]])
    assert sheets.rows(id_, "Tiny") == [["a", "b"], ["c", "d"], ["e", "f"]]
    with pytest.raises(InvalidArguments, match="past the end"):
        sheets.call("update_range", spreadsheet_id=id_, range="Tiny!A3", rows=[["x"], ["y"]])
    assert sheets.rows(id_, "Tiny!A3") == [["e"]]


def test_null_leaves_a_cell_and_an_empty_text_empties_it(sheets):
    id_ = sheets.new("Log")
    sheets.call("update_range", spreadsheet_id=id_, range="Log!A1", rows=[["a", "b", "c"]])
    sheets.call("update_range", spreadsheet_id=id_, range="Log!A1", rows=[[None, "", "z"]])
    assert sheets.rows(id_, "Log") == [["a", "", "z"]]


def test_one_cell_says_where_to_begin_and_a_range_what_may_be_touched(sheets):
    id_ = sheets.new("Log")
    assert (
        sheets.call("update_range", spreadsheet_id=id_, range="Log!B2", rows=[[1, 2], [3, 4]])["range"]
        == "Log!B2:C3"
    )
    for range in ("Log!B2:B2", "Log!B2:C2", "Log!B2:B3"):
        with pytest.raises(InvalidArguments, match="don't fit into the range"):
            sheets.call("update_range", spreadsheet_id=id_, range=range, rows=[[9, 9], [9, 9]])
    assert sheets.rows(id_, "Log!B2:C3") == [["1", "2"], ["3", "4"]]


@pytest.fixture
def words(sheets):
    """A spreadsheet whose later tabs have titles that mean a cell of the first to Google, or need quotes."""
    return sheets.new("First", "C", "R", "RC", "R1C1", "2024", "Sales!2024", "Report", "Jon's Data", "Q4")


@pytest.mark.parametrize(
    ("word", "cleared"),
    [
        ("C", "C!A1:Z1000"),
        ("c", "C!A1:Z1000"),
        ("R", "R!A1:Z1000"),
        ("RC", "RC!A1:Z1000"),
        ("R1C1", "'R1C1'!A1:Z1000"),
        ("2024", "'2024'!A1:Z1000"),
        ("Sales!2024", "'Sales!2024'!A1:Z1000"),
        ("Sales!2024!A1:B2", "'Sales!2024'!A1:B2"),
        ('"Report"', "Report!A1:Z1000"),
        ('"report"!A1:B2', "Report!A1:B2"),
        ("Jon's Data", "'Jon''s Data'!A1:Z1000"),
        ("'Jon's Data'!A1:B2", "'Jon''s Data'!A1:B2"),
    ],
)
def test_a_word_names_the_same_tab_in_writing_as_in_reading(sheets, words, word, cleared):
    sheets.call("update_range", spreadsheet_id=words, range="First!A1", rows=[["keep"]])
    sheets.call("update_range", spreadsheet_id=words, range=word, rows=[["x"]])
    sheets.call("append_rows", spreadsheet_id=words, range=word, rows=[["y"]])
    assert sheets.rows(words, word) == [["x"], ["y"]]
    assert sheets.call("clear_range", spreadsheet_id=words, range=word)["range"] == cleared
    assert sheets.rows(words, word) == [] and sheets.rows(words, "First") == [["keep"]]


@pytest.mark.parametrize("verb", ["update_range", "append_rows", "clear_range", "read_range"])
def test_a_tab_that_is_titled_like_a_cell_is_told_from_that_cell(sheets, words, verb):
    rows = {} if verb in {"clear_range", "read_range"} else {"rows": [["x"]]}
    with pytest.raises(InvalidArguments, match="Write 'Q4' for the whole tab, or Tab!Q4 for the cell"):
        sheets.call(verb, spreadsheet_id=words, range="Q4", **rows)
    assert sheets.rows(words, "'Q4'") == sheets.rows(words, "First") == []
    sheets.call(verb, spreadsheet_id=words, range="'Q4'", **rows)
    assert sheets.rows(words, "'Q4'") == ([["x"]] if rows else [])


@pytest.mark.parametrize("verb", ["update_range", "append_rows", "clear_range", "read_range"])
@pytest.mark.parametrize("title", ["A:A", "2:5", "A1:B2"])
def test_a_tab_that_is_titled_like_a_range_is_told_from_that_range(sheets, verb, title):
    id_ = sheets.new("First", title)
    rows = {} if verb in {"clear_range", "read_range"} else {"rows": [["x"]]}
    sheets.call("update_range", spreadsheet_id=id_, range="First!A2", rows=[["keep"]])
    with pytest.raises(InvalidArguments, match=f"Write '{title}' for the whole tab, or Tab!{title} for"):
        sheets.call(verb, spreadsheet_id=id_, range=title, **rows)
    assert sheets.rows(id_, f"'{title}'") == [] and sheets.rows(id_, "First!A2") == [["keep"]]
    sheets.call(verb, spreadsheet_id=id_, range=f"'{title}'", **rows)
    assert sheets.rows(id_, f"'{title}'") == ([["x"]] if rows else [])


def test_a_cell_without_a_tab_is_one_of_the_first_tab(sheets, words):
    assert sheets.call("update_range", spreadsheet_id=words, range="B2", rows=[["x"]])["range"] == "First!B2"
    assert sheets.rows(words, "B2") == sheets.rows(words, "First!B2") == [["x"]]


@pytest.mark.parametrize("verb", ["update_range", "append_rows", "clear_range"])
@pytest.mark.parametrize("word", ["X", "R2C2", "Nope", "First!C", "Sales!2025", '"Nope"!A1'])
def test_a_word_that_names_nothing_writes_nothing(sheets, words, verb, word):
    rows = {} if verb == "clear_range" else {"rows": [["x"]]}
    sheets.call("update_range", spreadsheet_id=words, range="First!A1", rows=[["keep"]])
    with pytest.raises(InvalidArguments, match="no such tab or range"):
        sheets.call(verb, spreadsheet_id=words, range=word, **rows)
    assert sheets.rows(words, "First") == [["keep"]]


@pytest.mark.parametrize(
    ("tab", "other"), [("Report ", "Report"), ("Report", "Report "), (" Report", "Report")]
)
@pytest.mark.parametrize("cells", ["", "!A1"])
def test_a_space_at_the_end_of_a_title_tells_two_tabs_apart(sheets, tab, other, cells):
    id_ = sheets.new("First", "Report", "Report ", " Report")
    sheets.call("update_range", spreadsheet_id=id_, range=tab + cells, rows=[["x"]])
    assert (sheets.rows(id_, f"'{tab}'"), sheets.rows(id_, f"'{other}'")) == ([["x"]], [])


def test_a_space_that_no_title_has_is_left_out(sheets, words):
    sheets.call("update_range", spreadsheet_id=words, range="Report !A1", rows=[["x"]])
    assert sheets.rows(words, " Report ") == [["x"]]


def test_a_named_range_is_written_where_it_is(sheets):
    written = sheets.call("update_range", spreadsheet_id=SALES, range="totals", rows=[["new"]])
    assert written["range"] == "'Q4 Plan'!C2"


def test_clearing_empties_the_range_only(sheets):
    cleared = sheets.call("clear_range", spreadsheet_id=SALES, range="Q4 Plan!A2:B")
    assert cleared == {"range": "'Q4 Plan'!A2:B1000"}
    rows = sheets.rows(SALES, "Q4 Plan")
    assert (
        rows[0] == ["Date", "Client", "Total", "Note"] and rows[1] == ["", "", "1,250.00"] and rows[3] == []
    )


def test_a_new_spreadsheet_has_its_tabs_and_is_found(sheets):
    made = sheets.call("create_spreadsheet", title="Größen 2026", sheet_titles=["It's/1", "2"])
    assert [s["title"] for s in made["sheets"]] == ["It's/1", "2"] and made["url"].endswith(
        f"/d/{made['id']}/edit"
    )
    sheets.call("append_rows", spreadsheet_id=made["id"], range="It's/1", rows=[["x"]])
    assert sheets.rows(made["id"], "It's/1") == [["x"]]
    assert [f["id"] for f in sheets.call("list_spreadsheets", name_contains="größen")["items"]] == [
        made["id"]
    ]
    assert [s["title"] for s in sheets.call("create_spreadsheet", title="Plain")["sheets"]] == ["Sheet1"]
    with pytest.raises(InvalidArguments, match="same title"):
        sheets.call("create_spreadsheet", title="Twice", sheet_titles=["a", "A"])


def test_a_new_tab_comes_last_and_its_title_is_its_own(sheets):
    added = sheets.call("add_sheet", spreadsheet_id=STOCK, title="Archive", rows=20, columns=5)
    assert (added["title"], added["index"], added["rows"], added["columns"]) == ("Archive", 1, 20, 5)
    with pytest.raises(InvalidArguments, match="already exists"):
        sheets.call("add_sheet", spreadsheet_id=STOCK, title="archive")
    with pytest.raises(InvalidArguments, match="10 million"):
        sheets.call("add_sheet", spreadsheet_id=STOCK, title="Huge", rows=1_000_000, columns=26)
    with pytest.raises(InvalidArguments, match="10 million"):  # with what the spreadsheet has already
        sheets.call("add_sheet", spreadsheet_id=STOCK, title="Huge", rows=1_000_000, columns=10)
    assert [s["title"] for s in sheets.call("get_spreadsheet", spreadsheet_id=STOCK)["sheets"]] == [
        "Stock",
        "Archive",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        "x",
        [[{"a": 1}]],
        [[["a"]]],
        [["x" * 50_001]],
        [[float("inf")]],
        [[float("nan")]],
        [["x"] * 1_001],
        [["x"]] * 2_001,
        [["x" * 40_000] * 60],
    ],
)
def test_what_is_no_cell_or_too_much_never_leaves_the_house(sheets, rows):
    before = len(sheets.requests())
    tool = sheets.tool("append_rows")
    with pytest.raises(InvalidArguments):
        tool.call(sheets.api(None), tool.parse({"spreadsheet_id": STOCK, "range": "Stock", "rows": rows}))
    assert len(sheets.requests()) == before
    assert (
        sheets.call("append_rows", spreadsheet_id=STOCK, range="Stock", rows=[["x"]])["range"]
        == f"Stock!A{STOCK_ROWS + 1}"
    )


@pytest.mark.parametrize("verb", ["append_rows", "update_range"])
def test_a_lost_answer_is_not_written_again(sheets, verb):
    id_ = sheets.new("Log")
    sheets.levers("drop", path="/values/", when="after")
    tool, api = sheets.tool(verb), sheets.api(None)
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        tool.call(api, tool.parse({"spreadsheet_id": id_, "range": "Log!A1", "rows": [["once"]]}))
    assert sheets.rows(id_, "Log") == [["once"]]


@pytest.mark.parametrize("verb", [t.verb for t in CONNECTOR.tools if not t.reads_only])
def test_a_failing_write_is_not_tried_again(sheets, verb):
    arguments = {
        "append_rows": {"spreadsheet_id": STOCK, "range": "Stock!A:C", "rows": [["x"]]},
        "update_range": {"spreadsheet_id": STOCK, "range": "Stock!A1", "rows": [["x"]]},
        "clear_range": {"spreadsheet_id": STOCK, "range": "Stock!A:C"},
        "create_spreadsheet": {"title": "x"},
        "add_sheet": {"spreadsheet_id": STOCK, "title": "x"},
    }[verb]
    before = len(sheets.requests())
    sheets.levers("fail", path="/v4/", status=503, times=5)
    with pytest.raises(OutcomeUnknown):
        sheets.call(verb, arguments)
    assert len(sheets.requests()) == before + 1
    sheets.levers("clear")
