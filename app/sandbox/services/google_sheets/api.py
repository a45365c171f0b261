"""The methods `spreadsheets` and `spreadsheets.values` of the Sheets API, and `files.list` of Drive.

https://developers.google.com/workspace/sheets/api/reference/rest
"""

from itertools import zip_longest
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.google import add_userinfo
from app.sandbox.google import needs as google_needs
from app.sandbox.refusals import json_object
from app.sandbox.rules import Access
from app.sandbox.services.google_sheets.drive import Drive
from app.sandbox.services.google_sheets.mask import masked
from app.sandbox.services.google_sheets.refusals import invalid, not_found
from app.sandbox.services.google_sheets.workbook import (
    COLUMNS,
    MOST_CHARACTERS,
    ROWS,
    Workbook,
    new_sheet,
    properties,
    spreadsheet_resource,
)
from app.sandbox.store import Record

bp = Blueprint("google_sheets", __name__)
add_userinfo(bp)

_ALL = "/v4/spreadsheets"
_ONE = f"{_ALL}/<id_>"
_WRITE = ("spreadsheets", "drive", "drive.file")
_READ = (*_WRITE, "spreadsheets.readonly", "drive.readonly")
_LIST = ("drive", "drive.readonly", "drive.metadata", "drive.metadata.readonly", "drive.file")
_RENDER = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
_DATES = ("SERIAL_NUMBER", "FORMATTED_STRING")


def needs(*scopes: str) -> Any:
    """Guard a view of Sheets, whose errors have no old list."""
    return google_needs(*scopes, service="sheets.googleapis.com", listed=False)


@bp.get("/drive/v3/files")
@google_needs(*_LIST, service="drive.googleapis.com")
def list_files(access: Access) -> Response:
    """files.list."""
    return Drive(access).list()


@bp.get(_ONE)
@needs(*_READ)
def get_spreadsheet(access: Access, id_: str) -> Response:
    """spreadsheets.get."""
    return _masked(Workbook(Drive(access), id_).resource())


@bp.post(_ALL)
@needs(*_WRITE)
def create_spreadsheet(access: Access) -> Response:
    """spreadsheets.create."""
    drive = Drive(access)
    drive.spend("Write")
    given = _body()
    title = _part(given, "properties").get("title") or "Untitled spreadsheet"
    wanted = [
        _part(sheet, "properties") for sheet in given.get("sheets") or [{"properties": {"title": "Sheet1"}}]
    ]
    sheets: list[Record] = []
    for place, sheet in enumerate(wanted):
        sheets.append(
            new_sheet(sheets, place * 7_919, str(sheet.get("title") or f"Sheet{place + 1}"), *_grid(sheet))
        )
    file = drive.add(str(title))
    return _masked(spreadsheet_resource(drive.book.put("file", file["id"], {**file, "sheets": sheets})))


@bp.post(f"{_ONE}:batchUpdate")
@needs(*_WRITE)
def batch_update(access: Access, id_: str) -> Response:
    """spreadsheets.batchUpdate, `addSheet` only: all requests succeed, or none."""
    book = Workbook(Drive(access), id_, to_write=True)
    sheets, replies = list(book.file["sheets"]), []
    for place, change in enumerate(_body().get("requests") or []):
        if set(change) != {"addSheet"}:
            raise invalid(
                f"Invalid JSON payload received. Unknown name at 'requests[{place}]': Cannot find field."
            )
        sheet = _part(change["addSheet"], "properties")
        sheet_id = max((each["sheetId"] for each in sheets), default=0) + 1_203_947
        sheets.append(
            new_sheet(sheets, sheet_id, str(sheet.get("title") or f"Sheet{len(sheets) + 1}"), *_grid(sheet))
        )
        replies.append({"addSheet": {"properties": properties(sheets[-1], len(sheets) - 1)}})
    if not replies:
        raise invalid("Must specify at least one request.")
    book.keep_sheets(sheets)
    return jsonify(spreadsheetId=id_, replies=replies)


