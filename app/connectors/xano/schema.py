"""The fields of a table, in the order Xano keeps them."""

from typing import Annotated

from pydantic import AliasPath, Field, JsonValue, WithJsonSchema

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.xano import previews
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.metadata import SCHEMA, check_done, read_entries, send
from app.connectors.xano.values import AnyId, TableId, Text, WorkspaceId, XanoRow, read_as

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
AnyObject = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]


class SchemaField(XanoRow):
    """A field of a table. What is null is not said by Xano."""

    name: str
    type: str | None = None
    description: Text = ""
    nullable: bool | None = None
    required: bool | None = None
    default: Annotated[JsonValue, WithJsonSchema({"description": "Value when none is given."})] = None
    access: str | None = Field(None, description="public, private or internal.")
    sensitive: bool | None = None
    style: str | None = Field(None, description="single, or list for several values.")
    format: str | None = Field(None, description="Of a text, such as html.")
    values: list[JsonValue] | None = Field(None, description="What an enum may be.")
    vector_size: int | None = Field(
        None, validation_alias=AliasPath("vector", "size"), description="Numbers in a vector."
    )
    tableref_id: AnyId | None = Field(None, description="Table whose record it points to.")
    children: list[JsonValue] | None = Field(None, description="Fields inside an object.")
    validators: AnyObject | list[JsonValue] | None = Field(None, description="Rules its values obey.")


class Schema(Row):
    """The fields of a table, in their order."""

    fields: list[SchemaField]


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

    Use it before creating or changing records or fields.
    """
    entries = read_entries(api, workspace_id, table_id)
    return Schema(fields=[read_as(SchemaField, entry) for entry in entries])


@tool(title="Rename Xano field", needs_scopes=WRITES, preview=previews.rename_field)
def rename_schema_field(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    old_name: Annotated[FieldName, Field(description="Present name.")],
    new_name: Annotated[FieldName, Field(description="New name.")],
) -> RenamedField:
    """Rename a field. Its values, type and position stay the same.

    Functions in Xano that use the old name may have to be updated there.
    """
    names = {"old_name": old_name, "new_name": new_name}
    parts = {"workspace": workspace_id, "table": table_id}
    check_done(send(api, "POST", SCHEMA + "/rename", parts=parts, json=names))
    return RenamedField(**names)


@tool(
    title="Delete Xano field",
    destructive=True,
    idempotent=True,
    needs_scopes=WRITES,
    preview=previews.delete_field,
)
def delete_field(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    field_name: Annotated[FieldName, Field(description="Field to delete.")],
) -> DeletedField:
    """Delete a field with its values in every record. This can't be undone.

    Use it only when the person named this field and asked to delete it.
    """
    parts = {"workspace": workspace_id, "table": table_id, "field": field_name}
    check_done(send(api, "DELETE", SCHEMA + "/{field}", parts=parts))
    return DeletedField(field_name=field_name, deleted=True)
