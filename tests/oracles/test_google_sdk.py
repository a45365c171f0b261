"""Google's own Python client and gspread against the imitated services over HTTP: what they read is what our
tools read, and what they write our tools find.

Both are unchanged. The client takes another host as `api_endpoint` and its bundled discovery documents;
gspread has its hosts in its code, so its session sends them to the sandbox.
"""

import base64
from email.message import EmailMessage

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from app.connectors.gmail import CONNECTOR as GMAIL
from app.connectors.google_sheets import CONNECTOR as SHEETS
from app.connectors.google_sheets.a1 import quoted
from app.sandbox.services.google_sheets.demo import BUDGET, OLD_BUDGET, PLAN, SALES, STOCK
from tests.oracles.descriptions import discovery
from tests.oracles.recording import PREVIEW, record, targets_of

SERVICES = {"gmail": (GMAIL, "gmail/v1"), "sheets": (SHEETS, ""), "drive": (SHEETS, "drive/v3/")}


def credentials_of(here):
    """What Google's own libraries make of our token answer."""
    return Credentials(
        here.tokens["access_token"],
        refresh_token=here.tokens["refresh_token"],
        token_uri=here.at("https://oauth2.googleapis.com/token"),
        client_id="sandbox",
        client_secret="sandbox",
    )


def sdk(here, name, number, path=""):
    """The client of an API, made of its bundled discovery document."""
    return build(
        name,
        number,
        credentials=credentials_of(here),
        static_discovery=True,
        client_options={"api_endpoint": f"{here.base_url}/{path}"},
    )


class ToSandbox(requests.adapters.HTTPAdapter):
    """Sends what is meant for Google's hosts to the sandbox."""

    def __init__(self, base_url):
        super().__init__()
        self.base_url = base_url

    def send(self, request, **options):
        request.url = self.base_url + request.path_url
        return super().send(request, **options)


@pytest.fixture(scope="module")
def mailbox(connection_to):
    return connection_to(GMAIL)


@pytest.fixture(scope="module")
def files(connection_to):
    here = connection_to(SHEETS)
    here.levers("quota", per_minute=100_000)
    return here


@pytest.fixture
def messages(mailbox):
    return sdk(mailbox, "gmail", "v1").users()


@pytest.fixture
def spreadsheets(files):
    return sdk(files, "sheets", "v4").spreadsheets()


@pytest.fixture
def gspread_client(files):
    session = AuthorizedSession(credentials_of(files))
    for host in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
        session.mount(host, ToSandbox(files.base_url))
    return gspread.Client(None, session=session)


# --- Gmail ---


def test_the_client_finds_and_reads_the_mail_that_the_tools_read(mailbox, messages):
    ours = mailbox.call("search_messages", {"query": "has:attachment", "max_results": 100})["items"]
    theirs, request = [], messages.messages().list(userId="me", q="has:attachment", maxResults=7)
    while request is not None:
        answer = request.execute()
        theirs += answer["messages"]
        request = messages.messages().list_next(request, answer)
    assert [m["id"] for m in theirs] == [m["id"] for m in ours]
    for message in ours[:5]:
        found = messages.messages().get(userId="me", id=message["id"], format="full").execute()
        headers = {h["name"]: h["value"] for h in found["payload"]["headers"]}
        assert (found["threadId"], found["labelIds"]) == (message["thread_id"], message["labels"])
        assert "=?" in headers["From"] or headers["From"] == message["sender"]
    profile = messages.getProfile(userId="me").execute()
    assert profile["emailAddress"] == mailbox.account.name


def test_the_client_downloads_the_bytes_that_the_tool_gives(mailbox, messages):
    message = mailbox.call("search_messages", {"query": "from:tabellen"})["items"][0]
    payload = messages.messages().get(userId="me", id=message["id"]).execute()["payload"]
    for part in payload["parts"][1:]:
        body = (
            messages.messages()
            .attachments()
            .get(userId="me", messageId=message["id"], id=part["body"]["attachmentId"])
            .execute()
        )
        data = base64.urlsafe_b64decode(body["data"] + "==")
        arguments = {"message_id": message["id"], "part_id": part["partId"], "as_base64": True}
        ours = mailbox.call("download_attachment", arguments)
        assert base64.b64decode(ours["content"]) == data and ours["size"] == part["body"]["size"]


def test_a_conversation_and_the_labels_are_the_same(mailbox, messages):
    thread_id = mailbox.call("search_messages", {"query": "subject:payment"})["items"][0]["thread_id"]
    ours = mailbox.call("get_thread", {"thread_id": thread_id})
    theirs = messages.threads().get(userId="me", id=thread_id).execute()
    assert [m["id"] for m in theirs["messages"]] == [m["id"] for m in ours["messages"]]
    labels = messages.labels().list(userId="me").execute()["labels"]
    assert {(label["id"], label["name"]) for label in labels} == {
        (label["id"], label["name"]) for label in mailbox.call("list_labels", {})["items"]
    }


