"""Arguments with which each Google Sheets tool works on the demo spreadsheets of Northwind Trading."""

from app.sandbox.services.google_sheets.demo import BUDGET, SALES, STOCK


def sample(arguments):
    """These tests ask more in a minute than Google grants one person, so the imitation's quota is lifted
    first.
    """

    def made(here):
        here.levers("quota", per_minute=100_000)
        return arguments(here) if callable(arguments) else arguments

    return made


def next_page(here):
    here.levers("quota", per_minute=100_000)
    return here.call("list_spreadsheets", {"page_size": 1})["next"]


def new_spreadsheet(here):
    here.levers("quota", per_minute=100_000)
    return here.call("create_spreadsheet", {"title": "Made by a test", "sheet_titles": ["Log"]})["id"]


SAMPLES = {
    "list_spreadsheets": sample({"name_contains": "sales", "page_size": 5}),
    "list_spreadsheets#2": lambda here: {"page_size": 1, "page_token": next_page(here)},
    "get_spreadsheet": sample(
        {"spreadsheet_id": f"https://docs.google.com/spreadsheets/d/{SALES}/edit#gid=0"}
    ),
    "read_range": sample(
        {"spreadsheet_id": STOCK, "range": "Stock!A:B", "value_render": "UNFORMATTED_VALUE"}
    ),
    "read_range#2": sample({"spreadsheet_id": BUDGET, "range": "Costs", "offset": 2}),
    "batch_read": sample(
        {"spreadsheet_id": BUDGET, "ranges": ["Costs!1:1", "Costs!B2:C6"], "value_render": "FORMULA"}
    ),
    "batch_read#2": sample({"spreadsheet_id": STOCK, "ranges": ["Stock!A2500:A"]}),
    "append_rows": lambda here: {
        "spreadsheet_id": new_spreadsheet(here),
        "range": "Log",
        "rows": [["2026-11-02", "Acme", 12.5, True, None]],
    },
    "append_rows#2": lambda here: {
        "spreadsheet_id": new_spreadsheet(here),
        "range": "Log!A1",
        "rows": [["=1+1"]],
        "value_input": "USER_ENTERED",
        "insert": "OVERWRITE",
    },
    "update_range": lambda here: {
        "spreadsheet_id": new_spreadsheet(here),
        "range": "Log!B2",
        "rows": [["=1+1", "1/2"], ["007"]],
        "value_input": "USER_ENTERED",
    },
    "create_spreadsheet": sample({"title": "Plan", "sheet_titles": ["First", "Zweites Blatt"]}),
    "create_spreadsheet#2": sample({"title": "Plan"}),
    "add_sheet": lambda here: {
        "spreadsheet_id": new_spreadsheet(here),
        "title": "Archive",
        "rows": 10,
        "columns": 4,
    },
    "add_sheet#2": lambda here: {"spreadsheet_id": new_spreadsheet(here), "title": "Archive"},
    "clear_range": lambda here: {"spreadsheet_id": new_spreadsheet(here), "range": "Log!A1:C3"},
}

# Members without which an answer is of no use: the id of a new file, and the ranges that were asked for.
REQUIRED = {"spreadsheetId", "valueRanges[]"}
# Without it the tab of a range is not there.
PREVIEWS_REQUIRE = frozenset({"sheets[].properties.title"})
