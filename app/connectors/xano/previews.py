"""What a write to Xano would do, in the names of the tables, fields and records it concerns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.connectors.api import Api
from app.connectors.preview import Fact, Preview, counted, facts, listed, quoted
from app.connectors.xano.metadata import (
    CONTENT,
    RECORD,
    TABLE,
    TABLES,
    ListPage,
    read_entries,
    read_object,
    read_page,
    send,
    table_changes,
)
from app.errors import InvalidArguments, MissingRight, ObjectNotFound

_NAMES = ("name", "title", "label", "email", "subject", "number")  # fields people know a record by
_MOST_VALUES = 3


class _Place:
    """A table and its workspace, by the names people know them by."""

    def __init__(self, api: Api, workspace_id: str, table_id: str) -> None:
        self.api, self.parts = api, {"workspace": workspace_id, "table": table_id}
        self.table = _name_of(api, TABLE, self.parts, "the table")
        self.workspace = _workspace(api, workspace_id)

    @property
    def where(self) -> str:
        return f"{self.table} in {self.workspace}"

    def facts(self, *more: tuple[str, object]) -> tuple[Fact, ...]:
        return facts(("Table", self.table), ("Workspace", self.workspace), *more)

    def records(self) -> int | None:
        """How many records the table has, or None if Xano does not say."""
        try:
            return read_page(self.api, CONTENT, page=1, per_page=1, parts=self.parts).total
        except MissingRight:
            return None

    def record(self, record_id: str) -> Mapping[str, Any]:
        """A record as it is now; empty if the token may not read it. Raises ObjectNotFound."""
        try:
            return read_object(self.api, RECORD, parts={**self.parts, "record": record_id})
        except MissingRight:
            return {}

    def fields(self) -> list[str] | None:
        """The table's fields, or None if the token may not read them."""
        try:
            entries = read_entries(self.api, self.parts["workspace"], self.parts["table"])
        except MissingRight:
            return None
        return [str(entry.get("name")) for entry in entries if isinstance(entry, Mapping)]


def create_table(api: Api, workspace_id: str, name: str, **more: Any) -> Preview:
    """Preview of `create_table`. Notes a table that has the name already."""
    workspace = _workspace(api, workspace_id)
    body = send(
        api,
        "GET",
        TABLES,
        safe=True,
        parts={"workspace": workspace_id},
        params={"page": 1, "per_page": 100, "search": name},
    )
    found = [each for each in ListPage.of(body).items if isinstance(each, Mapping)]
    same = [each for each in found if str(each.get("name", "")).casefold() == name.casefold()]
    return Preview(
        f"Create table {quoted(name)} in {workspace}",
        "Create table",
        facts(("Workspace", workspace)),
        frozenset({"name"}),
        "A table with this name already exists there." if same else "",
    )


def update_table(api: Api, workspace_id: str, table_id: str, **changes: Any) -> Preview:
    """Preview of `update_table`."""
    named = table_changes(**changes)
    place = _Place(api, workspace_id, table_id)
    what = f"Rename table {place.where} to {quoted(named['name'])}" if "name" in named else ""
    others = listed([name for name in named if name != "name"], most=4)
    if not what:
        what = f"Change {others} of table {place.where}"
    elif others:
        what += f" and change its {others}"
    return Preview(what, "Update table", place.facts(), frozenset({"name"}))


def delete_table(api: Api, workspace_id: str, table_id: str) -> Preview:
    """Preview of `delete_table`, with the number of records that are lost."""
    place = _Place(api, workspace_id, table_id)
    total = place.records()
    records = f" with its {counted(total, 'record')}" if total is not None else " with all its records"
    return Preview(f"Delete table {place.where}{records}", "Delete table", place.facts(("Records", total)))


def add_field(
    api: Api, workspace_id: str, table_id: str, field_name: str, kind: str, tableref_id: str | None
) -> Preview:
    """Preview of `add_field_to_schema`. Raises InvalidArguments if the table has that field."""
    place = _Place(api, workspace_id, table_id)
    if field_name in (place.fields() or ()):
        raise InvalidArguments(
            f"field_name: {place.table} already has a field of that name.", details={"fields": ["field_name"]}
        )
    refers = ""
    if tableref_id:
        parts = {"workspace": workspace_id, "table": tableref_id}
        refers = f" that refers to {_name_of(api, TABLE, parts, 'another table')}"
    return Preview(
        f"Add field {quoted(field_name)} ({kind}){refers} to table {place.where}",
        "Add field",
        place.facts(),
        frozenset({"field_name", "field_type"}),
    )


def rename_field(api: Api, workspace_id: str, table_id: str, old_name: str, new_name: str) -> Preview:
    """Preview of `rename_schema_field`. Raises ObjectNotFound or InvalidArguments."""
    place = _Place(api, workspace_id, table_id)
    _check_field(place, old_name)
    if new_name in (place.fields() or ()):
        raise InvalidArguments(
            f"new_name: {place.table} already has a field of that name.", details={"fields": ["new_name"]}
        )
    return Preview(
        f"Rename field {quoted(old_name)} to {quoted(new_name)} in table {place.where}",
        "Rename field",
        place.facts(),
        frozenset({"old_name", "new_name"}),
        "Functions in Xano that use the old name stop working until they are changed.",
    )


