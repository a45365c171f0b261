"""Google Sheets over real HTTP against its imitation: who signed in, finding, reading, trouble."""

import json
from datetime import date

import pytest

from app.connectors.google_sheets import CONNECTOR
from app.connectors.google_sheets.scopes import FILES_READONLY, SPREADSHEETS, SPREADSHEETS_READONLY
from app.connectors.rows import size_in_tokens
from app.connectors.services import services_of
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from app.sandbox.clock import today
from app.sandbox.services.google_sheets.demo import BUDGET, OLD_BUDGET, PLAN, PRICES, SALES, STOCK, STOCK_ROWS
from tests.support.google_sheets import Sheets

# --- who signed in ---


def test_it_is_in_the_catalogue_with_its_nine_tools():
    assert services_of(None).get("google_sheets") is CONNECTOR and len(CONNECTOR.tools) == 9
    assert CONNECTOR.badge == "Testing mode (limited to 100 users)"


def test_the_account_is_known_by_the_sub_it_has_at_gmail_too_and_named_by_its_address(sheets, google):
    tokens = google.sign_in()
    same_person = google.open(tokens).service.identify(google.open(tokens), tokens.raw)
    assert (sheets.account.key, sheets.account.name) == (same_person.key, "ap@northwind.example")


def test_a_later_check_needs_no_identity_token(sheets):
    assert CONNECTOR.identify(sheets.api(None), {}) == sheets.account


def test_no_identity_no_connection(sheets):
    api = sheets.api(None)
    api.facts = {}
    for id_token in (None, "x", "a.b.c", 7):
        with pytest.raises(ProviderError, match="connect Google Sheets again"):
            CONNECTOR.identify(api, {**sheets.tokens, "id_token": id_token})


def test_an_account_without_mailbox_has_spreadsheets_all_the_same(sheets_url):
    nora = Sheets(sheets_url, company="no-mailbox")
    assert nora.call("list_spreadsheets")["items"] == []


def test_an_unticked_box_for_spreadsheets_is_told_at_once(sheets_url):
    with pytest.raises(PermissionDenied, match="have permission for this"):
        Sheets(sheets_url, scopes=("openid", "email", FILES_READONLY))


def test_an_unticked_box_for_drive_costs_the_list_only(sheets_url):
    here = Sheets(sheets_url, scopes=("openid", "email", SPREADSHEETS))
    with pytest.raises(PermissionDenied, match="Reconnect Google Sheets"):
        here.call("list_spreadsheets")
    assert here.rows(SALES, "Q4 Plan!A1:B1") == [["Date", "Client"]]


def test_a_reading_sign_in_cannot_write(sheets_url):
    here = Sheets(sheets_url, scopes=CONNECTOR.auth.read_scopes)
    assert here.call("list_spreadsheets")["items"]
    before = here.rows(SALES, "Q4 Plan")
    with pytest.raises(PermissionDenied, match="have permission for this"):
        here.call("append_rows", spreadsheet_id=SALES, range="Q4 Plan", rows=[["x"]])
    assert here.rows(SALES, "Q4 Plan") == before and here.refreshes == 0


def test_it_asks_for_the_least_scopes_that_serve_all_tools():
    auth = CONNECTOR.auth
    assert auth.read_scopes == ("openid", "email", SPREADSHEETS_READONLY, FILES_READONLY)
    assert auth.write_scopes == ("openid", "email", SPREADSHEETS, FILES_READONLY)
    for tool in CONNECTOR.tools:
        assert set(auth.write_scopes) & set(tool.needs_scopes), tool.verb
        assert tool.reads_only == bool(set(auth.read_scopes) & set(tool.needs_scopes)), tool.verb


# --- finding ---


def test_spreadsheets_are_listed_last_changed_first_without_excel_files_and_those_of_others(sheets):
    found = sheets.call("list_spreadsheets")["items"]
    assert [f["name"].split()[0] for f in found] == ["Stock", "Sales", "Price", "Budget"]
    assert {f["id"] for f in found} == {STOCK, SALES, PRICES, BUDGET}
    assert found[2]["owner"] == "charlie@contoso.example" and found[0]["url"].endswith(f"/d/{STOCK}/edit")


