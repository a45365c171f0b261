"""The fields of a table, in the order Xano keeps them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, WithJsonSchema

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.request import given
from app.connectors.rows import Row
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.metadata import TABLE, send
from app.connectors.xano.values import TableId, Text, Words, WorkspaceId, XanoRow, read_as, unreadable

_SCHEMA = TABLE + "/schema"

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
FieldType = Literal[
    "attachment", "audio", "bool", "date", "decimal", "email", "enum", "geo_linestring",
    "geo_multilinestring", "geo_multipoint",
    "geo_multipolygon", "geo_point", "geo_polygon", "image", "int", "json", "object", "password", "text",
    "timestamp", "uuid", "vector",
    "video", "boolean", "integer", "string",
]  # fmt: skip
# Names people and AI clients use; Xano refuses them.
_OTHER_NAMES = {"boolean": "bool", "integer": "int", "string": "text"}
_AnyObject = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]


class SchemaField(XanoRow):
    """A field of a table. What is null is not said by Xano."""

    name: str
    type: str
    description: Text = ""
    nullable: bool | None = None
    required: bool | None = None
    default: Annotated[JsonValue, WithJsonSchema({"description": "Value when none is given."})] = None
    access: str | None = Field(None, description="public, private or internal.")
    sensitive: bool | None = None
    style: str | None = Field(None, description="single, or list for several values.")
    values: list[JsonValue] | None = Field(None, description="What an enum may be.")
    tableref_id: Annotated[JsonValue, WithJsonSchema({"description": "Table whose record it points to."})] = (
        None
    )
    children: list[JsonValue] | None = Field(None, description="Fields inside an object.")
    validators: _AnyObject | list[JsonValue] | None = Field(None, description="Rules its values obey.")


class Schema(Row):
    """The fields of a table, in their order."""

    fields: list[SchemaField]


class NewField(Row):
    """A field that was added."""

    field_name: str
    field_type: str


class RenamedField(Row):
    """A field under its new name."""

    old_name: str
    new_name: str


class DeletedField(Row):
    """A field that is gone."""

    field_name: str
    deleted: bool


@tool(title="Get Xano table schema", reads_only=True)
def get_table_schema(api: Api, workspace_id: WorkspaceId, table_id: TableId) -> Schema:
    """Get a table's fields in their order, with types, defaults and rules.

    Use it before creating or changing records or fields. For the records themselves use
    xano_browse_table_content.
    """
    body = send(api, "GET", _SCHEMA, safe=True, parts={"workspace": workspace_id, "table": table_id})
    entries = body.get("schema") if isinstance(body, Mapping) else body
    if entries is None and (body is None or "schema" in body):
        entries = []
    if not isinstance(entries, list):
        raise unreadable()
    return Schema(fields=[read_as(SchemaField, entry) for entry in entries])


@tool(title="Add Xano field", needs_scopes=WRITES)
def add_field_to_schema(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    field_name: Annotated[
        FieldName, Field(description="Name of the new field: letters, digits, underscores.")
    ],
    field_type: Annotated[
        FieldType,
        Field(description="Type of its values; boolean, integer and string mean bool, int and text."),
    ],
    description: Annotated[Words | None, Field(description="What it is for.")] = None,
    nullable: Annotated[bool | None, Field(description="Whether it may be null.")] = None,
    default_value: Annotated[
        str | int | float | bool | None,
        Field(description="Value when none is given."),
        WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
    ] = None,
    required: Annotated[bool, Field(description="Whether a record must have it.")] = False,
    access: Annotated[
        Literal["public", "private", "internal"] | None, Field(description="Who sees it.")
    ] = None,
    sensitive: Annotated[bool | None, Field(description="Whether logs leave it out.")] = None,
    style: Annotated[
        Literal["single", "list"] | None, Field(description="list for several values in one field.")
    ] = None,
    validators: Annotated[
        _AnyObject | None, Field(description='Rules such as {"trim": true, "max": 80}.')
    ] = None,
) -> NewField:
    """Add one field at the end of a table's schema; the others and their order stay as they are.

    Use it after xano_get_table_schema showed that the field is missing. To rename one use
    xano_rename_schema_field.
    """
    kind = _OTHER_NAMES.get(field_type, field_type)
    field = {
        "name": field_name,
        "description": description,
        "nullable": nullable,
        "default": _as_default(default_value),
        "required": required,
        "access": access,
        "sensitive": sensitive,
        "style": style,
        "filters": validators,
    }
    parts = {"workspace": workspace_id, "table": table_id, "type": kind}
    send(api, "POST", _SCHEMA + "/type/{type}", parts=parts, json=given(field))
    return NewField(field_name=field_name, field_type=kind)


@tool(title="Rename Xano field", needs_scopes=WRITES)
def rename_schema_field(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    old_name: Annotated[FieldName, Field(description="Its present name.")],
    new_name: Annotated[FieldName, Field(description="Its name from now on.")],
) -> RenamedField:
    """Rename a field; its values, type and place stay.

    Use it when the person wants another name. What calls the field by its old name in Xano's functions may
    need mending there.
    """
    names = {"old_name": old_name, "new_name": new_name}
    send(api, "POST", _SCHEMA + "/rename", parts={"workspace": workspace_id, "table": table_id}, json=names)
    return RenamedField(**names)


@tool(title="Delete Xano field", destructive=True, idempotent=True, needs_scopes=WRITES)
def delete_field(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    field_name: Annotated[FieldName, Field(description="Name of the field to delete.")],
) -> DeletedField:
    """Delete a field and its values from every record of the table. It cannot be undone.

    Use it only when the person has named this field and said to delete it. To empty it in one record use
    xano_update_table_record.
    """
    parts = {"workspace": workspace_id, "table": table_id, "field": field_name}
    send(api, "DELETE", _SCHEMA + "/{field}", parts=parts)
    return DeletedField(field_name=field_name, deleted=True)


def _as_default(value: str | int | float | bool | None) -> str | None:
    """Xano takes every default as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