def test_what_the_client_writes_is_found_by_the_tools(mailbox, messages):
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "jo@acme.example", "Größe von der anderen Seite"
    mail.set_content("Written by Google's client.\n")
    raw = base64.urlsafe_b64encode(mail.as_bytes()).decode()
    draft = messages.drafts().create(userId="me", body={"message": {"raw": raw}}).execute()
    sent = messages.drafts().send(userId="me", body={"id": draft["id"]}).execute()
    found = mailbox.call("get_message", {"message_id": sent["id"]})
    assert (found["subject"], found["body"]) == ("Größe von der anderen Seite", "Written by Google's client.")
    changes = {"addLabelIds": ["STARRED"], "removeLabelIds": []}
    messages.messages().modify(userId="me", id=sent["id"], body=changes).execute()
    assert "STARRED" in mailbox.call("get_message", {"message_id": sent["id"]})["labels"]


def test_a_mail_of_ours_is_read_by_the_client(mailbox, messages):
    sent = mailbox.call(
        "send_message", {"to": ["Doe, John <jo@acme.example>"], "subject": "Von uns", "body": "Grüße"}
    )
    raw = messages.messages().get(userId="me", id=sent["message_id"], format="raw").execute()["raw"]
    mail = base64.urlsafe_b64decode(raw + "==").decode()
    assert 'To: "Doe, John" <jo@acme.example>' in mail and "Subject: Von uns" in mail


def test_refusals_have_googles_form(messages):
    with pytest.raises(HttpError) as caught:
        messages.messages().get(userId="me", id="18f3a1c2d4e5f601").execute()
    assert (caught.value.status_code, caught.value.reason) == (404, "Requested entity was not found.")
    assert caught.value.error_details[0]["reason"] == "notFound"


# --- tokens ---


def test_googles_library_renews_at_the_imitation_as_we_do(mailbox):
    credentials = credentials_of(mailbox)
    before = credentials.token
    credentials.refresh(Request())
    assert credentials.token != before and credentials.valid
    where = {"token_uri": credentials.token_uri, "client_id": "sandbox", "client_secret": "sandbox"}
    credentials = Credentials(None, refresh_token="1//unknown", **where)
    with pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request())


# --- Sheets ---


def test_the_client_reads_the_cells_that_the_tools_read(files, spreadsheets):
    for id_, range in ((SALES, "'Q4 Plan'!A1:D8"), (BUDGET, "Costs!A1:C6"), (SALES, "'倉庫'!A:B")):
        for render in ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"):
            ours = files.call("read_range", {"spreadsheet_id": id_, "range": range, "value_render": render})
            theirs = (
                spreadsheets.values()
                .get(
                    spreadsheetId=id_,
                    range=range,
                    valueRenderOption=render,
                    dateTimeRenderOption="FORMATTED_STRING",
                )
                .execute()
            )
            assert theirs["values"] == ours["items"]
    batch = spreadsheets.values().batchGet(spreadsheetId=STOCK, ranges=["Stock!A1:B2", "Stock!C5"]).execute()
    ours = files.call("batch_read", {"spreadsheet_id": STOCK, "ranges": ["Stock!A1:B2", "Stock!C5"]})
    assert [r["values"] for r in batch["valueRanges"]] == [r["values"] for r in ours["ranges"]]


def test_the_client_sees_the_tabs_and_files_that_the_tools_see(files, spreadsheets):
    ours = files.call("get_spreadsheet", {"spreadsheet_id": SALES})
    theirs = spreadsheets.get(spreadsheetId=SALES).execute()
    assert [(s["properties"]["title"], s["properties"]["sheetId"]) for s in theirs["sheets"]] == [
        (sheet["title"], sheet["id"]) for sheet in ours["sheets"]
    ]
    drive = sdk(files, "drive", "v3", "drive/v3/").files()
    query = "mimeType='application/vnd.google-apps.spreadsheet' and trashed=false"
    listed, request = [], drive.list(q=query, orderBy="modifiedTime desc", pageSize=2)
    while request is not None:
        answer = request.execute()
        listed += answer["files"]
        request = drive.list_next(request, answer)
    assert [f["id"] for f in listed] == [
        f["id"] for f in files.call("list_spreadsheets", {"page_size": 100})["items"]
    ]


