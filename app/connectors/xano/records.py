"""The records of a table, one at a time or a page."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row
from app.connectors.xano import previews
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.metadata import CONTENT, RECORD, check_done, read_object, read_page, send
from app.connectors.xano.values import (
    PageNumber,
    PerPage,
    Record,
    RecordData,
    RecordId,
    TableId,
    WorkspaceId,
    cut,
    unreadable,
)


class OneRecord(Row):
    """A record as Xano holds it; moments are milliseconds since 1970."""

    record: Record


class CreatedRecord(OneRecord):
    """A new record."""

    ignored: list[str] = Field([], description="Fields you sent that Xano did not store.")


class ChangedRecord(Row):
    """A record after a change."""

    record_id: str
    record: Record | None = Field(None, description="As it is now; null when Xano did not show it.")
    ignored: list[str] = Field([], description="Fields you sent that Xano did not store.")


class DeletedRecord(Row):
    """A record that is gone."""

    record_id: str
    deleted: bool


@tool(title="Browse Xano table", reads_only=True, pages_by="page")
def browse_table_content(
    api: Api, workspace_id: WorkspaceId, table_id: TableId, page: PageNumber = 1, per_page: PerPage = 50
) -> Page[Record]:
    """List a table's records, page by page. Timestamps are milliseconds since 1970.

    Use it to look through a table. When the id is known use xano_get_table_record.
    """
    found = read_page(
        api, CONTENT, page=page, per_page=per_page, parts={"workspace": workspace_id, "table": table_id}
    )
    if not all(isinstance(entry, Mapping) for entry in found.items):
        raise unreadable()
    return Page(items=[cut(entry) for entry in found.items], next=found.next, total=found.total)


@tool(title="Get Xano record", reads_only=True)
def get_table_record(
    api: Api, workspace_id: WorkspaceId, table_id: TableId, record_id: RecordId
) -> OneRecord:
    """Get one record of a table by its id.

    Use it when the id is known. To find a record first use xano_browse_table_content.
    """
    parts = {"workspace": workspace_id, "table": table_id, "record": record_id}
    return OneRecord(record=dict(read_object(api, RECORD, parts=parts)))


@tool(title="Create Xano record", needs_scopes=WRITES, preview=previews.create_record)
def create_table_record(
    api: Api, workspace_id: WorkspaceId, table_id: TableId, record_data: RecordData
) -> CreatedRecord:
    """Create one record. Xano assigns its id.

    Use it after xano_get_table_schema. For several at once use xano_bulk_create_records.
    """
    body = send(api, "POST", CONTENT, parts={"workspace": workspace_id, "table": table_id}, json=record_data)
    if not isinstance(body, Mapping) or not body:
        raise unreadable(wrote=True)
    return CreatedRecord(record=dict(body), ignored=_ignored(api, record_data, body))


@tool(title="Update Xano record", idempotent=True, needs_scopes=WRITES, preview=previews.update_record)
def update_table_record(
    api: Api, workspace_id: WorkspaceId, table_id: TableId, record_id: RecordId, record_data: RecordData
) -> ChangedRecord:
    """Change fields of one record. Omitted fields keep their values.

    Use it when the record's id is known. For several at once use xano_bulk_update_records.
    """
    parts = {"workspace": workspace_id, "table": table_id, "record": record_id}
    body = send(api, "PUT", RECORD, parts=parts, json=record_data)
    check_done(body)
    if not body:
        return ChangedRecord(record_id=record_id)
    return ChangedRecord(record_id=record_id, record=dict(body), ignored=_ignored(api, record_data, body))


@tool(
    title="Delete Xano record",
    destructive=True,
    idempotent=True,
    needs_scopes=WRITES,
    preview=previews.delete_record,
)
def delete_table_record(
    api: Api, workspace_id: WorkspaceId, table_id: TableId, record_id: RecordId
) -> DeletedRecord:
    """Delete one record. This can't be undone.

    Use it only when the person asked to delete this record.
    """
    parts = {"workspace": workspace_id, "table": table_id, "record": record_id}
    check_done(send(api, "DELETE", RECORD, parts=parts))
    return DeletedRecord(record_id=record_id, deleted=True)


def _ignored(api: Api, sent: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """The fields that the stored record does not have: Xano drops what is not in the table's schema."""
    names = [name for name in sent if name not in record]
    if names and "id" in record:
        api.say(f"Xano did not store {len(names)} of the fields: they are not in the table's schema.")
        return names
    return []