def delete_field(api: Api, workspace_id: str, table_id: str, field_name: str) -> Preview:
    """Preview of `delete_field`, with the number of records that lose the value. Raises ObjectNotFound."""
    place = _Place(api, workspace_id, table_id)
    _check_field(place, field_name)
    total = place.records()
    lost = f" and its values in {counted(total, 'record')}" if total is not None else " with all its values"
    return Preview(
        f"Delete field {quoted(field_name)}{lost} from table {place.where}",
        "Delete field",
        place.facts(("Records", total)),
        frozenset({"field_name"}),
    )


def create_record(api: Api, workspace_id: str, table_id: str, record_data: Mapping[str, Any]) -> Preview:
    """Preview of `create_table_record`."""
    place = _Place(api, workspace_id, table_id)
    return Preview(
        f"Create a record in table {place.where}: {_values(record_data)}",
        "Create record",
        place.facts(*_unknown(place, record_data)),
    )


def update_record(
    api: Api, workspace_id: str, table_id: str, record_id: str, record_data: Mapping[str, Any]
) -> Preview:
    """Preview of `update_table_record`, with the values that are replaced. Raises ObjectNotFound."""
    place = _Place(api, workspace_id, table_id)
    now = place.record(record_id)
    before = [(f"{name} now", _value(now[name])) for name in record_data if name in now]
    return Preview(
        f"Update {_record(now)} in table {place.where}: {_values(record_data)}",
        "Update record",
        place.facts(*before),
    )


def delete_record(api: Api, workspace_id: str, table_id: str, record_id: str) -> Preview:
    """Preview of `delete_table_record`, with the record as it is. Raises ObjectNotFound."""
    place = _Place(api, workspace_id, table_id)
    now = place.record(record_id)
    values = [(name, _value(value)) for name, value in now.items() if name != "id"]
    return Preview(
        f"Delete {_record(now)} from table {place.where}", "Delete record", place.facts(*values[:12])
    )


def bulk_create(api: Api, workspace_id: str, table_id: str, records: Sequence[Mapping[str, Any]]) -> Preview:
    """Preview of `bulk_create_records`."""
    place = _Place(api, workspace_id, table_id)
    names = [name for record in records if (name := _name_in(record))]
    which = f": {listed(names)}" if len(names) == len(records) else ""
    number = counted(len(records), "record")
    return Preview(f"Create {number} in table {place.where}{which}", f"Create {number}", place.facts())


def bulk_update(
    api: Api, workspace_id: str, table_id: str, changes: Sequence[tuple[str, Mapping[str, Any]]]
) -> Preview:
    """Preview of `bulk_update_records`. The first records are looked up by name."""
    place = _Place(api, workspace_id, table_id)
    named = [_record(place.record(record_id)) for record_id, _ in changes[:_MOST_VALUES]]
    rest = len(changes) - len(named)
    which = listed([*named, *([f"{rest:,} more"] if rest > 0 else [])], most=_MOST_VALUES + 1)
    fields = listed(sorted({name for _, values in changes for name in values}))
    number = counted(len(changes), "record")
    return Preview(
        f"Change {fields} of {number} in table {place.where}: {which}",
        f"Update {number}",
        place.facts(),
    )


def _check_field(place: _Place, name: str) -> None:
    fields = place.fields()
    if fields is not None and name not in fields:
        raise ObjectNotFound(f"Table {place.table} has no field {quoted(name)}.")


def _unknown(place: _Place, record: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The fields that Xano would drop, since the table does not have them."""
    fields = place.fields()
    lost = [name for name in record if fields is not None and name not in fields]
    return [("Not stored: not in the table", listed(lost, most=10))] if lost else []


def _workspace(api: Api, workspace_id: str) -> str:
    return _name_of(api, "/workspace/{workspace}", {"workspace": workspace_id}, "its workspace")


def _name_of(api: Api, path: str, parts: Mapping[str, Any], otherwise: str) -> str:
    """The quoted name of what is at that path; `otherwise` if Xano names none or the token may not read it.

    Raises ObjectNotFound if there is nothing.
    """
    try:
        name = read_object(api, path, parts=parts).get("name")
    except MissingRight:
        return otherwise
    return quoted(name) if isinstance(name, str) and name else otherwise


def _name_in(record: Mapping[str, Any]) -> str:
    """The quoted value by which people know a record, or ""."""
    for name in _NAMES:
        if isinstance(value := record.get(name), str) and value.strip():
            return quoted(value)
    return ""


def _record(record: Mapping[str, Any]) -> str:
    return f"record {name}" if (name := _name_in(record)) else "one record"


def _values(record: Mapping[str, Any]) -> str:
    """The first values of a record as text."""
    named = [f"{name} {_value(value)}" for name, value in list(record.items())[:_MOST_VALUES]]
    rest = len(record) - len(named)
    return ", ".join([*named, *([f"and {counted(rest, 'more field', 'more fields')}"] if rest else [])])


def _value(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    return quoted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
