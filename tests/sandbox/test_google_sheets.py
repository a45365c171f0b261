"""The imitated Google Sheets behaves as documented: consent, ranges, values, tables, quotas, errors."""

import base64
import hashlib
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from werkzeug.test import Client

from app.sandbox.clock import today
from app.sandbox.server import create_app
from app.sandbox.services import gmail, google_sheets
from app.sandbox.services.google_sheets.demo import BUDGET, OLD_BUDGET, PLAN, PRICES, SALES, STOCK

REDIRECT = "http://localhost:8000/integrations/google_sheets/callback"
PREFIX = "https://www.googleapis.com/auth/"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
S = "/google_sheets/v4/spreadsheets"


class Caller:
    """A client of the sandbox and its tokens."""

    def __init__(self, sandbox):
        self.http = Client(sandbox)
        self.tokens = {}

    def sign_in(self, *scopes, account="northwind", untick=(), slug="google_sheets"):
        scopes = [
            *(PREFIX + scope for scope in scopes or ("spreadsheets", "drive.metadata.readonly")),
            "openid",
            "email",
        ]
        query = {
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": REDIRECT,
            "scope": " ".join(scopes),
            "state": "s1",
            "access_type": "offline",
            "prompt": "consent",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        form = {
            "company": account,
            "decision": "approve",
            "granted": [s for s in scopes if s.removeprefix(PREFIX) not in untick],
        }
        answer = self.http.post(f"/{slug}/o/oauth2/v2/auth", query_string=query, data=form)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        self.tokens = self.token(
            slug, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER
        ).json
        return self

    def token(self, slug="google_sheets", **form):
        return self.http.post(
            f"/{slug}/token", data={"client_id": "sandbox", "client_secret": "sandbox", **form}
        )

    def refresh(self, slug="google_sheets"):
        return self.token(slug, grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])

    def ask(self, method, path, body=None, **query):
        head = {"Authorization": f"Bearer {self.tokens.get('access_token', '')}"}
        return self.http.open(path, method=method, json=body, query_string=query, headers=head)

    def get(self, path, **query):
        return self.ask("GET", S + path, **query)

    def values(self, id_, range, **query):
        return self.get(f"/{id_}/values/{quote(range, safe='')}", **query)

    def put(self, id_, where, rows, option="RAW", **body):
        body = {"majorDimension": "ROWS", "values": rows, **body}
        return self.ask(
            "PUT",
            f"{S}/{id_}/values/{quote(where, safe='')}",
            body,
            **({"valueInputOption": option} if option else {}),
        )

    def append(self, id_, range, rows, insert="OVERWRITE", option="RAW"):
        path = f"{S}/{id_}/values/{quote(range, safe='')}:append"
        return self.ask("POST", path, {"values": rows}, valueInputOption=option, insertDataOption=insert)

    def batch(self, id_, *titles):
        requests = [{"addSheet": {"properties": {"title": title}}} for title in titles]
        return self.ask("POST", f"{S}/{id_}:batchUpdate", {"requests": requests})

    def files(self, **query):
        return self.ask("GET", "/google_sheets/drive/v3/files", **query)

    def lever(self, name, **given):
        return self.http.post(f"/_levers/google_sheets/{name}", json=given)


@pytest.fixture
def sandbox():
    return create_app(None, {"gmail": gmail.SERVICE, "google_sheets": google_sheets.SERVICE})


@pytest.fixture
def caller(sandbox):
    return Caller(sandbox).sign_in()


def error(answer, code, status=None):
    body = answer.json["error"]
    assert (answer.status_code, body["code"], body.get("status")) == (code, code, status)
    return body["message"]


# --- one consent for both of Google's services ---


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("revoked_at", ["gmail", "google_sheets"])
def test_revoking_any_token_ends_the_persons_consent_at_both_services(sandbox, kind, revoked_at):
    sheets, mail = Caller(sandbox).sign_in(), Caller(sandbox).sign_in("gmail.readonly", slug="gmail")
    other = Caller(sandbox).sign_in(account="contoso")
    assert sheets.http.post(f"/{revoked_at}/revoke", data={"token": sheets.tokens[kind]}).status_code == 200
    assert error(sheets.get(f"/{SALES}"), 401, "UNAUTHENTICATED")
    assert mail.ask("GET", "/gmail/gmail/v1/users/me/profile").status_code == 401
    assert sheets.refresh().json["error"] == mail.refresh("gmail").json["error"] == "invalid_grant"
    assert other.refresh().status_code == 200
    again = sheets.http.post("/gmail/revoke", data={"token": sheets.tokens[kind]})
    assert again.status_code == 400 and again.json["error"] == "invalid_token"


