"""Adding a field: what its type needs, and whether Xano kept it.

One call adds one column, and each type takes its own members: https://docs.xano.com/api-reference, "table /
schema / type". A reference to another table is documented for the call that replaces the whole schema; it is
made there, with everything else as Xano has just sent it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.preview import Preview
from app.connectors.request import given
from app.connectors.rows import Row
from app.connectors.xano import previews
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.metadata import SCHEMA, check_done, read_entries, send
from app.connectors.xano.schema import AnyObject, FieldName, SchemaField
from app.connectors.xano.values import TableId, Words, WorkspaceId, read_as, unreadable
from app.errors import InvalidArguments, ProviderError, ToolError

FieldType = Literal[
    "attachment", "audio", "bool", "date", "decimal", "email", "enum", "geo_linestring",
    "geo_multilinestring", "geo_multipoint",
    "geo_multipolygon", "geo_point", "geo_polygon", "image", "int", "json", "object", "password", "text",
    "timestamp", "uuid", "vector",
    "video", "boolean", "integer", "string",
]  # fmt: skip
# Names people and AI clients use; Xano refuses them.
_OTHER_NAMES = {"boolean": "bool", "integer": "int", "string": "text"}
_TYPES = frozenset(get_args(FieldType)) - _OTHER_NAMES.keys()
# The members that only these types have, and those that these types lack, by their documented calls.
_ONLY = {
    "values": ("enum",),
    "vector_size": ("vector",),
    "children": ("object",),
    "tableref_id": ("int", "uuid"),
}
_LACKS = {"default_value": ("json", "object"), "validators": ("enum", "json", "object", "uuid")}
_NEEDS = {"enum": "values", "vector": "vector_size"}
_DEEPEST = 10  # objects in objects


class NewField(Row):
    """A field that was added."""

    field_name: str
    field_type: str
    stored: SchemaField | None = Field(None, description="The field as Xano stores it, if it was read.")


def _preview(
    api: Api, workspace_id: str, table_id: str, field_name: str, field_type: str, **more: Any
) -> Preview:
    kind = _checked_type(field_type, **{name: more.get(name) for name in (*_ONLY, *_LACKS)})
    return previews.add_field(api, workspace_id, table_id, field_name, kind, more.get("tableref_id"))


@tool(title="Add Xano field", needs_scopes=WRITES, preview=_preview)
def add_field_to_schema(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    field_name: Annotated[FieldName, Field(description="Letters, digits, underscores.")],
    field_type: Annotated[FieldType, Field(description="boolean, integer and string mean bool, int, text.")],
    description: Annotated[Words | None, Field(description="What it is for.")] = None,
    nullable: Annotated[bool | None, Field(description="May be null.")] = None,
    default_value: Annotated[
        str | int | float | bool | None,
        Field(description="Value when none is given."),
        WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
    ] = None,
    required: Annotated[bool, Field(description="Every record must have it.")] = False,
    access: Annotated[
        Literal["public", "private", "internal"] | None, Field(description="Who sees it.")
    ] = None,
    sensitive: Annotated[bool | None, Field(description="Left out of logs.")] = None,
    style: Annotated[Literal["single", "list"] | None, Field(description="list: several values.")] = None,
    validators: Annotated[AnyObject | None, Field(description='Such as {"trim": true, "max": 80}.')] = None,
    values: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=500, description="What an enum may be."),
    ] = None,
    vector_size: Annotated[int | None, Field(ge=1, le=100_000, description="Numbers in a vector.")] = None,
    children: Annotated[
        list[AnyObject] | None,
        Field(
            min_length=1,
            max_length=200,
            description='Of an object: [{"name": "city", "type": "text"}].',
        ),
    ] = None,
    tableref_id: Annotated[TableId | None, Field(description="Table an int or uuid refers to.")] = None,
) -> NewField:
    """Add one field at the end of a table's schema.

    An enum needs values, a vector vector_size. Use it after xano_get_table_schema.
    """
    own = {"values": values, "vector_size": vector_size, "children": children, "tableref_id": tableref_id}
    kind = _checked_type(field_type, **own, default_value=default_value, validators=validators)
    sent = given(
        {
            "name": field_name,
            "description": description,
            "nullable": nullable,
            "default": _as_default(default_value),
            "required": required,
            "access": access,
            "sensitive": sensitive,
            "style": style,
            "filters": validators,
            "values": values,
            "vector": {"size": vector_size} if vector_size else None,
            "children": _children(children) if children else None,
            "tableref_id": int(tableref_id) if tableref_id else None,
        }
    )
    parts = {"workspace": workspace_id, "table": table_id, "type": kind}
    body = send(api, "POST", SCHEMA + "/type/{type}", parts=parts, json=sent)
    added = NewField(field_name=field_name, field_type=kind)
    is_confirmed = isinstance(body, Mapping) and body.get("name") == field_name
    if not is_confirmed or any(value is not None for value in own.values()):
        added.stored = _read_back(api, workspace_id, table_id, sent, is_confirmed=is_confirmed)
    return added


def _checked_type(field_type: str, **arguments: Any) -> str:
    """Xano's name of the type. Raises InvalidArguments for arguments that do not fit it."""
    kind = _OTHER_NAMES.get(field_type, field_type)
    _check(kind, arguments)
    values, default = arguments["values"], arguments["default_value"]
    if values and default is not None and str(default) not in values:
        raise _wrong("default_value", "it must be one of values.")
    if arguments["children"]:
        _children(arguments["children"])
    return kind


