"""Google Sheets' answers that its imitation never gives, and what is worked out without asking Google."""

import contextlib
import json

import pytest
import responses

from app.connectors.api import Api
from app.connectors.google_sheets import CONNECTOR
from app.connectors.google_sheets.a1 import column_name, column_number, parse
from app.connectors.google_sheets.errors import NoSuchRange, OutsideGrid, RowsDoNotFit, read_error
from app.connectors.rows import size_in_tokens
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Response

SHEETS, DRIVE = "https://sheets.googleapis.com/v4/spreadsheets", "https://www.googleapis.com/drive/v3/files"


class Fixed:
    """A TokenSource with one token."""

    def bearer(self):
        return "t"

    def refreshed(self, rejected):
        raise AssertionError("no 401 here")


def api_at(base_url):
    return Api(CONNECTOR, base_url, Fixed(), facts={"sub": "1"})


def call(verb, base_url=CONNECTOR.base_url, **arguments):
    tool = CONNECTOR.find_tool(f"google_sheets_{verb}")
    return tool.call(api_at(base_url), tool.parse(arguments))


# --- ranges ---


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Sheet1!A1:C10", "'Sheet1'!A1:C10"),
        ("Q4 Plan!a:c", "'Q4 Plan'!A1:C"),
        ("'Q4 Plan'!A1", "'Q4 Plan'!A1"),
        ("'Q4'", "'Q4'"),
        ("Q4!B7", "'Q4'!B7"),
        ("'Bob''s'!$C$10:$A$1", "'Bob''s'!A1:C10"),
        ("Bob's!A1", "'Bob''s'!A1"),
        ("'Jon's Data'!A1:B2", "'Jon''s Data'!A1:B2"),
        ("'Jon's Data'", "'Jon''s Data'"),
        ("'90s!A1", "'''90s'!A1"),
        ("Q4 Plan", "'Q4 Plan'"),
        ("a!b!A1", "'a!b'!A1"),
    ],
)
def test_a_range_is_written_for_google_with_quotes_and_sorted_corners(written, sent):
    assert str(parse(written)) == sent


@pytest.mark.parametrize("cells", ["B2", "B2:B2", "5:9", "A5:A"])
def test_cells_without_a_tab_are_cells_unless_a_tab_has_that_title(cells):
    word = parse(cells)
    assert (str(word.cells), str(word.tabs[0])) == (cells, f"'{cells}'")


@pytest.mark.parametrize(
    "written", ["Sheet1!", "!A1", "'Sheet1'!foo", "'Jon's'!A1:5", "'Sheet1'!A0", "'Sheet1'!7"]
)
def test_what_is_no_range_is_refused(written):
    with pytest.raises(InvalidArguments):
        parse(written)


def test_columns_are_counted_in_letters():
    for number, name in ((1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (18_278, "ZZZ")):
        assert (column_name(number), column_number(name)) == (name, number)


# --- hosts ---


def test_each_host_is_asked_for_what_it_has():
    with responses.RequestsMock() as mocked:
        mocked.get(DRIVE, json={"files": []})
        mocked.get(f"{SHEETS}/1a", json={"spreadsheetId": "1a"})
        mocked.get(
            "https://openidconnect.googleapis.com/v1/userinfo", json={"sub": "1", "email": "a@b.example"}
        )
        call("list_spreadsheets")
        call("get_spreadsheet", spreadsheet_id="1a")
        assert CONNECTOR.identify(api_at(CONNECTOR.base_url), {}).name == "a@b.example"


def test_a_range_with_a_slash_and_quotes_is_encoded_once():
    with responses.RequestsMock() as mocked:
        mocked.put(f"{SHEETS}/1a/values/%27Bob%27%27s%2F%25%27%21A1", json={"spreadsheetId": "1a"})
        call("update_range", spreadsheet_id="1a", range="Bob's/%!A1", rows=[["x"]])
        body = json.loads(mocked.calls[0].request.body)
        assert body == {"majorDimension": "ROWS", "values": [["x"]]}
        assert mocked.calls[0].request.params == {"valueInputOption": "RAW"}


# --- refusals ---


def refusal(code, message, reason=None, status=None):
    error = {"code": code, "message": message, "status": status or "X"}
    error |= {"details": [{"@type": "x", "reason": reason}, "odd"]} if reason else {}
    return Response(code, {}, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (refusal(400, "Unable to parse range: Nope!A1"), NoSuchRange, "no such tab"),
        (
            refusal(400, "Range (S!A9:B9) exceeds grid limits. Max rows: 3, max columns: 2"),
            OutsideGrid,
            "past the end",
        ),
        (refusal(400, "Range exceeds grid limits."), OutsideGrid, "past the end"),
        (
            refusal(400, "Requested writing within range [S!A1:B1], but tried writing to row [2]"),
            RowsDoNotFit,
            "don't fit",
        ),
        (refusal(400, "You are trying to edit a protected cell or object."), PermissionDenied, "protected"),
        (
            refusal(400, "This operation is not supported for this document", None, "FAILED_PRECONDITION"),
            InvalidArguments,
            "Excel",
        ),
        (refusal(400, "above the limit of 10000000 cells."), InvalidArguments, "10 million"),
        (refusal(400, "anything x"), InvalidArguments, "refused the request"),
        (refusal(401, "x"), ReconnectNeeded, "Reconnect Google Sheets"),
        (refusal(403, "The caller does not have permission"), PermissionDenied, "share it"),
        (refusal(403, "x", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), PermissionDenied, "have permission for this"),
        (refusal(403, "x", "SERVICE_DISABLED"), ProviderError, "not switched on"),
        (refusal(403, "x", "RATE_LIMIT_EXCEEDED"), ProviderRateLimited, "rate limiting"),
        (refusal(404, "x"), ObjectNotFound, "has no record"),
        (refusal(429, "Quota exceeded x", "RATE_LIMIT_EXCEEDED"), ProviderRateLimited, "rate limiting"),
        (refusal(503, "x"), ProviderUnavailable, "trouble"),
        (Response(400, {}, b"[]"), InvalidArguments, "refused the request"),
        (Response(500, {}, b"<html>"), ProviderUnavailable, "trouble"),
    ],
)
def test_refusals_mean(given, kind, words):
    error = read_error(given)
    assert type(error) is kind and words in error.message and "x" not in error.message.split()