def test_a_token_of_one_service_opens_nothing_at_the_other(sandbox, caller):
    mail = Caller(sandbox).sign_in("gmail.readonly", slug="gmail")
    assert error(mail.get(f"/{SALES}"), 401, "UNAUTHENTICATED")


# --- scopes and who may open what ---


def insufficient(answer):
    assert answer.status_code == 403
    return answer.json["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_scopes_are_held_to_call_by_call(sandbox):
    reader = Caller(sandbox).sign_in("spreadsheets.readonly")
    assert reader.get(f"/{SALES}").status_code == 200
    assert insufficient(reader.put(SALES, "Q4 Plan!A1", [["x"]])) and insufficient(
        reader.append(SALES, "Q4 Plan", [["x"]])
    )
    assert insufficient(reader.files()) and "errors" in reader.files().json["error"]
    assert "errors" not in reader.put(SALES, "A1", [["x"]]).json["error"]
    unticked = Caller(sandbox).sign_in(
        "spreadsheets", "drive.metadata.readonly", untick=["drive.metadata.readonly"]
    )
    assert insufficient(unticked.files()) and unticked.get(f"/{SALES}").status_code == 200
    lister = Caller(sandbox).sign_in("drive.metadata.readonly")
    assert lister.files().status_code == 200 and insufficient(lister.get(f"/{SALES}"))


def test_an_app_with_its_own_files_only_sees_no_others(sandbox):
    app = Caller(sandbox).sign_in("drive.file")
    assert app.files().json["files"] == [] and error(app.get(f"/{SALES}"), 404, "NOT_FOUND")
    made = app.ask("POST", S, {"properties": {"title": "Mine"}}).json
    assert [f["id"] for f in app.files().json["files"]] == [made["spreadsheetId"]]
    assert app.put(made["spreadsheetId"], "A1", [["x"]]).status_code == 200


def test_files_are_private_shared_to_read_or_shared_to_write(sandbox, caller):
    assert error(caller.get(f"/{PLAN}"), 403, "PERMISSION_DENIED") == "The caller does not have permission"
    assert error(caller.get("/1Unknown"), 404, "NOT_FOUND")
    assert caller.get(f"/{PRICES}").status_code == 200
    assert error(caller.put(PRICES, "Prices!A1", [["x"]]), 403, "PERMISSION_DENIED")
    contoso = Caller(sandbox).sign_in(account="contoso")
    assert contoso.put(BUDGET, "Empty!A1", [["x"]]).status_code == 200
    assert (
        error(caller.get(f"/{OLD_BUDGET}"), 400, "FAILED_PRECONDITION")
        == "This operation is not supported for this document"
    )


# --- values ---


def test_values_are_ragged_and_missing_when_empty(caller):
    answer = caller.values(SALES, "'Q4 Plan'!A1:Z4").json
    assert (answer["range"], answer["majorDimension"]) == ("'Q4 Plan'!A1:Z4", "ROWS")
    assert [len(row) for row in answer["values"]] == [4, 3, 3, 2]
    assert caller.values(SALES, "Q4 Plan!Z1:Z10").json == {
        "range": "'Q4 Plan'!Z1:Z10",
        "majorDimension": "ROWS",
    }
    assert caller.values(SALES, "Q4 Plan!A1:ZZ5000").json["range"] == "'Q4 Plan'!A1:Z1000"


@pytest.mark.parametrize(
    "range", ["Nope!A1", "Q4 Plan!A", "Chart", "%27Q4%20Plan%27!A1", "'Bob's notes'!A1", "Q4 Plan!A1:5"]
)
def test_what_is_no_range_cannot_be_parsed(caller, range):
    assert error(caller.values(SALES, range), 400, "INVALID_ARGUMENT") == f"Unable to parse range: {range}"


@pytest.mark.parametrize(
    ("written", "range"),
    [
        ("R2C3", "First!C2"),
        ("First!R2C3", "First!C2"),
        ("R1C1:R2C3", "First!A1:C2"),
        ("R[1]C[2]", "First!C2"),
        ("RC", "First!A1"),
        ("R", "First!A1"),
        ("C", "First!A1"),  # although there is a tab C
        ("R1C1", "First!A1"),  # and a tab R1C1
        ("'C'", "C!A1:Z1000"),
        ("'R1C1'", "'R1C1'!A1:Z1000"),
        ("R[1]", "First!A2:Z2"),
        ("R1C1:R2", "First!A1:Z2"),
        ("R1C1:C2", "First!A1:B1000"),
        ("R2", "First!R2"),  # A1 notation comes first
        ("C1:C2", "First!C1:C2"),
    ],
)
def test_r1c1_notation_comes_after_a1_and_before_the_titles_of_tabs(caller, written, range):
    tabs = [{"properties": {"title": title}} for title in ("First", "C", "R1C1")]
    id_ = caller.ask("POST", S, {"sheets": tabs}).json["spreadsheetId"]
    assert caller.values(id_, written).json["range"] == range
    assert caller.put(id_, range, [["x"]]).status_code == 200
    assert caller.values(id_, written).json["values"][0] == ["x"]


@pytest.mark.parametrize("range", ["R0C1", "R[-1]C", "A1:R2C2", "R1C1:B2"])
def test_the_two_notations_do_not_mix_and_offsets_are_not_negative(caller, range):
    assert error(caller.values(SALES, range), 400, "INVALID_ARGUMENT") == f"Unable to parse range: {range}"


def test_a_range_that_begins_outside_the_tab_exceeds_its_limits(caller):
    message = error(caller.values(SALES, "Q4 Plan!A1001:B1002"), 400, "INVALID_ARGUMENT")
    assert message == "Range ('Q4 Plan'!A1001:B1002) exceeds grid limits. Max rows: 1000, max columns: 26"
    assert "exceeds grid limits" in error(
        caller.put(SALES, "Q4 Plan!A1000", [["x"], ["y"]]), 400, "INVALID_ARGUMENT"
    )


def test_several_ranges_come_in_their_order(caller):
    answer = caller.get(
        f"/{SALES}/values:batchGet", ranges=["倉庫!A1:B1", "Totals", "'Lager/Bestand'!A2"]
    ).json
    assert [r["range"] for r in answer["valueRanges"]] == [
        "'倉庫'!A1:B1",
        "'Q4 Plan'!C2:C13",
        "'Lager/Bestand'!A2",
    ]


def test_typing_and_storing_differ(caller):
    typed = [
        [
            "=1+1",
            "007",
            "1/2",
            "2026-03-04",
            "1,250.5",
            "5%",
            "true",
            "'=1",
            "=B1*2",
            "=NOPE(1)",
            "=1/0",
            "=SUM(A1:B1)",
            '=A1&"x"',
        ]
    ]
    caller.put(BUDGET, "Empty!A1", typed, "USER_ENTERED")
    caller.put(BUDGET, "Empty!A2", typed, "RAW")

    def values(row, **how):
        return caller.values(BUDGET, f"Empty!A{row}:M{row}", **how).json["values"][0]

    year = today().year
    displayed = [
        "2",
        "7",
        f"1/2/{year}",
        "2026-03-04",
        "1,250.50",
        "5%",
        "TRUE",
        "=1",
        "14",
        "#NAME?",
        "#DIV/0!",
        "9",
        "2x",
    ]
    assert values(1) == displayed and values(2) == typed[0]
    bare = values(1, valueRenderOption="UNFORMATTED_VALUE")
    assert bare[:2] == [2, 7] and bare[3] == 46085 and bare[4:7] == [1250.5, 0.05, True]
    assert (
        values(1, valueRenderOption="UNFORMATTED_VALUE", dateTimeRenderOption="FORMATTED_STRING")[3]
        == "2026-03-04"
    )
    assert values(1, valueRenderOption="FORMULA")[:2] == ["=1+1", 7]


def test_a_formula_that_leads_back_to_itself_is_an_error_in_the_cell(caller):
    caller.put(BUDGET, "Empty!A1", [["=B1", "=A1", "=", "=1+", "=SUM(A1"]], "USER_ENTERED")
    assert caller.values(BUDGET, "Empty!A1:E1").json["values"] == [
        ["#REF!", "#REF!", "=", "#ERROR!", "#ERROR!"]
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[{"a": 1}]], "Invalid values[0][0]: struct_value"),
        ([["x"], [["y"]]], "Invalid values[1][0]: list_value"),
        ("x", "Invalid value at 'data.values'"),
        ([["x" * 50_001]], "more than the maximum of 50000 characters"),
    ],
)
def test_what_is_no_cell_is_refused_whole(caller, rows, words):
    assert words in error(caller.put(BUDGET, "Empty!A1", rows), 400, "INVALID_ARGUMENT")
    assert "values" not in caller.values(BUDGET, "Empty").json