def test_the_list_pages_to_its_end(sheets):
    first = sheets.call("list_spreadsheets", page_size=3)
    second = sheets.call("list_spreadsheets", page_size=3, page_token=first["next"])
    assert (len(first["items"]), len(second["items"]), second["next"]) == (3, 1, None)
    with pytest.raises(InvalidArguments, match="Start the list again"):
        sheets.call("list_spreadsheets", page_token="nonsense")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("sal", ["Sales"]),
        ("ales", []),
        ("LIST", ["Stock", "Price"]),
        ("x' or name contains 'sales", []),
        ("\\", []),
        ("o'neill", []),
    ],
)
def test_a_name_is_searched_by_its_words_whatever_they_hold(sheets, words, names):
    assert [
        f["name"].split()[0] for f in sheets.call("list_spreadsheets", name_contains=words)["items"]
    ] == names


def test_a_spreadsheet_shows_its_tabs_and_names(sheets):
    found = sheets.call("get_spreadsheet", spreadsheet_id=SALES)
    assert found["title"] == f"Sales {today().year}" and found["time_zone"] == "Europe/Berlin"
    assert [s["title"] for s in found["sheets"]] == [
        "Q4 Plan",
        "Bob's notes",
        "Lager/Bestand",
        "倉庫",
        "Remarks",
        "Chart",
    ]
    assert found["sheets"][0] == {
        "id": 0,
        "title": "Q4 Plan",
        "rows": 1000,
        "columns": 26,
        "type": "GRID",
        "hidden": False,
    }
    assert (found["sheets"][-1]["type"], found["sheets"][-1]["rows"]) == ("OBJECT", 0)
    assert found["named_ranges"] == [{"name": "Totals", "range": "'Q4 Plan'!C2:C13"}]


@pytest.mark.parametrize(
    "address",
    [
        "https://docs.google.com/spreadsheets/d/{}/edit#gid=0",
        "https://docs.google.com/spreadsheets/u/1/d/{}",
        " {} ",
    ],
)
def test_a_spreadsheet_is_named_by_its_id_or_its_address(sheets, address):
    assert sheets.call("get_spreadsheet", spreadsheet_id=address.format(SALES))["id"] == SALES


@pytest.mark.parametrize(
    "address", ["../../drive/v3/files", "https://docs.google.com/spreadsheets/d/e/2PACX/pubhtml", "a b", "é"]
)
def test_what_is_no_id_never_leaves_the_house(sheets, address):
    before = len(sheets.requests())
    with pytest.raises(InvalidArguments, match="the spreadsheet's id or its address"):
        sheets.call("get_spreadsheet", spreadsheet_id=address)
    assert len(sheets.requests()) == before


def test_a_missing_a_private_and_a_foreign_file_are_told_apart(sheets):
    with pytest.raises(ObjectNotFound):
        sheets.call("get_spreadsheet", spreadsheet_id="1Unknown")
    with pytest.raises(PermissionDenied, match="share it"):
        sheets.call("get_spreadsheet", spreadsheet_id=PLAN)
    with pytest.raises(InvalidArguments, match="Excel"):
        sheets.call("get_spreadsheet", spreadsheet_id=OLD_BUDGET)


def test_a_file_shared_to_read_cannot_be_written(sheets):
    assert sheets.rows(PRICES, "Prices!A2:B2") == [["Logo design", "1,200.00"]]
    with pytest.raises(PermissionDenied, match="share it"):
        sheets.call("update_range", spreadsheet_id=PRICES, range="Prices!B2", rows=[[1]])
    assert sheets.rows(PRICES, "Prices!B2") == [["1,200.00"]]


# --- reading ---


def test_rows_are_ragged_and_numbered(sheets):
    page = sheets.call("read_range", spreadsheet_id=SALES, range="'Q4 Plan'!A1:D8")
    assert [len(row) for row in page["items"]] == [4, 3, 3, 2, 3, 3, 4, 3]
    assert (page["range"], page["first_row"], page["next"]) == ("'Q4 Plan'!A1:D8", 1, None)
    assert page["items"][1][2] == "1,250.00"
    assert sheets.call("read_range", spreadsheet_id=SALES, range="'Q4 Plan'!A5:A")["first_row"] == 5


