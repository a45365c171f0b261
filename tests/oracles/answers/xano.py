"""Answers of Xano's Metadata API in the shapes of its official reference of November 2026, values ours.

Each names its page. `sends` is the body of the request as the page documents it; our tools may add members of
which the page says the default.
"""

from dataclasses import dataclass
from typing import Any

REFERENCE = "https://docs.xano.com/api-reference"
GUIDE = "https://docs.xano.com/xano-features/metadata-api"


@dataclass(frozen=True)
class OfficialAnswer:
    """One documented request with its answer, and what the tool reads in it."""

    source: str
    verb: str
    arguments: dict[str, Any]
    request: tuple[str, str]  # method and path below the base URL
    body: Any
    reads: dict[str, Any]  # members of the tool's data
    sends: Any = None


TABLE = {"workspace_id": 1, "table_id": 7}
CONTENT = "/workspace/1/table/7/content"
SCHEMA = "/workspace/1/table/7/schema"


def _field(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "type": type_, "description": "", "nullable": False, "default": "", "required": True,
        "access": "public", "sensitive": False, "style": "single", **more,
    }  # fmt: skip


_TABLE = {
    "id": 7,
    "created_at": "2026-04-19 21:01:32+0000",
    "updated_at": "2026-04-19 21:01:32+0000",
    "name": "supplier",
    "description": "Who sells to us",
    "docs": "Documentation",
    "guid": "YE1fwVhQ-enRlc6Sb42Gqru58-0",
    "auth": True,
    "tag": ["purchasing"],
    "xanoscript": {"status": "ok", "value": "table supplier {}", "message": ""},
}