def test_what_the_client_writes_is_read_by_the_tools(files, spreadsheets):
    made = spreadsheets.create(body={"properties": {"title": "By the client"}}).execute()
    id_ = made["spreadsheetId"]
    rows = [["Größe", 12.5, True], ["=1+1", "007"]]
    values = spreadsheets.values()
    values.append(spreadsheetId=id_, range="Sheet1", valueInputOption="RAW", body={"values": rows}).execute()
    read = {"spreadsheet_id": id_, "range": "Sheet1", "value_render": "UNFORMATTED_VALUE"}
    assert files.call("read_range", read)["items"] == rows
    change = {"addSheet": {"properties": {"title": "C", "gridProperties": {"rowCount": 5}}}}
    spreadsheets.batchUpdate(spreadsheetId=id_, body={"requests": [change]}).execute()
    # a bare C is a cell to Google, and a tab to our tools in reading as in writing
    values.update(
        spreadsheetId=id_, range="C", valueInputOption="RAW", body={"values": [["by the client"]]}
    ).execute()
    assert files.call("read_range", {**read, "range": "Sheet1!A1"})["items"] == [["by the client"]]
    files.call("update_range", {"spreadsheet_id": id_, "range": "C", "rows": [["by the tool"]]})
    assert values.get(spreadsheetId=id_, range=quoted("C")).execute()["values"] == [["by the tool"]]
    values.clear(spreadsheetId=id_, range="Sheet1").execute()
    assert files.call("read_range", read)["items"] == []


@pytest.mark.parametrize(
    ("id_", "status", "words"),
    [
        (PLAN, 403, "does not have permission"),
        (OLD_BUDGET, 400, "not supported for this document"),
        ("1Nobody", 404, "not found"),
    ],
)
def test_refusals_of_sheets_have_googles_form(spreadsheets, id_, status, words):
    with pytest.raises(HttpError, match=words) as caught:
        spreadsheets.get(spreadsheetId=id_).execute()
    assert caught.value.status_code == status


# --- gspread ---


def test_gspread_reads_what_the_tools_read(files, gspread_client):
    listed = {f["id"] for f in gspread_client.list_spreadsheet_files()}
    assert listed == {f["id"] for f in files.call("list_spreadsheets", {"page_size": 100})["items"]}
    book = gspread_client.open_by_key(SALES)
    ours = files.call("get_spreadsheet", {"spreadsheet_id": SALES})
    assert (book.title, book.url) == (ours["title"], f"https://docs.google.com/spreadsheets/d/{SALES}")
    assert [sheet.title for sheet in book.worksheets()] == [sheet["title"] for sheet in ours["sheets"]]
    for title in ("Q4 Plan", "Bob's notes", "Lager/Bestand", "倉庫"):
        rows = files.call("read_range", {"spreadsheet_id": SALES, "range": title})["items"]
        width = max(map(len, rows))
        theirs = book.worksheet(title).get_all_values()
        assert theirs == [[*row, *[""] * (width - len(row))] for row in rows]


def test_gspread_and_the_tools_write_the_same_tabs(files, gspread_client):
    id_ = files.call("create_spreadsheet", {"title": "Shared", "sheet_titles": ["Log"]})["id"]
    book = gspread_client.open_by_key(id_)
    sheet = book.add_worksheet("R1C1", rows=20, cols=4)
    sheet.append_row(["by gspread", 1])
    sheet.update([["over"]], "A1")
    files.call("append_rows", {"spreadsheet_id": id_, "range": "R1C1", "rows": [["by the tool", 2]]})
    assert sheet.get_all_values() == [["over", "1"], ["by the tool", "2"]]
    assert files.call("read_range", {"spreadsheet_id": id_, "range": "Log"})["items"] == []
    sheet.clear()
    assert files.call("read_range", {"spreadsheet_id": id_, "range": "R1C1"})["items"] == []
    with pytest.raises(gspread.WorksheetNotFound):
        book.worksheet("Nope")


# --- scopes ---


@pytest.mark.parametrize(
    ("connector", "name"),
    [
        (connector, name)
        for connector in (GMAIL, SHEETS)
        for name in targets_of(connector)
        if name != "identify" and not name.startswith(PREVIEW)
    ],
    ids=lambda value: getattr(value, "slug", value),
)
def test_each_scope_a_tool_names_is_enough_for_all_it_sends(connector, name, connection_to):
    recording = record(connector, connection_to(connector), name)
    names = ("gmail.v1",) if connector is GMAIL else ("sheets.v4", "drive.v3")
    for request in recording.requests:
        _, _, path = request.path.partition(f"/{connector.slug}/")
        found = discovery.find_method(names, request.method, f"/{path}")
        assert found, request.path
        if connector is GMAIL and request.method == "GET" and not recording.target.reads_only:
            continue  # the mail that is replied to, which takes a right to read, too
        assert set(recording.target.tool.needs_scopes) <= set(found[1]["scopes"]), found[1]["id"]