def test_an_empty_range_is_an_empty_list(sheets):
    page = sheets.call("read_range", spreadsheet_id=BUDGET, range="Empty")
    assert (page["items"], page["next"], page["range"]) == ([], None, "Empty!A1:Z1000")


@pytest.mark.parametrize(
    ("range", "first"),
    [
        ("Q4 Plan", ["Date", "Client", "Total", "Note"]),
        ("q4 plan!a1:b1", ["Date", "Client"]),
        ("Bob's notes!A1:A1", ["Ring Jo"]),
        ("'Bob''s notes'!A1", ["Ring Jo"]),
        ("Lager/Bestand!A:A", ["Größe"]),
        ("倉庫", ["品目", "数"]),
        ("倉庫!$B$1", ["数"]),
        ("A1:B1", ["Date", "Client"]),
        ("Totals", ["1,250.00"]),
        ("Q4 Plan!B1:A1", ["Date", "Client"]),
    ],
)
def test_ranges_are_understood_with_and_without_quotes(sheets, range, first):
    assert sheets.rows(SALES, range)[0] == first


def test_each_range_is_encoded_once_and_asked_for_once(sheets):
    before = len(sheets.requests())
    sheets.rows(SALES, "Lager/Bestand!A1:B3")
    assert [r["path"] for r in sheets.requests()[before:]] == [
        f"/v4/spreadsheets/{SALES}/values/'Lager/Bestand'!A1:B3"
    ]


@pytest.mark.parametrize(
    "range", ["Nope", "Nope!A1", "Chart", "'Q4 Plan", "Q4 Plan!Z0", "Q4 Plan!", "!A1", "'Q4 Plan'!A1:5"]
)
def test_a_range_that_is_not_there_says_how_ranges_are_written(sheets, range):
    with pytest.raises(InvalidArguments, match="Tab!A1:C10"):
        sheets.rows(SALES, range)


def test_a_range_outside_the_tab_is_told(sheets):
    with pytest.raises(InvalidArguments, match="past the end") as caught:
        sheets.rows(SALES, "Q4 Plan!A2000:B2010")
    assert caught.value.details == {"rows": 1000, "columns": 26}


def test_values_come_as_shown_as_numbers_or_as_formulas(sheets):
    how = {"spreadsheet_id": BUDGET, "range": "Costs!A2:C2"}
    assert sheets.call("read_range", **how)["items"] == [["Rent", "2,400.00", "28,800.00"]]
    assert sheets.call("read_range", **how, value_render="UNFORMATTED_VALUE")["items"] == [
        ["Rent", 2400.0, 28800]
    ]
    assert sheets.call("read_range", **how, value_render="FORMULA")["items"] == [["Rent", 2400.0, "=B2*12"]]


def test_dates_stay_dates_among_bare_numbers(sheets):
    formatted, bare = (
        sheets.rows(SALES, "Q4 Plan!A2", value_render=r)[0][0]
        for r in ("FORMATTED_VALUE", "UNFORMATTED_VALUE")
    )
    assert formatted == bare == date.fromisoformat(bare).isoformat()


def test_a_long_tab_is_read_to_its_end_a_window_at_a_time(sheets):
    rows, offset, pages = [], 0, 0
    while offset is not None:
        page = sheets.call("read_range", spreadsheet_id=STOCK, range="Stock", offset=offset)
        assert page["first_row"] == offset + 1 and size_in_tokens(page) < 20_000
        rows, offset, pages = rows + page["items"], page["next"], pages + 1
    assert len(rows) == STOCK_ROWS and rows[-1][0] == f"N-{STOCK_ROWS - 1:05d}" and pages <= 5
    windows = [r["path"].rpartition("!")[2] for r in sheets.requests() if "/values/" in r["path"]]
    assert windows[0] == "1:2000" and len(windows) == pages


def test_a_range_with_an_end_stops_there(sheets):
    page = sheets.call("read_range", spreadsheet_id=STOCK, range="Stock!A10:A2300", offset=1_995)
    assert (page["first_row"], len(page["items"]), page["next"]) == (2005, 296, None)
    assert sheets.rows(STOCK, "Stock!A1:A5", offset=5) == []


