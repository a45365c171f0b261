"""Workspaces and tables."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.services.xano.fields import new_field
from app.sandbox.services.xano.request_checks import ROOT, TABLE, TABLES, WORKSPACE, AuthorizedCall, may
from app.sandbox.services.xano.wire import (
    bad_input,
    body,
    check_deletable,
    gone,
    needed,
    one_page,
    short_list,
)
from app.sandbox.store import Record

bp = Blueprint("tables", __name__)
_META = ("name", "description", "docs", "auth", "tag")


@bp.get(f"{ROOT}/workspace")
@may("database:read")
def list_workspaces(call: AuthorizedCall) -> Response:
    """The workspaces of the instance."""
    return short_list(call.book.all("workspace"))


@bp.get(WORKSPACE)
@may("database:read")
def one_workspace(call: AuthorizedCall, workspace: str) -> Response:
    """One workspace."""
    return jsonify(call.workspace(workspace))


@bp.get(TABLES)
@may("database:read")
def list_tables(call: AuthorizedCall, workspace: str) -> Response:
    """The tables of a workspace."""
    call.workspace(workspace)
    wanted = request.args.get("search", "").lower()
    mine = [
        t for t in call.book.all("table") if str(t["workspace"]) == workspace and wanted in t["name"].lower()
    ]
    key, order = request.args.get("sort", "created_at"), request.args.get("order", "desc")
    if key not in {"id", "name", "created_at"} or order not in {"asc", "desc"}:
        raise bad_input("Value is not valid: sort", "sort")
    mine.sort(key=lambda table: table[key], reverse=order == "desc")
    return one_page([table_resource(table) for table in mine])


@bp.post(TABLES)
@may("database:create")
def create(call: AuthorizedCall, workspace: str) -> Response:
    """Create a table with the fields `id` and `created_at`."""
    call.workspace(workspace)
    given = body()
    name = str(needed(given, "name"))
    if any(t["name"] == name and str(t["workspace"]) == workspace for t in call.book.all("table")):
        raise bad_input(f"Table name is already in use: {name}", "name")
    moment = call.at.now().strftime("%Y-%m-%d %H:%M:%S+0000")
    id_ = call.book.new_id("table", first=100)
    table = {
        **new_table(id_, int(workspace), name, moment),
        **{key: given[key] for key in _META if given.get(key) is not None},
    }
    call.book.put("table", id_, table)
    return jsonify(id=id_)


@bp.get(TABLE)
@may("database:read")
def one(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """One table."""
    return jsonify(table_resource(call.table(workspace, table)))


@bp.put(f"{TABLE}/meta")
@may("database:update")
def change(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Change the metadata of a table; missing members stay."""
    found, given = call.table(workspace, table), body()
    changes = {key: given[key] for key in _META if key in given}
    moment = call.at.now().strftime("%Y-%m-%d %H:%M:%S+0000")
    call.book.put("table", table, {**found, **changes, "updated_at": moment})
    return jsonify(None)


@bp.delete(TABLE)
@may("database:delete")
def delete(call: AuthorizedCall, workspace: str, table: str) -> Response:
    """Delete a table with its records."""
    call.table(workspace, table)
    check_deletable()
    for id_, _ in call.book.items(f"record {table}"):
        call.book.remove(f"record {table}", id_)
    call.book.remove("table", table)
    return gone()


def new_table(id_: int, workspace: int, name: str, moment: str) -> Record:
    """A table with the two fields of every table."""
    return {
        "id": id_,
        "workspace": workspace,
        "created_at": moment,
        "updated_at": moment,
        "name": name,
        "description": "",
        "docs": "",
        "guid": f"g{id_}x{workspace}",
        "auth": False,
        "tag": [],
        "schema": [
            new_field("id", "int", required=True),
            new_field("created_at", "timestamp", default="now", access="private"),
        ],
    }


def table_resource(table: Record) -> dict[str, Any]:
    """A table in the shape of a response."""
    return {key: value for key, value in table.items() if key not in {"schema", "workspace"}}
