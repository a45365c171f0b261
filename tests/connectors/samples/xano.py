"""Arguments with which each Xano tool works on Northwind's first instance."""

import itertools

# Ids; the list itself; and of a new field what makes it what it is.
REQUIRED = frozenset({
    "id", "[].id", "items", "items[].id", "[].name", "name", "[].values", "[].values[]", "[].vector",
    "[].vector.size", "[].children", "[].children[]", "[].children[].name", "[].tableref_id",
})  # fmt: skip
# An empty body or null means that it was done: https://docs.xano.com/api-reference ("Success!"). An added
# field is looked for in the schema when the answer does not name it.
EMPTY_ANSWERS = frozenset({
    "add_field_to_schema", *(f"add_field_to_schema#{n}" for n in range(2, 6)),
    "update_table", "delete_table", "rename_schema_field", "delete_field", "update_table_record",
    "delete_table_record", "bulk_create_records", "bulk_update_records",
})  # fmt: skip

_NUMBERS = itertools.count(1)
SHOP = {"workspace_id": 3}
PRODUCT = {**SHOP, "table_id": 8}


def table(here):
    """A table of this sample's own."""
    made = here.call("create_table", {**SHOP, "name": f"sample {next(_NUMBERS)}"})
    return {**SHOP, "table_id": made["table_id"]}


def with_field(here):
    mine = table(here)
    here.call("add_field_to_schema", {**mine, "field_name": "colour", "field_type": "string"})
    return mine


def category(here):
    made = here.call("create_table_record", {**SHOP, "table_id": 7, "record_data": {"name": "Garden"}})
    return {**SHOP, "table_id": 7, "record_id": made["record"]["id"]}


SAMPLES = {
    "list_instances": lambda here: {},
    "get_instance_details": lambda here: {},
    "list_databases": lambda here: {},
    "get_workspace_details": lambda here: SHOP,
    "list_tables": lambda here: {**SHOP, "search": "cat", "per_page": 10},
    "get_table_details": lambda here: {"workspace_id": "3", "table_id": "8"},
    "create_table": lambda here: {
        **SHOP,
        "name": f"supplier {next(_NUMBERS)}",
        "description": "Who sells to us",
        "tag": ["purchasing"],
    },
    "update_table": lambda here: {**table(here), "description": "Changed", "auth": True, "tag": ["old"]},
    "delete_table": table,
    "get_table_schema": lambda here: PRODUCT,
    "add_field_to_schema": lambda here: {
        **table(here),
        "field_name": "colour",
        "field_type": "text",
        "validators": {"trim": True},
    },
    "add_field_to_schema#2": lambda here: {
        **table(here),
        "field_name": "state",
        "field_type": "enum",
        "values": ["new", "done"],
        "default_value": "new",
        "description": "How far it is",
        "nullable": False,
        "required": True,
        "access": "private",
        "sensitive": True,
        "style": "single",
    },
    "add_field_to_schema#3": lambda here: {
        **table(here),
        "field_name": "meaning",
        "field_type": "vector",
        "vector_size": 3,
    },
    "add_field_to_schema#4": lambda here: {
        **table(here),
        "field_name": "address",
        "field_type": "object",
        "children": [{"name": "city", "type": "text"}],
    },
    "add_field_to_schema#5": lambda here: {
        **table(here),
        "field_name": "category",
        "field_type": "uuid",
        "tableref_id": 7,
    },
    "rename_schema_field": lambda here: {**with_field(here), "old_name": "colour", "new_name": "color"},
    "delete_field": lambda here: {**with_field(here), "field_name": "colour"},
    "browse_table_content": lambda here: {**PRODUCT, "page": 2, "per_page": 5},
    "get_table_record": lambda here: {**PRODUCT, "record_id": 1},
    "create_table_record": lambda here: {**SHOP, "table_id": 7, "record_data": {"name": "Ladders"}},
    "update_table_record": lambda here: {**category(here), "record_data": {"name": "Garden and terrace"}},
    "delete_table_record": category,
    "bulk_create_records": lambda here: {
        **SHOP,
        "table_id": 7,
        "records": [{"name": "Roofing"}, {"name": "Heating"}],
    },
    "bulk_update_records": lambda here: {
        **PRODUCT,
        "updates": [{"row_id": 1, "updates": {"stock": 5}}, {"row_id": "2", "updates": {"stock": 6}}],
    },
}