ANSWERS = (
    OfficialAnswer(
        f"{GUIDE}/account_api/browse-instances",
        "list_instances",
        {},
        ("GET", "/instance"),
        [
            {
                "name": "x1234-4567-8901",
                "display": "Northwind",
                "xano_domain": "x1234-4567-8901.n7.xano.com",
                "custom_domain": "",
                "rate_limit": True,
                "meta_api": "https://x1234-4567-8901.n7.xano.com/api:meta",
                "meta_swagger": "https://x1234-4567-8901.n7.xano.com/apispec:meta?type=json",
            }
        ],
        {
            "items": [
                {
                    "instance_name": "x1234-4567-8901",
                    "display": "Northwind",
                    "xano_domain": "x1234-4567-8901.n7.xano.com",
                    "custom_domain": "",
                    "meta_api": "https://x1234-4567-8901.n7.xano.com/api:meta",
                }
            ]
        },
    ),
    OfficialAnswer(
        f"{GUIDE}/tables-and-schema (Get Workspaces)",
        "list_databases",
        {},
        ("GET", "/workspace"),
        [{"id": 1, "name": "Shop", "description": ""}, {"id": 3, "name": "test", "description": ""}],
        {
            "items": [
                {"workspace_id": "1", "name": "Shop", "description": "", "branch": None},
                {"workspace_id": "3", "name": "test", "description": "", "branch": None},
            ]
        },
    ),
    OfficialAnswer(
        f"{GUIDE}/tables-and-schema (Get Tables of a Workspace): a bare list, without tags",
        "list_tables",
        {"workspace_id": 1},
        ("GET", "/workspace/1/table"),
        [
            {
                "id": 7,
                "created_at": "2026-04-12 22:00:38+0000",
                "updated_at": "2026-04-12 22:00:42+0000",
                "name": "category",
                "description": "",
                "guid": "yu2eB8E0dSEtL6MbBPzzJUM06gA",
                "auth": False,
            }
        ],
        {
            "items": [{"table_id": "7", "name": "category", "description": "", "auth": False, "tag": None}],
            "next": None,
        },
    ),
    OfficialAnswer(
        f"{GUIDE}/instance_api/retrieve_detailed_information_for_a_specific_table",
        "get_table_details",
        TABLE,
        ("GET", "/workspace/1/table/7"),
        _TABLE,
        {"table_id": "7", "name": "supplier", "tag": ["purchasing"], "docs": "Documentation"},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table/create-a-new-database-table-with-optional-schema-definition",
        "create_table",
        {"workspace_id": 1, "name": "supplier"},
        ("POST", "/workspace/1/table"),
        _TABLE,
        {"table_id": "7", "name": "supplier"},
        {"name": "supplier"},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-schema/replace-the-entire-schema-definition-for-a-database-table (its schema)",
        "get_table_schema",
        TABLE,
        ("GET", SCHEMA),
        [_field("id", "int"), _field("created_at", "timestamp"), _field("name", "text")],
        {},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-schema-type/create-an-enum-column",
        "add_field_to_schema",
        {**TABLE, "field_name": "status", "field_type": "enum", "values": ["To Do", "Done"]},
        ("POST", f"{SCHEMA}/type/enum"),
        {"name": "status"},
        {"field_name": "status", "field_type": "enum"},
        {"name": "status", "values": ["To Do", "Done"]},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-schema-type/create-a-vector-column",
        "add_field_to_schema",
        {**TABLE, "field_name": "meaning", "field_type": "vector", "vector_size": 3},
        ("POST", f"{SCHEMA}/type/vector"),
        {"name": "meaning"},
        {"field_name": "meaning", "field_type": "vector"},
        {"name": "meaning", "vector": {"size": 3}},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-schema-type/create-an-object-column",
        "add_field_to_schema",
        {
            **TABLE,
            "field_name": "group",
            "field_type": "object",
            "children": [{"name": "name", "type": "text"}, {"name": "score", "type": "int"}],
        },
        ("POST", f"{SCHEMA}/type/object"),
        {"name": "group"},
        {"field_name": "group", "field_type": "object"},
        {"name": "group", "children": [{"name": "name", "type": "text"}, {"name": "score", "type": "int"}]},
    ),
    OfficialAnswer(
        f"{GUIDE}/instance_api/create_a_uuid_column_for_generating_universally_unique_identifiers",
        "add_field_to_schema",
        {**TABLE, "field_name": "user_id", "field_type": "uuid"},
        ("POST", f"{SCHEMA}/type/uuid"),
        {"name": "user_id"},
        {"field_name": "user_id", "field_type": "uuid", "stored": None},
        {"name": "user_id"},
    ),
    OfficialAnswer(
        f"{GUIDE}/search (Browse Content)",
        "browse_table_content",
        TABLE,
        ("GET", CONTENT),
        {
            "items": [
                {"id": 1, "created_at": 1781336868222, "name": "Basketball", "category_id": 1},
                {"id": 2, "created_at": 1781336868456, "name": "French Press", "category_id": 2},
            ],
            "itemsReceived": 2,
            "curPage": 1,
            "nextPage": None,
            "prevPage": None,
        },
        {
            "items": [
                {"id": 1, "created_at": 1781336868222, "name": "Basketball", "category_id": 1},
                {"id": 2, "created_at": 1781336868456, "name": "French Press", "category_id": 2},
            ],
            "next": None,
        },
    ),
    OfficialAnswer(
        f"{GUIDE}/content (Create Content)",
        "create_table_record",
        {**TABLE, "record_data": {"name": "headphones", "price": 99}},
        ("POST", CONTENT),
        {"id": 11, "created_at": 1781349436618, "name": "headphones", "price": 99},
        {"record": {"id": 11, "created_at": 1781349436618, "name": "headphones", "price": 99}},
        {"name": "headphones", "price": 99},
    ),
    OfficialAnswer(
        f"{GUIDE}/content (Update Existing Content)",
        "update_table_record",
        {**TABLE, "record_id": 11, "record_data": {"price": 500}},
        ("PUT", f"{CONTENT}/11"),
        {"id": 11, "created_at": 1781349436618, "name": "headphones", "price": 500},
        {
            "record_id": "11",
            "record": {"id": 11, "created_at": 1781349436618, "name": "headphones", "price": 500},
        },
        {"price": 500},
    ),
    OfficialAnswer(
        f"{GUIDE}/content (Delete Content)",
        "delete_table_record",
        {**TABLE, "record_id": 11},
        ("DELETE", f"{CONTENT}/11"),
        None,
        {"record_id": "11", "deleted": True},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-content/create-multiple-records-in-a-single-batch-operation",
        "bulk_create_records",
        {**TABLE, "records": [{"name": "test name"}]},
        ("POST", f"{CONTENT}/bulk"),
        [123],
        {"created": 1, "failed": 0, "ids": ["123"]},
        {"items": [{"name": "test name"}], "allow_id_field": False},
    ),
    OfficialAnswer(
        f"{REFERENCE}/table-content/update-multiple-records-in-a-single-batch-operation",
        "bulk_update_records",
        {**TABLE, "updates": [{"row_id": 1, "updates": {"name": "test name"}}]},
        ("POST", f"{CONTENT}/bulk/patch"),
        {"success": ["1"], "success_total": 1},
        {"updated": 1, "failed": 0, "ids": ["1"]},
        {"items": [{"row_id": 1, "updates": {"name": "test name"}}]},
    ),
)
