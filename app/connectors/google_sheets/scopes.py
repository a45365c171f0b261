"""The OAuth scopes of Sheets and Drive, and which of them a tool can work with: any one of those it names.

https://developers.google.com/workspace/sheets/api/scopes
"""

from app.connectors.google import PREFIX

SPREADSHEETS_READONLY = PREFIX + "spreadsheets.readonly"
SPREADSHEETS = PREFIX + "spreadsheets"
FILES_READONLY = PREFIX + "drive.metadata.readonly"
OWN_FILES = PREFIX + "drive.file"
DRIVE_READONLY = PREFIX + "drive.readonly"
DRIVE = PREFIX + "drive"

TO_LIST = (FILES_READONLY, OWN_FILES, DRIVE_READONLY, DRIVE)
TO_READ = (SPREADSHEETS_READONLY, SPREADSHEETS, OWN_FILES, DRIVE_READONLY, DRIVE)
TO_WRITE = (SPREADSHEETS, OWN_FILES, DRIVE)
