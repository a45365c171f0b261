"""The schema of a table: an ordered list of fields."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.services.xano.request_checks import TABLE, AuthorizedCall, may
from app.sandbox.services.xano.wire import bad_input, body, check_deletable, gone, needed, not_found
from app.sandbox.store import Record

bp = Blueprint("fields", __name__)

# fmt: off
TYPES = frozenset({
    "attachment", "audio", "bool", "date", "decimal", "email", "enum", "geo_linestring",
    "geo_multilinestring", "geo_multipoint",
    "geo_multipolygon", "geo_point", "geo_polygon", "image", "int", "json", "object", "password", "text",
    "timestamp", "uuid", "vector",
    "video",
})
# fmt: on
# What a call for one column takes, by its type; anything else is ignored.
# https://docs.xano.com/api-reference, "table / schema / type"
_MEMBERS = ("description", "nullable", "required", "access", "sensitive", "style")
_WITHOUT_DEFAULT = {"json", "object"}
_WITHOUT_FILTERS = {"enum", "json", "object", "uuid"}
_OWN_MEMBERS = {"enum": "values", "vector": "vector", "object": "children", "int": "tableref_id"}


def _taken(type_: str, given: Record) -> Record:
    """The members of a new column that its type takes. Raises RequestRefused for a vector without a size."""
    names = [*_MEMBERS, *([] if type_ in _WITHOUT_DEFAULT else ["default"])]
    if own := _OWN_MEMBERS.get(type_):
        names.append(own)
    members = {name: given[name] for name in names if name in given}
    if type_ == "vector" and not (given.get("vector") or {}).get("size"):
        raise bad_input("Missing param: vector", "vector")
    if given.get("filters") and type_ not in _WITHOUT_FILTERS:
        members["validators"] = given["filters"]
    if type_ == "enum":
        members.setdefault("values", [])
    return members


def new_field(name: str, type_: str, **given: Any) -> Record:
    """A field with Xano's defaults."""
    field = {
        "name": name,
        "type": type_,
        "description": "",
        "nullable": False,
        "default": "",
        "required": False,
        "access": "public",
        "sensitive": False,
        "style": "single",
    }
    return {**field, **given}


@bp.get(f"{TABLE}/schema")
@may("database:read")
def show(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """The fields, in their order."""
    return jsonify(call.table(workspace, table)["schema"])


@bp.put(f"{TABLE}/schema")
@may("database:update")
def replace(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Replace the whole schema; missing fields are dropped with their values."""
    found, given = call.table(workspace, table), needed(body(), "schema")
    for field in given:
        _known_type(str(field.get("type")))
    _save(call, found, [{**new_field(field["name"], field["type"]), **field} for field in given])
    members = {field["name"] for field in given}
    for id_, record in call.book.items(f"record {table}"):
        call.book.put(
            f"record {table}", id_, {name: value for name, value in record.items() if name in members}
        )
    return jsonify({})


@bp.post(f"{TABLE}/schema/type/<type_>")
@may("database:update")
def add(call: AuthorizedCall, workspace: str, table: str, type_: str) -> Response:
    """Add one field at the end."""
    found, given = call.table(workspace, table), body()
    name = str(needed(given, "name"))
    _known_type(type_)
    if any(field["name"] == name for field in found["schema"]):
        raise bad_input(f"Field already exists: {name}", "name")
    members = _taken(type_, given)
    _save(call, found, [*found["schema"], new_field(name, type_, **members)])
    for id_, record in call.book.items(f"record {table}"):
        call.book.put(f"record {table}", id_, {**record, name: members.get("default") or None})
    return jsonify(name=name)


@bp.post(f"{TABLE}/schema/rename")
@may("database:update")
def rename(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Rename a field."""
    found, given = call.table(workspace, table), body()
    old, new = str(needed(given, "old_name")), str(needed(given, "new_name"))
    _existing(found, old)
    if any(field["name"] == new for field in found["schema"]):
        raise bad_input(f"Field already exists: {new}", "new_name")
    _save(
        call,
        found,
        [{**field, "name": new if field["name"] == old else field["name"]} for field in found["schema"]],
    )
    for id_, record in call.book.items(f"record {table}"):
        call.book.put(
            f"record {table}", id_, {(new if name == old else name): value for name, value in record.items()}
        )
    return jsonify(None)


@bp.delete(f"{TABLE}/schema/<name>")
@may("database:delete")
def delete(call: AuthorizedCall, workspace: str, table: str, name: str) -> Response:
    """Delete a field with its values."""
    found = call.table(workspace, table)
    _existing(found, name)
    if name == "id":
        raise bad_input("The primary key cannot be deleted.", "name")
    check_deletable()
    _save(call, found, [field for field in found["schema"] if field["name"] != name])
    for id_, record in call.book.items(f"record {table}"):
        call.book.put(f"record {table}", id_, {key: value for key, value in record.items() if key != name})
    return gone()


def _save(call: AuthorizedCall, table: Record, schema: list[Record]) -> None:
    call.book.put("table", table["id"], {**table, "schema": schema})


def _known_type(type_: str) -> None:
    if type_ not in TYPES:
        raise bad_input(f"Invalid value for param: type ({type_})", "type")


def _existing(table: Record, name: str) -> None:
    if not any(field["name"] == name for field in table["schema"]):
        raise not_found()