def test_a_write_says_how_values_are_meant_and_keeps_to_its_range(caller):
    assert "'valueInputOption' is required" in error(
        caller.put(BUDGET, "Empty!A1", [["x"]], option=None), 400, "INVALID_ARGUMENT"
    )
    assert "valueInputOption" in error(
        caller.put(BUDGET, "Empty!A1", [["x"]], option="TYPED"), 400, "INVALID_ARGUMENT"
    )
    assert "body range" in error(
        caller.put(BUDGET, "Empty!A1", [["x"]], range="Empty!A2"), 400, "INVALID_ARGUMENT"
    )
    assert caller.put(BUDGET, "Empty!A1", [["x"]], range="Empty!A1").json["updatedCells"] == 1
    message = error(caller.put(BUDGET, "Empty!A1:B1", [["x", "y", "z"]]), 400, "INVALID_ARGUMENT")
    assert message == "Requested writing within range [Empty!A1:B1], but tried writing to column [C]"


def test_columns_can_be_written_as_columns(caller):
    caller.put(BUDGET, "Empty!A1", [["a", "b"], ["c"]], majorDimension="COLUMNS")
    assert caller.values(BUDGET, "Empty").json["values"] == [["a", "c"], ["b"]]


# --- tables ---


def test_rows_go_under_the_table_and_again_when_asked_again(caller):
    first, second = (caller.append(SALES, "Q4 Plan", [["d", "c", 1]]).json for _ in range(2))
    assert first == {
        "spreadsheetId": SALES,
        "tableRange": "'Q4 Plan'!A1:D13",
        "updates": {
            "spreadsheetId": SALES,
            "updatedRange": "'Q4 Plan'!A14:C14",
            "updatedRows": 1,
            "updatedColumns": 3,
            "updatedCells": 3,
        },
    }
    assert second["updates"]["updatedRange"] == "'Q4 Plan'!A15:C15"
    assert "tableRange" not in caller.append(BUDGET, "Empty", [["x"]]).json


