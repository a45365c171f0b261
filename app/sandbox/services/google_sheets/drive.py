"""The files of all accounts: sharing, the quota per minute, and files.list.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
"""

import re
import secrets
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.current import here
from app.sandbox.google import PREFIX, GoogleRefusal
from app.sandbox.rules import Access
from app.sandbox.services.google_sheets.mask import masked
from app.sandbox.services.google_sheets.refusals import forbidden, not_a_spreadsheet, not_found, too_many
from app.sandbox.store import Book, Record

SPREADSHEET = "application/vnd.google-apps.spreadsheet"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DRIVE = "drive"  # one book for all accounts, which share some files
PER_MINUTE = 60  # requests of one kind: https://developers.google.com/workspace/sheets/api/limits

_WIDER = {PREFIX + name for name in ("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly")}
_LISTING = {
    PREFIX + name for name in ("drive", "drive.readonly", "drive.metadata", "drive.metadata.readonly")
}
_CLAUSE = re.compile(
    r"\s*(?:(?P<field>mimeType|name)\s*(?P<op>=|!=|contains)\s*(?:'(?P<text>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\")|trashed\s*=\s*(?P<trashed>true|false))\s*"
)


class Drive:
    """The files of all accounts, as one caller sees them."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.person = access.person
        self.book: Book = here().book(DRIVE)

    def open(self, id_: str, *, to_write: bool = False) -> Record:
        """A spreadsheet that the person may read, or write. Counts against their quota per minute."""
        self.spend("Write" if to_write else "Read")
        file = self.book.find("file", id_)
        if file is None or (not self.access.scopes & _WIDER and not file["by_app"]):
            raise not_found()  # drive.file alone hides the files of others
        if not _may(file, self.person, to_write=to_write):
            raise forbidden()
        if file["mimeType"] != SPREADSHEET:
            raise not_a_spreadsheet()
        return file

    def spend(self, kind: str) -> None:
        """Count a request. Reads and writes count separately, over the last 60 seconds."""
        at = here()
        quota = int((self.book.find("limit", "minute") or {"calls": PER_MINUTE})["calls"])
        now, key = at.now().timestamp(), f"{kind} {self.person}"
        recent = [
            moment
            for moment in (self.book.find("spent", key) or {"at": []})["at"]
            if now - 60 < moment <= now
        ]
        if len(recent) >= quota:
            raise too_many(kind, quota)
        self.book.put("spent", key, {"at": [*recent, now]})

    def add(self, name: str) -> Record:
        """Create an empty file of the person, owned by the calling app."""
        at = here().now().isoformat(timespec="milliseconds")
        return new_file(self.book, secrets.token_urlsafe(33), name, self.person, at, by_app=True)

    def touch(self, file: Record) -> None:
        """Set the time of the last change to now."""
        self.book.put(
            "file",
            file["id"],
            {**file, "modifiedTime": _stamp(here().now().isoformat(timespec="milliseconds"))},
        )

    def list(self) -> Response:
        """files.list."""
        query = request.args
        found = [f for f in self.book.all("file") if _may(f, self.person) and _matches(f, query.get("q", ""))]
        if not self.access.scopes & _LISTING:
            found = [file for file in found if file["by_app"]]
        if query.get("orderBy", "").startswith("modifiedTime"):
            found.sort(key=lambda file: str(file["modifiedTime"]), reverse=query["orderBy"].endswith("desc"))
        most, start = _size(query.get("pageSize", "100")), _start(query.get("pageToken"))
        answer: dict[str, Any] = {"kind": "drive#fileList", "incompleteSearch": False}
        if start + most < len(found):
            answer["nextPageToken"] = f"~!!~{start + most}"
        answer["files"] = [_resource(file) for file in found[start : start + most]]
        try:
            return jsonify(
                masked(
                    answer,
                    query.get("fields") or "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)",
                )
            )
        except ValueError:
            raise _bad("Invalid field selection", "fields") from None


def new_file(
    book: Book,
    id_: str,
    name: str,
    owner: str,
    at: str,
    *,
    by_app: bool = False,
    mime_type: str = SPREADSHEET,
) -> Record:
    """Create a file without tabs."""
    file = {
        "id": id_,
        "name": name,
        "mimeType": mime_type,
        "owner": owner,
        "readers": [],
        "writers": [],
        "modifiedTime": _stamp(at),
        "by_app": by_app,
        "sheets": [],
        "names": {},
    }
    return book.put("file", id_, file)


def address(id_: str) -> str:
    """The address of a spreadsheet in the browser."""
    return f"https://docs.google.com/spreadsheets/d/{id_}/edit"


def _stamp(moment: str) -> str:
    return moment.replace("+00:00", "Z")


def _may(file: Record, person: str, *, to_write: bool = False) -> bool:
    return (
        person == file["owner"] or person in file["writers"] or (person in file["readers"] and not to_write)
    )


def _resource(file: Record) -> dict[str, Any]:
    return {
        "kind": "drive#file",
        "id": file["id"],
        "name": file["name"],
        "mimeType": file["mimeType"],
        "modifiedTime": file["modifiedTime"],
        "webViewLink": address(file["id"]),
        "owners": [
            {
                "kind": "drive#user",
                "emailAddress": file["owner"],
                "me": file["owner"] == here().access().person,  # type: ignore[union-attr]
            }
        ],
    }


def _matches(file: Record, query: str) -> bool:
    """Clauses of `q` joined by `and`. `name contains` matches the beginnings of words."""
    at, wanted = 0, True
    while query:
        clause = _CLAUSE.match(query, at)
        if not clause:
            raise _bad("Invalid Value", "q")
        text = re.sub(r"\\(.)", r"\1", clause["text"] or clause["double"] or "").lower()
        if clause["trashed"]:
            wanted &= clause["trashed"] == "false"
        elif clause["field"] == "mimeType":
            wanted &= (file["mimeType"] == text) == (clause["op"] == "=")
        elif clause["op"] == "contains":
            wanted &= re.search(rf"(?<!\w){re.escape(text)}", file["name"].lower()) is not None
        else:
            wanted &= (file["name"].lower() == text) == (clause["op"] == "=")
        at = clause.end()
        if at == len(query):
            break
        if not query.startswith("and ", at):
            raise _bad("Invalid Value", "q")
        at += 4
    return wanted


def _size(given: str) -> int:
    if not given.isdigit() or not 1 <= int(given) <= 1000:
        raise _bad("Invalid value for pageSize", "pageSize")
    return int(given)


def _start(given: str | None) -> int:
    if given is None:
        return 0
    if not re.fullmatch(r"~!!~\d{1,6}", given):
        raise _bad("Invalid Value", "pageToken")
    return int(given[4:])


def _bad(sentence: str, parameter: str) -> GoogleRefusal:
    return GoogleRefusal(400, sentence, "invalid", location=parameter)
