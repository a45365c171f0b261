"""A spreadsheet as an AI client meets it: a long tab read to its end by cursor, and nothing written until
it is allowed.
"""

import pytest

from app.sandbox.services.google_sheets.demo import BUDGET, STOCK, STOCK_ROWS
from tests.mcp_server.test_connect_prompt import link_in
from tests.mcp_server.test_with_the_sandbox import follow_the_link
from tests.support.consent import connections_of, sandbox_process  # noqa: F401


@pytest.fixture
def environ(environ, sandbox_process):  # noqa: F811
    sandbox_process.lever("google_sheets", "reset")
    return environ | {"SANDBOX_URL": sandbox_process.url}


@pytest.fixture
def visitor(alice, people, sign_in, sandbox_process):  # noqa: F811
    """alice in her browser, with Google Sheets connected."""
    visitor = sign_in(people.alice)
    link = link_in(alice.call("hub_connect_service", {"service": "google_sheets"})["data"]["connect_url"])
    follow_the_link(visitor, sandbox_process, link)
    return visitor


def test_a_long_tab_is_read_to_its_end_by_cursor(alice, visitor):
    arguments, rows, cursor, answers = {"spreadsheet_id": STOCK, "range": "Stock"}, [], None, 0
    while answers == 0 or cursor:
        envelope = alice.call("google_sheets_read_range", arguments | ({"cursor": cursor} if cursor else {}))
        if envelope["data"]["items"]:  # what is empty below is not rows, yet has to be looked at
            assert envelope["data"]["first_row"] == len(rows) + 1
        rows, cursor, answers = rows + envelope["data"]["items"], envelope["data"]["next_cursor"], answers + 1
    assert len(rows) == STOCK_ROWS and rows[-1][0] == f"N-{STOCK_ROWS - 1:05d}" and answers <= 5


def test_nothing_is_written_until_the_connection_allows_it(alice, visitor):
    append = {"spreadsheet_id": BUDGET, "range": "Empty", "rows": [["=1+1", None, 3]]}
    refused = alice.call("google_sheets_append_rows", append)
    assert refused["error"]["code"] == "PERMISSION_DENIED"
    assert (
        alice.call("google_sheets_read_range", {"spreadsheet_id": BUDGET, "range": "Empty"})["data"]["items"]
        == []
    )
    (connection,) = connections_of(visitor, "google_sheets")
    visitor.submit(
        "/integrations/google_sheets/permission", {"connection_id": connection["id"], "level": "write"}
    )
    worked = alice.call("google_sheets_append_rows", append)
    assert (
        worked["success"]
        and "Rows appended: 1. Google Sheets account: ap@northwind.example" in worked["message"]
    )
    assert alice.call("google_sheets_read_range", {"spreadsheet_id": BUDGET, "range": "Empty"})["data"][
        "items"
    ] == [["=1+1", "", "3"]]
