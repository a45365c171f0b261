"""The records of a table."""

import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.sandbox.refusals import RequestRefused
from app.sandbox.services.xano.request_checks import TABLE, AuthorizedCall, may
from app.sandbox.services.xano.wire import (
    bad_input,
    body,
    check_deletable,
    gone,
    how,
    needed,
    not_found,
    one_page,
    refusal,
)
from app.sandbox.store import Record

bp = Blueprint("content", __name__)
_CONTENT = f"{TABLE}/content"
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "decimal": (int, float),
    "bool": (bool,),
    "text": (str,),
    "email": (str,),
    "enum": (str,),
}


@bp.get(_CONTENT)
@may("content:read")
def browse(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """A page of records."""
    call.table(workspace, table)
    return one_page(call.book.all(f"record {table}"), totals=True)


@bp.post(_CONTENT)
@may("content:create")
def create(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Create one record."""
    return jsonify(_create(call, call.table(workspace, table), body()))


@bp.get(f"{_CONTENT}/<record>")
@may("content:read")
def one(call: AuthorizedCall, workspace: str, table: str, record: str) -> Response:
    """One record."""
    call.table(workspace, table)
    return jsonify(_existing(call, table, record))


@bp.put(f"{_CONTENT}/<record>")
@may("content:update")
def change(call: AuthorizedCall, workspace: str, table: str, record: str) -> Response:
    """Change the fields that were sent."""
    return jsonify(_change(call, call.table(workspace, table), record, body()))


@bp.delete(f"{_CONTENT}/<record>")
@may("content:delete")
def delete(call: AuthorizedCall, workspace: str, table: str, record: str) -> Response:
    """Delete one record."""
    call.table(workspace, table)
    _existing(call, table, record)
    check_deletable()
    call.book.remove(f"record {table}", record)
    return gone()


@bp.post(f"{_CONTENT}/bulk")
@may("content:create")
def create_many(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Create many records. The response names the invalid ones."""
    found, given = call.table(workspace, table), body()
    if (answer := _odd_answer()) is not None:
        return answer
    made: list[Any] = []
    errors: list[Record] = []
    for item in needed(given, "items"):
        try:
            made.append(_create(call, found, item, own_id=bool(given.get("allow_id_field")))["id"])
        except RequestRefused as refused:
            answer_body = refused.answer.get_json()
            errors.append({"message": answer_body["message"], "param": answer_body.get("param")})
    return _bulk_answer(call, made, errors)


@bp.post(f"{_CONTENT}/bulk/patch")
@may("content:update")
def change_many(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Change many records individually."""
    found = call.table(workspace, table)
    if (answer := _odd_answer()) is not None:
        return answer
    changed: list[Any] = []
    errors: list[Record] = []
    for item in needed(body(), "items"):
        id_ = str(needed(item, "row_id"))
        try:
            changed.append(str(_change(call, found, id_, item.get("updates") or {})["id"]))
        except RequestRefused as refused:
            errors.append({"row_id": item["row_id"], "message": refused.answer.get_json()["message"]})
    return _bulk_answer(call, changed, errors)


def _odd_answer() -> Response | None:
    """An answer of the lever that confirms nothing."""
    shape = how("bulk", "")
    if shape == "error":
        raise refusal(200, "ERROR_FATAL", "The table is locked.")
    return jsonify([] if shape == "no ids" else {}) if shape in {"no ids", "blank"} else None


def _bulk_answer(call: AuthorizedCall, done: list[Any], errors: list[Record]) -> Response:
    """The response to a bulk call in the instance's shape, always with its errors."""
    shape = how("bulk", "ids" if call.instance.custom_domain else "counts")
    if errors or shape == "counts":
        return jsonify(error=errors, success=done, success_total=len(done))
    return jsonify(done) if shape == "ids" else make_response("", 200)


def _create(call: AuthorizedCall, table: Record, given: Any, *, own_id: bool = False) -> Record:
    if not isinstance(given, dict):
        raise bad_input("Invalid record.", "items")
    kind = f"record {table['id']}"
    by_uuid = table["schema"][0]["type"] == "uuid"
    id_ = (
        given["id"]
        if own_id and given.get("id")
        else str(uuid.uuid4())
        if by_uuid
        else call.book.new_id(kind)
    )
    if call.book.find(kind, id_) is not None:
        raise bad_input("Duplicate record detected.", "id")
    record: Record = {"id": id_}
    for field in table["schema"][1:]:
        name = field["name"]
        if name in given:
            record[name] = _checked(field, given[name])
        elif field["required"]:
            raise bad_input(f"Missing param: {name}", name)
        elif field["default"] == "now":
            record[name] = int(call.at.now().timestamp() * 1000)
        else:
            record[name] = None if field["nullable"] else field["default"]
    return call.book.put(kind, id_, record)


def _change(call: AuthorizedCall, table: Record, id_: str, given: dict[str, Any]) -> Record:
    record = _existing(call, str(table["id"]), id_)
    fields = {field["name"]: field for field in table["schema"]}
    changes = {
        name: _checked(fields[name], value)
        for name, value in given.items()
        if name in fields and name != "id"
    }
    return call.book.put(f"record {table['id']}", id_, {**record, **changes})


def _existing(call: AuthorizedCall, table: str, id_: str) -> Record:
    found = call.book.find(f"record {table}", id_)
    if found is None:
        raise not_found()
    return found


def _checked(field: Record, value: Any) -> Any:
    name, kinds = field["name"], _KINDS.get(field["type"])
    if value is None:
        if field["nullable"] or not field["required"]:
            return None
        raise bad_input(f"Missing param: {name}", name)
    if field["style"] == "list":
        return value
    wrong = kinds is not None and (
        not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
    )
    if wrong or (field["type"] == "enum" and field.get("values") and value not in field["values"]):
        raise bad_input(f"Value is not valid for {name}", name)
    return value
