"""Google Sheets: find spreadsheets, read ranges, append, change and clear them.

Start with `a1.py` (ranges), then `reading.py` and `writing.py`.

Decided:
- Spreadsheets are listed through Drive, which Sheets' own scopes do not cover, so `drive.metadata.readonly`
  is requested too. A person who leaves that box unticked loses only the list.
- Ranges are read a window of rows at a time, so that a tab of millions of cells never comes at once.
- Values are written RAW by default: a formula could fetch from, or send to, somewhere else.
- A tab's title is quoted for the caller, who need not know when Google requires it.
"""

from app.connectors import google
from app.connectors.connector import Connector
from app.connectors.google_sheets.account import identify
from app.connectors.google_sheets.errors import read_error
from app.connectors.google_sheets.files import create_spreadsheet, get_spreadsheet, list_spreadsheets
from app.connectors.google_sheets.reading import batch_read, read_range
from app.connectors.google_sheets.scopes import FILES_READONLY, SPREADSHEETS, SPREADSHEETS_READONLY
from app.connectors.google_sheets.writing import add_sheet, append_rows, clear_range, update_range

CONNECTOR = Connector(
    slug="google_sheets",
    name="Google Sheets",
    summary="Read and write spreadsheet data",
    category="Email and documents",
    base_url="https://sheets.googleapis.com",
    hosts={"drive": "https://www.googleapis.com", "identity": "https://openidconnect.googleapis.com"},
    auth=google.consent(read=(SPREADSHEETS_READONLY, FILES_READONLY), write=(SPREADSHEETS, FILES_READONLY)),
    identify=identify,
    tools=(
        list_spreadsheets,
        get_spreadsheet,
        read_range,
        batch_read,
        append_rows,
        update_range,
        create_spreadsheet,
        add_sheet,
        clear_range,
    ),
    read_error=read_error,
    badge=google.BADGE,
    personal=True,
    help_url="https://support.google.com/docs/answer/6000292",
    operator_note=google.RESTRICTED.format(
        scopes="The scope that lists spreadsheets (drive.metadata.readonly) is"
    ),
)