def _check(kind: str, arguments: Mapping[str, Any]) -> None:
    """Raises InvalidArguments for an argument that the type needs and lacks, or would ignore."""
    for name, kinds in _ONLY.items():
        if arguments[name] is not None and kind not in kinds:
            raise _wrong(name, f"only a field of type {' or '.join(kinds)} takes it.")
    for name, kinds in _LACKS.items():
        if arguments[name] is not None and kind in kinds:
            raise _wrong(name, f"a field of type {kind} takes none.")
    needed = _NEEDS.get(kind)
    if needed and arguments[needed] is None:
        raise _wrong(needed, f"a field of type {kind} needs it.")
    values = arguments["values"]
    if values and len(set(values)) < len(values):
        raise _wrong("values", "name each value once.")


def _children(entries: Sequence[Mapping[str, Any]], place: str = "children", level: int = 1) -> list[Any]:
    """Fields inside an object as Xano takes them. Raises InvalidArguments for one without name or type."""
    if level > _DEEPEST:
        raise _wrong("children", f"objects may be nested {_DEEPEST} levels deep at most.")
    found: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        here = f"{place}.{number}"
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not name:
            raise _wrong(here, "give it a name and a type.")
        kind = _OTHER_NAMES.get(str(entry.get("type")), entry.get("type"))
        if kind not in _TYPES:
            raise _wrong(f"{here}.type", "it must be a type that field_type takes.")
        if kind == "enum" and not entry.get("values"):
            raise _wrong(f"{here}.values", "a field of type enum needs it.")
        child = {**entry, "type": kind}
        if isinstance(inner := entry.get("children"), list):
            child["children"] = _children(inner, f"{here}.children", level + 1)
        found.append(child)
    return found


def _read_back(
    api: Api, workspace_id: str, table_id: str, sent: Mapping[str, Any], *, is_confirmed: bool
) -> SchemaField | None:
    """The field as Xano stores it, after setting its reference where adding it did not.

    Raises ProviderError if Xano left out what makes the field what it is, OutcomeUnknown if it may not exist.
    """
    try:
        entries = read_entries(api, workspace_id, table_id)
        if "tableref_id" in sent:
            entries = _referring(api, workspace_id, table_id, entries, sent)
    except ToolError as error:
        if not is_confirmed:
            raise unreadable(wrote=True) from None
        if "tableref_id" in sent:
            error.message = f"The field was added, but without its table reference. {error.message}"
            error.args = (error.message,)
            raise
        api.say("The field was added, but what Xano stored of it could not be read back.")
        return None
    entry = _find(entries, sent["name"])
    if entry is None:
        raise unreadable(wrote=True)
    lost = [name for name in ("values", "vector", "children", "tableref_id") if not _same(name, sent, entry)]
    if lost:
        raise ProviderError(
            f"The field was added, but Xano did not store its {', '.join(lost)}: set that in Xano, or delete "
            "the field with xano_delete_field.",
            details={"field_name": sent["name"], "lost": lost},
        )
    return read_as(SchemaField, entry)


def _referring(
    api: Api, workspace_id: str, table_id: str, entries: list[Any], sent: Mapping[str, Any]
) -> list[Any]:
    """The schema with the reference, written as a whole if adding the field left the reference out."""
    entry = _find(entries, sent["name"])
    if entry is None or _same("tableref_id", sent, entry):
        return entries
    whole = [{**each, "tableref_id": sent["tableref_id"]} if each is entry else each for each in entries]
    parts = {"workspace": workspace_id, "table": table_id}
    check_done(send(api, "PUT", SCHEMA, parts=parts, json={"schema": whole}))
    return read_entries(api, workspace_id, table_id)


def _find(entries: Sequence[Any], name: str) -> Mapping[str, Any] | None:
    return next((each for each in entries if isinstance(each, Mapping) and each.get("name") == name), None)


def _same(member: str, sent: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether Xano stores this member as it was sent. It may write a value of an enum as an object."""
    wanted, found = sent.get(member), entry.get(member)
    if wanted is None:
        return True
    if member == "values":
        stored = found if isinstance(found, list) else []
        plain_values = [each.get("value") if isinstance(each, Mapping) else each for each in stored]
        return all(value in plain_values for value in wanted)
    if member == "vector":
        return isinstance(found, Mapping) and found.get("size") == wanted["size"]
    if member == "children":
        stored = found if isinstance(found, list) else []
        return all(_find(stored, child["name"]) is not None for child in wanted)
    return str(found) == str(wanted)


def _as_default(value: str | int | float | bool | None) -> str | None:
    """Xano takes every default as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _wrong(argument: str, why: str) -> InvalidArguments:
    return InvalidArguments(f"{argument}: {why}", details={"fields": [argument]})