# --- sizes ---


def values(rows, range="'S'!A1:Z2000"):
    return {"range": range, "majorDimension": "ROWS", "values": rows}


def read(rows, range="S!A:Z", window="A1%3AZ2000", answered="S!A1:Z2000"):
    with responses.RequestsMock() as mocked:
        mocked.get(f"{SHEETS}/1a/values/%27S%27%21{window}", json=values(rows, answered))
        return call("read_range", spreadsheet_id="1a", range=range)


def test_answers_stay_small_whatever_strangers_write():
    wide = [["W" * 900] * 20 for _ in range(100)]
    page = read(wide)
    assert size_in_tokens(page) < 20_000 and page["next"] == len(page["items"]) == 2
    with responses.RequestsMock() as mocked:
        mocked.get(
            f"{SHEETS}/1a/values:batchGet", json={"valueRanges": [values(wide[:10]) for _ in range(20)]}
        )
        found = call("batch_read", spreadsheet_id="1a", ranges=["S!A:Z"] * 20)
    with pytest.raises(InvalidArguments, match="fewer columns"):
        read([["W"] * 18_000])
    assert size_in_tokens(found) < 23_000 and all(r["has_more"] and r["values"] for r in found["ranges"])


def test_the_longest_cell_there_is_can_be_read_alone_and_in_a_row_is_cut_and_counted():
    alone = read([["W" * 50_000]], "S!A1", window="A1", answered="S!A1")
    assert len(alone["items"][0][0]) == 50_000 and alone["shortened_cells"] == 0
    among = read([["W" * 50_000, "short", "W" * 50_000]])
    assert (
        among["shortened_cells"] == 2
        and among["items"][0][1] == "short"
        and among["items"][0][0].endswith("…")
    )


def test_a_tab_shorter_than_its_window_is_at_its_end_and_a_longer_one_goes_on():
    assert read([["a"]], answered="S!A1:Z1000")["next"] is None
    assert read([["a"]], answered="S!A1:Z2000")["next"] == 2_000
    assert read([["a"]], answered="nonsense!")["next"] == 2_000


def test_a_window_past_the_end_of_the_tab_ends_the_list_or_is_asked_for_again_smaller():
    too_far = {
        "error": {
            "code": 400,
            "message": "Range ('S'!A1:Z2000) exceeds grid limits. Max rows: 5, max columns: 3",
        }
    }
    with responses.RequestsMock() as mocked:
        mocked.get(f"{SHEETS}/1a/values/%27S%27%21A1%3AZ2000", status=400, json=too_far)
        mocked.get(f"{SHEETS}/1a/values/%27S%27%21A1%3AC5", json=values([["a"]], "S!A1:C5"))
        assert call("read_range", spreadsheet_id="1a", range="S!A:Z")["items"] == [["a"]]
    with responses.RequestsMock() as mocked:
        mocked.get(f"{SHEETS}/1a/values/%27S%27%21A2001%3AZ4000", status=400, json=too_far)
        assert call("read_range", spreadsheet_id="1a", range="S!A:Z", offset=2_000) == {
            "items": [],
            "next": None,
            "total": None,
            "range": "'S'!A1:Z",
            "first_row": 2_001,
            "shortened_cells": 0,
        }


@pytest.mark.parametrize(
    "body",
    [
        "null",
        '"x"',
        "[]",
        '{"values": "x", "range": 7}',
        '{"values": [1, {}, [null, {"a": 1}, [2]]]}',
        '{"spreadsheetId": "1a", "updates": 5, "replies": [7]}',
        '{"sheets": [1, {"properties": 5}, {"properties": {"sheetId": "x"}}], "properties": [], '
        '"namedRanges": [{"range": {}}]}',
        '{"files": [{}, 5, {"owners": "x"}], "valueRanges": [{}]}',
    ],
)
@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("list_spreadsheets", {}),
        ("get_spreadsheet", {"spreadsheet_id": "1a"}),
        ("read_range", {"spreadsheet_id": "1a", "range": "Name"}),
        ("batch_read", {"spreadsheet_id": "1a", "ranges": ["A1"]}),
        ("append_rows", {"spreadsheet_id": "1a", "range": "S", "rows": [["x"]]}),
        ("update_range", {"spreadsheet_id": "1a", "range": "S!A1", "rows": [["x"]]}),
        ("clear_range", {"spreadsheet_id": "1a", "range": "S"}),
        ("create_spreadsheet", {"title": "x"}),
        ("add_sheet", {"spreadsheet_id": "1a", "title": "x"}),
    ],
)
def test_answers_of_another_form_never_crash(verb, arguments, body, monkeypatch):
    monkeypatch.setattr(Api, "_send", lambda *_: Response(200, {}, body.encode()))
    with contextlib.suppress(ToolError):
        call(verb, **arguments)


def test_a_write_with_an_unreadable_answer_may_have_been_done(monkeypatch):
    monkeypatch.setattr(Api, "_send", lambda *_: Response(200, {}, b"{}"))
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        call("append_rows", spreadsheet_id="1a", range="S", rows=[["x"]])