@bp.get(f"{_ONE}/values:batchGet")
@needs(*_READ)
def batch_get(access: Access, id_: str) -> Response:
    """spreadsheets.values.batchGet."""
    book = Workbook(Drive(access), id_)
    option, dates = _chosen("valueRenderOption", _RENDER), _chosen("dateTimeRenderOption", _DATES)
    return jsonify(
        spreadsheetId=id_,
        valueRanges=[book.read(each, option, dates) for each in request.args.getlist("ranges")],
    )


@bp.get(f"{_ONE}/values/<path:range>")
@needs(*_READ)
def get_values(access: Access, id_: str, range: str) -> Response:
    """spreadsheets.values.get."""
    book = Workbook(Drive(access), id_)
    return jsonify(
        book.read(range, _chosen("valueRenderOption", _RENDER), _chosen("dateTimeRenderOption", _DATES))
    )


@bp.put(f"{_ONE}/values/<path:range>")
@needs(*_WRITE)
def update_values(access: Access, id_: str, range: str) -> Response:
    """spreadsheets.values.update."""
    book = Workbook(Drive(access), id_, to_write=True)
    return jsonify(book.update(range, _values(range), _input_option()))


@bp.post(f"{_ONE}/values/<path:range>")
@needs(*_WRITE)
def append_or_clear(access: Access, id_: str, range: str) -> Response:
    """spreadsheets.values.append and clear."""
    book = Workbook(Drive(access), id_, to_write=True)
    range, _, method = range.rpartition(":")
    if method == "append":
        inserts = _chosen("insertDataOption", ("OVERWRITE", "INSERT_ROWS")) == "INSERT_ROWS"
        return jsonify(book.append(range, _values(range), _input_option(), inserts=inserts))
    if method != "clear":
        raise not_found()
    return jsonify(book.clear(range))


def _masked(record: dict[str, Any]) -> Response:
    try:
        return jsonify(masked(record, request.args.get("fields")))
    except ValueError:
        raise invalid("Request contains an invalid argument.") from None


def _body() -> dict[str, Any]:
    return json_object(invalid("Invalid JSON payload received."))


def _part(record: Any, name: str) -> dict[str, Any]:
    part = record.get(name) if isinstance(record, dict) else None
    return part if isinstance(part, dict) else {}


def _grid(sheet: dict[str, Any]) -> tuple[int, int]:
    grid = _part(sheet, "gridProperties")
    return int(grid.get("rowCount", ROWS)), int(grid.get("columnCount", COLUMNS))


def _chosen(name: str, options: tuple[str, ...]) -> str:
    """A query parameter with a fixed set of values; the first is the default."""
    given = request.args.get(name, options[0])
    if given not in options:
        raise invalid(
            f"Invalid value at '{name}' (type.googleapis.com/google.apps.sheets.v4.{name}), \"{given}\""
        )
    return given


def _input_option() -> str:
    if "valueInputOption" not in request.args:
        raise invalid("'valueInputOption' is required but not specified")
    return _chosen("valueInputOption", ("RAW", "USER_ENTERED"))


def _values(range: str) -> list[list[Any]]:
    """The rows of a ValueRange in the body."""
    given = _body()
    if given.get("range") not in {None, range}:
        raise invalid(f"Requested writing within range [{range}], but body range is [{given['range']}]")
    rows = given.get("values", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise invalid("Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue)")
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, (dict, list)):
                kind = "struct_value" if isinstance(cell, dict) else "list_value"
                raise invalid(f"Invalid values[{r}][{c}]: {kind} {{\n}}\n")
            if isinstance(cell, str) and len(cell) > MOST_CHARACTERS:
                raise invalid(
                    f"Your input contains more than the maximum of {MOST_CHARACTERS} characters in a "
                    "single cell."
                )
    if given.get("majorDimension", "ROWS") == "COLUMNS":
        return [list(row) for row in zip_longest(*rows)]
    return rows