def test_the_table_of_the_range_is_the_one_that_grows(caller):
    caller.put(BUDGET, "Empty!B2", [["a", "b"], ["c", "d"], [], [], ["note"]])
    answer = caller.append(BUDGET, "Empty!B2:C3", [["e"], ["f"], ["g"]], "INSERT_ROWS").json
    assert (answer["tableRange"], answer["updates"]["updatedRange"]) == ("Empty!B2:C3", "Empty!B4:B6")
    rows = caller.values(BUDGET, "Empty!B1:C10").json["values"]
    assert rows == [[], ["a", "b"], ["c", "d"], ["e"], ["f"], ["g"], [], [], ["note"]]
    assert caller.get(f"/{BUDGET}").json["sheets"][1]["properties"]["gridProperties"]["rowCount"] == 1003


def test_clearing_keeps_the_rest(caller):
    path = f"{S}/{SALES}/values/{quote('Totals')}:clear"
    assert caller.ask("POST", path, {}).json == {"spreadsheetId": SALES, "clearedRange": "'Q4 Plan'!C2:C13"}
    assert [len(row) for row in caller.values(SALES, "Q4 Plan").json["values"]][:3] == [4, 2, 2]


# --- files and tabs ---


def test_a_batch_is_done_whole_or_not_at_all(caller):
    message = error(caller.batch(STOCK, "New", "stock"), 400, "INVALID_ARGUMENT")
    assert (
        message == 'Invalid requests[0].addSheet: A sheet with the name "stock" already exists. '
        "Please enter another name."
    )
    assert len(caller.get(f"/{STOCK}").json["sheets"]) == 1
    replies = caller.batch(STOCK, "New", "Newer").json["replies"]
    assert [r["addSheet"]["properties"]["index"] for r in replies] == [1, 2]
    assert caller.put(STOCK, "Newer!A1", [["x"]]).status_code == 200
    assert (
        caller.ask("POST", f"{S}/{STOCK}:batchUpdate", {"requests": [{"deleteAll": {}}]}).status_code == 400
    )