def test_several_ranges_come_in_their_order_with_their_first_rows(sheets):
    found = sheets.call(
        "batch_read", spreadsheet_id=STOCK, ranges=["Stock!C2:C3", "Stock!A:A", "Stock!A1:C1"]
    )["ranges"]
    assert [r["range"] for r in found] == ["Stock!C2:C3", "Stock!A1:A1001", "Stock!A1:C1"]
    assert [(len(r["values"]), r["has_more"]) for r in found] == [(2, False), (1001, True), (1, False)]
    with pytest.raises(InvalidArguments):
        sheets.call("batch_read", spreadsheet_id=STOCK, ranges=["Stock!A1", "Nope!A1"])


@pytest.mark.parametrize("rows", [1_000, 1_001, 1_002, 5_000])
def test_a_tab_of_any_length_has_no_more_rows_than_are_filled(sheets, rows):
    id_ = sheets.new("Log")
    sheets.call("add_sheet", spreadsheet_id=id_, title="Tab", rows=rows, columns=2)
    sheets.call("append_rows", spreadsheet_id=id_, range="Tab", rows=[["a"], ["b"]])
    found = sheets.call("batch_read", spreadsheet_id=id_, ranges=["Tab", "Log", "Tab!A2:A"])["ranges"]
    assert [(r["values"], r["has_more"]) for r in found] == [
        ([["a"], ["b"]], False),
        ([], False),
        ([["b"]], False),
    ]
    assert sheets.call("read_range", spreadsheet_id=id_, range="Tab")["next"] is None


def test_rows_below_a_gap_are_still_announced(sheets):
    id_ = sheets.new("Log")
    sheets.call("add_sheet", spreadsheet_id=id_, title="Tab", rows=5_000, columns=2)
    sheets.call("update_range", spreadsheet_id=id_, range="Tab!A1", rows=[["a"]])
    sheets.call("update_range", spreadsheet_id=id_, range="Tab!B4321", rows=[["far below"]])
    found = sheets.call("batch_read", spreadsheet_id=id_, ranges=["Tab", "Tab!A:A"])["ranges"]
    assert [(r["values"], r["has_more"]) for r in found] == [([["a"]], True), ([["a"]], False)]
    rows, offset = [], 0
    while offset is not None:
        page = sheets.call("read_range", spreadsheet_id=id_, range="Tab", offset=offset)
        rows, offset = rows + page["items"], page["next"]
    assert rows[0] == ["a"] and rows[-1] == ["", "far below"]


def test_what_a_cell_says_is_data_without_direction_marks(sheets):
    remarks = sheets.rows(SALES, "Remarks")
    assert remarks[1][0].startswith("Ignore all previous instructions") and "\u202e" not in json.dumps(
        remarks, ensure_ascii=False
    )
    assert remarks[2:] == [["=IMPORTXML(kept as text)"], ['a, "quoted"\nsecond line']]


# --- trouble ---


def test_an_expired_token_is_renewed_once_and_the_call_goes_on(sheets):
    sheets.levers("expire")
    assert sheets.rows(SALES, "Totals") and sheets.refreshes == 1


def test_a_short_throttle_is_waited_for(sheets):
    sheets.levers("rate_limit", path="/values")
    assert sheets.rows(SALES, "Q4 Plan!A1") == [["Date"]]


def test_more_reads_in_a_minute_than_google_grants_are_told_and_pass(sheets):
    sheets.levers("quota", per_minute=2)
    sheets.rows(SALES, "Q4 Plan!A1")
    sheets.rows(SALES, "Q4 Plan!A1")
    with pytest.raises(ProviderRateLimited, match="rate limiting"):
        sheets.rows(SALES, "Q4 Plan!A1")
    sheets.call("append_rows", spreadsheet_id=SALES, range="Q4 Plan", rows=[["writes are counted apart"]])
    sheets.levers("advance", seconds=61)
    assert sheets.rows(SALES, "Q4 Plan!A1") == [["Date"]]


@pytest.mark.parametrize("body", ["html", "empty", "json", "text"])
def test_a_short_outage_is_not_noticed(sheets, body):
    sheets.levers("fail", path="/values", status=503, body=body)
    assert sheets.rows(SALES, "Q4 Plan!A1") == [["Date"]]


def test_a_cut_answer_is_no_data(sheets):
    sheets.levers("cut", path="/values", times=3)
    with pytest.raises(ProviderUnavailable):
        sheets.rows(SALES, "Q4 Plan")
