"""Tables."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.request import given
from app.connectors.rows import Page, Row
from app.connectors.xano import previews
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.metadata import (
    TABLE,
    TABLES,
    check_done,
    read_object,
    read_page,
    send,
    table_changes,
)
from app.connectors.xano.values import (
    AnyId,
    PageNumber,
    PerPage,
    TableId,
    TableName,
    Tags,
    Text,
    Words,
    WorkspaceId,
    XanoRow,
    read_as,
    unreadable,
)


class Table(XanoRow):
    """A table."""

    table_id: Annotated[
        AnyId, Field(validation_alias="id", description="Pass as `table_id` to the other tools.")
    ]
    name: Text = ""
    description: Text = ""
    auth: bool | None = Field(None, description="Whether people sign in with its records.")
    tag: list[str] | None = None


class TableDetails(Table):
    """A table with all that is said about it."""

    docs: str | None = None
    guid: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewTable(Row):
    """A table that was made."""

    table_id: str
    name: str


class ChangedTable(Row):
    """A table that was changed."""

    table_id: str
    changed: list[str] = Field(description="What was set.")


class DeletedTable(Row):
    """A table that is gone."""

    table_id: str
    deleted: bool


@tool(title="List Xano tables", reads_only=True, pages_by="page")
def list_tables(
    api: Api,
    workspace_id: WorkspaceId,
    search: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Text in the name.")
    ] = None,
    page: PageNumber = 1,
    per_page: PerPage = 50,
) -> Page[Table]:
    """List the tables of a workspace, with the ids the other tools take as `table_id`.

    Use it to find a table. For its fields use xano_get_table_schema, for its records
    xano_browse_table_content.
    """
    # By id, so that pages neither repeat nor miss a table: by default Xano sorts by the moment of creation.
    order = {"sort": "id", "order": "asc"}
    parts = {"workspace": workspace_id}
    found = read_page(api, TABLES, page=page, per_page=per_page, parts=parts, search=search, **order)
    return Page(items=[read_as(Table, entry) for entry in found.items], next=found.next, total=found.total)


@tool(title="Get Xano table", reads_only=True)
def get_table_details(api: Api, workspace_id: WorkspaceId, table_id: TableId) -> TableDetails:
    """Get one table's name, description, documentation and tags.

    Use it for what a table is for. Its fields are in xano_get_table_schema.
    """
    return read_as(
        TableDetails, read_object(api, TABLE, parts={"workspace": workspace_id, "table": table_id})
    )


@tool(title="Create Xano table", needs_scopes=WRITES, preview=previews.create_table)
def create_table(
    api: Api,
    workspace_id: WorkspaceId,
    name: TableName,
    description: Annotated[Words | None, Field(description="What the table is for.")] = None,
    docs: Annotated[Words | None, Field(description="Longer documentation.")] = None,
    auth: Annotated[bool, Field(description="Whether people sign in with its records.")] = False,
    tag: Tags | None = None,
) -> NewTable:
    """Create a table. Xano gives it the fields id and created_at; add others with xano_add_field_to_schema.

    Check first with xano_list_tables that the table does not exist.
    """
    table = given({"name": name, "description": description, "docs": docs, "auth": auth, "tag": tag})
    body = send(api, "POST", TABLES, parts={"workspace": workspace_id}, json=table)
    made = body.get("id") if isinstance(body, Mapping) else None
    if isinstance(made, bool) or not isinstance(made, int | str):
        raise unreadable(wrote=True)
    return NewTable(table_id=str(made), name=name)


@tool(title="Update Xano table", idempotent=True, needs_scopes=WRITES, preview=previews.update_table)
def update_table(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    name: TableName | None = None,
    description: Annotated[Words | None, Field(description="What the table is for.")] = None,
    docs: Annotated[Words | None, Field(description="Longer documentation.")] = None,
    auth: Annotated[bool | None, Field(description="Whether people sign in with its records.")] = None,
    tag: Tags | None = None,
) -> ChangedTable:
    """Change a table's name, description, documentation, authentication or tags. Omitted members keep their
    values.

    It does not change fields or records: for those use xano_add_field_to_schema or xano_update_table_record.
    """
    changes = table_changes(name=name, description=description, docs=docs, auth=auth, tag=tag)
    # Without /meta the call takes a whole table and empties missing fields.
    parts = {"workspace": workspace_id, "table": table_id}
    check_done(send(api, "PUT", TABLE + "/meta", parts=parts, json=changes))
    return ChangedTable(table_id=table_id, changed=list(changes))


@tool(
    title="Delete Xano table",
    destructive=True,
    idempotent=True,
    needs_scopes=WRITES,
    preview=previews.delete_table,
)
def delete_table(api: Api, workspace_id: WorkspaceId, table_id: TableId) -> DeletedTable:
    """Delete a table with all its records. This can't be undone.

    Use it only when the person named this table and asked to delete it. For single records use
    xano_delete_table_record.
    """
    check_done(send(api, "DELETE", TABLE, parts={"workspace": workspace_id, "table": table_id}))
    return DeletedTable(table_id=table_id, deleted=True)