def test_a_mask_leaves_the_rest_out(caller):
    answer = caller.get(
        f"/{SALES}", fields="properties.title,sheets.properties(sheetId,title),namedRanges/name"
    ).json
    assert set(answer) == {"properties", "sheets", "namedRanges"} and set(answer["properties"]) == {"title"}
    assert answer["sheets"][0] == {"properties": {"sheetId": 0, "title": "Q4 Plan"}} and answer[
        "namedRanges"
    ] == [{"name": "Totals"}]
    for mask in ("a(b", "a)", "a,,b", "(x)"):
        assert caller.get(f"/{SALES}", fields=mask).status_code == 400


def test_drive_lists_bare_files_unless_more_is_asked_for(caller):
    plain = caller.files().json
    assert (plain["kind"], plain["incompleteSearch"]) == ("drive#fileList", False)
    assert {tuple(f) for f in plain["files"]} == {("kind", "id", "name", "mimeType")} and OLD_BUDGET in {
        f["id"] for f in plain["files"]
    }
    query = "mimeType='application/vnd.google-apps.spreadsheet' and trashed=false and name contains 'bud'"
    found = caller.files(q=query, fields="files(name,owners(emailAddress))").json
    assert found == {
        "files": [{"name": f"Budget {today().year}", "owners": [{"emailAddress": "ap@northwind.example"}]}]
    }


def test_drive_pages_and_orders_and_refuses_what_it_does_not_understand(caller):
    first = caller.files(pageSize=2, orderBy="modifiedTime desc").json
    second = caller.files(pageSize=5, orderBy="modifiedTime desc", pageToken=first["nextPageToken"]).json
    assert [f["id"] for f in first["files"] + second["files"]] == [STOCK, SALES, PRICES, BUDGET, OLD_BUDGET]
    assert "nextPageToken" not in second
    for query in (
        {"pageToken": "x"},
        {"pageSize": 0},
        {"q": "name like 'x'"},
        {"q": "trashed=false name='x'"},
        {"fields": "files("},
    ):
        assert caller.files(**query).status_code == 400


def test_a_change_moves_a_file_to_the_top(caller):
    caller.put(BUDGET, "Empty!A1", [["x"]])
    assert caller.files(orderBy="modifiedTime desc").json["files"][0]["id"] == BUDGET


# --- quotas ---


def test_the_sixty_first_read_of_a_minute_is_refused_and_writes_are_counted_apart(sandbox, caller):
    assert {caller.values(SALES, "A1").status_code for _ in range(60)} == {200}
    refused = caller.values(SALES, "A1")
    assert error(refused, 429, "RESOURCE_EXHAUSTED").startswith(
        "Quota exceeded for quota metric 'Read requests'"
    )
    assert (
        refused.json["error"]["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
        and "Retry-After" not in refused.headers
    )
    assert caller.put(BUDGET, "Empty!A1", [["x"]]).status_code == 200
    assert Caller(sandbox).sign_in(account="contoso").get(f"/{PLAN}").status_code == 200
    caller.lever("advance", seconds=61)
    assert caller.values(SALES, "A1").status_code == 200


def test_the_levers_throttle_in_googles_words_and_set_the_quota(caller):
    caller.lever("rate_limit", path="/values")
    assert error(caller.values(SALES, "A1"), 429, "RESOURCE_EXHAUSTED")
    caller.lever("quota", per_minute=1)
    assert [caller.values(PRICES, "A1").status_code for _ in range(2)] == [200, 429]
    caller.lever("quota")
    assert caller.values(PRICES, "A1").status_code == 200
