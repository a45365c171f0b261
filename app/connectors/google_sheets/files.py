"""Spreadsheets as files: finds one through Drive, shows what is in it, creates a new one."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.google import an_object, objects, read
from app.connectors.google_sheets import previews, scopes
from app.connectors.google_sheets.areas import area_of
from app.connectors.google_sheets.values import PATH, SpreadsheetId, number, text
from app.connectors.google_sheets.writing import SheetTitle, write
from app.connectors.rows import Page, Row

_MOST_TABS = 200  # as many as a spreadsheet may have: https://support.google.com/drive/answer/37603
_MOST_NAMES = 100
_LISTED = "nextPageToken,incompleteSearch,files(id,name,modifiedTime,webViewLink,owners(emailAddress))"
_CONTENTS = (
    "spreadsheetId,spreadsheetUrl,properties(title,locale,timeZone),namedRanges(name,range),"
    "sheets.properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount))"
)


class File(Row):
    """A spreadsheet in a list."""

    id: str = Field(description="Pass as spreadsheet_id.")
    name: str
    modified_at: str
    owner: str
    url: str


class Sheet(Row):
    """A tab of a spreadsheet."""

    id: int
    title: str = Field(description="Names the tab in a range.")
    rows: int
    columns: int
    type: str = Field(description="GRID holds cells; others, such as OBJECT, do not.")
    hidden: bool


class NamedRange(Row):
    """A name for some cells."""

    name: str = Field(description="Can be used as a range.")
    range: str


class Spreadsheet(Row):
    """What is in a spreadsheet."""

    id: str
    title: str
    url: str
    locale: str
    time_zone: str
    sheets: list[Sheet] = Field(description="Its tabs.")
    named_ranges: list[NamedRange] = Field(description="The first 100.")


@tool(title="List spreadsheets", reads_only=True, pages_by="page_token", needs_scopes=scopes.TO_LIST)
def list_spreadsheets(
    api: Api,
    name_contains: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Beginnings of words in it.")
    ] = None,
    page_size: Annotated[int, Field(ge=1, le=100, description="At most.")] = 25,
    page_token: Annotated[str | None, Field(max_length=2_000, description="From the page before.")] = None,
) -> Page[File]:
    """List the Google spreadsheets the account can open, last changed first, or find some by name.

    Not needed with a spreadsheet's address at hand: every tool takes that as its id.
    """
    query = "mimeType='application/vnd.google-apps.spreadsheet' and trashed=false"
    if name_contains:
        query += f" and name contains '{_literal(name_contains)}'"
    params = {
        "q": query,
        "fields": _LISTED,
        "orderBy": "modifiedTime desc",
        "pageSize": str(page_size),
        "supportsAllDrives": "true",
        "includeItemsFromAllDrives": "true",
    }
    found = read(
        api,
        "/drive/v3/files",
        host="drive",
        params={**params, "pageToken": page_token} if page_token else params,
    )
    if found.get("incompleteSearch") is True:
        api.say("Google did not search all drives, so some spreadsheets may be missing.")
    return Page(
        items=[_file(entry) for entry in objects(found.get("files"))],
        next=text(found, "nextPageToken", 5_000) or None,
    )


@tool(title="Show a spreadsheet", reads_only=True, needs_scopes=scopes.TO_READ)
def get_spreadsheet(api: Api, spreadsheet_id: SpreadsheetId) -> Spreadsheet:
    """Show a spreadsheet's tabs with their sizes, and its named ranges, but no cells."""
    found = read(api, PATH, parts={"id": spreadsheet_id}, params={"fields": _CONTENTS})
    return _spreadsheet({**found, "spreadsheetId": spreadsheet_id})


@tool(title="Create a spreadsheet", needs_scopes=scopes.TO_WRITE, preview=previews.create_spreadsheet)
def create_spreadsheet(
    api: Api,
    title: Annotated[str, Field(min_length=1, max_length=300, description="Name of the file.")],
    sheet_titles: Annotated[
        list[SheetTitle] | None, Field(min_length=1, max_length=50, description="Its tabs.")
    ] = None,
) -> Spreadsheet:
    """Create an empty spreadsheet in the account's Drive.

    For a tab in an existing one google_sheets_add_sheet.
    """
    titles = sheet_titles or []
    previews.check_titles(titles)
    body: dict[str, Any] = {"properties": {"title": title}}
    if titles:
        body["sheets"] = [{"properties": {"title": name}} for name in titles]
    made = write(
        api, "POST", "/v4/spreadsheets", proofs=("spreadsheetId",), params={"fields": _CONTENTS}, json=body
    )
    api.say("Spreadsheet created.")
    return _spreadsheet(made)


def _literal(words: str) -> str:
    """Words inside quotes of a Drive query. https://developers.google.com/workspace/drive/api/guides/search-files"""
    return words.replace("\\", "\\\\").replace("'", "\\'")


def _file(entry: Mapping[str, Any]) -> File:
    owners = objects(entry.get("owners"))
    return File(
        id=text(entry, "id"),
        name=text(entry, "name"),
        modified_at=text(entry, "modifiedTime", 40),
        owner=text(owners[0], "emailAddress") if owners else "",  # a shared drive's files have none
        url=text(entry, "webViewLink"),
    )


def _spreadsheet(found: Mapping[str, Any]) -> Spreadsheet:
    properties = an_object(found.get("properties"))
    tabs = [an_object(entry.get("properties")) for entry in objects(found.get("sheets"))][:_MOST_TABS]
    titles = {number(tab.get("sheetId")): text(tab, "title") for tab in tabs}
    return Spreadsheet(
        id=text(found, "spreadsheetId"),
        title=text(properties, "title"),
        url=text(found, "spreadsheetUrl"),
        locale=text(properties, "locale", 20),
        time_zone=text(properties, "timeZone", 60),
        sheets=[sheet_of(tab) for tab in tabs],
        named_ranges=[
            NamedRange(name=text(entry, "name"), range=str(area_of(an_object(entry.get("range")), titles)))
            for entry in objects(found.get("namedRanges"))[:_MOST_NAMES]
        ],
    )


def sheet_of(properties: Mapping[str, Any]) -> Sheet:
    """A tab from Google's description of it."""
    grid = an_object(properties.get("gridProperties"))
    return Sheet(
        id=number(properties.get("sheetId")),
        title=text(properties, "title"),
        rows=number(grid.get("rowCount")),
        columns=number(grid.get("columnCount")),
        type=text(properties, "sheetType", 30) or "GRID",
        hidden=properties.get("hidden") is True,
    )
