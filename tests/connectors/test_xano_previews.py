"""What a person reads before a write to Xano is approved."""

import pytest

from app.errors import InvalidArguments, ObjectNotFound
from tests.support.xano import PRODUCT, SHOP

CATEGORY = {**SHOP, "table_id": 7}


def writes(xano):
    return [line for line in xano.requests() if line["method"] != "GET"]


def headline(xano, verb, arguments, **more):
    """The headline; nothing was changed to make it."""
    before = len(writes(xano))
    found = xano.preview(verb, arguments, **more)
    assert len(writes(xano)) == before
    return found.headline


def test_tables_are_named(xano):
    assert headline(xano, "create_table", SHOP, name="supplier") == "Create table “supplier” in “Shop”"
    assert headline(xano, "update_table", PRODUCT, name="article", docs="x") == (
        "Rename table “product” in “Shop” to “article” and change its docs"
    )
    assert headline(xano, "update_table", PRODUCT, auth=True, tag=["old"]) == (
        "Change auth and tag of table “product” in “Shop”"
    )


def test_what_is_lost_with_a_table_is_counted(xano):
    total = xano.call("browse_table_content", PRODUCT)["total"]
    found = xano.preview("delete_table", PRODUCT)
    assert found.headline == f"Delete table “product” in “Shop” with its {total} records"
    assert [(fact.label, fact.value) for fact in found.facts] == [
        ("Table", "“product”"),
        ("Workspace", "“Shop”"),
        ("Records", str(total)),
    ]


def test_a_table_of_the_same_name_is_noted(xano):
    assert "already exists" in xano.preview("create_table", SHOP, name="Product").warning
    assert not xano.preview("create_table", SHOP, name="produce").warning


def test_fields_are_named_with_their_table(xano):
    table = xano.new_table("colour")
    where = f"“{xano.call('get_table_details', table)['name']}” in “Shop”"
    assert headline(xano, "add_field_to_schema", table, field_name="size", field_type="string") == (
        f"Add field “size” (text) to table {where}"
    )
    assert headline(
        xano, "add_field_to_schema", table, field_name="kind", field_type="int", tableref_id=7
    ) == (f"Add field “kind” (int) that refers to “category” to table {where}")
    assert headline(xano, "rename_schema_field", table, old_name="colour", new_name="color") == (
        f"Rename field “colour” to “color” in table {where}"
    )
    assert headline(xano, "delete_field", table, field_name="colour") == (
        f"Delete field “colour” and its values in 0 records from table {where}"
    )


def test_records_are_named_and_what_is_replaced_is_looked_up(xano):
    made = xano.call("create_table_record", CATEGORY, record_data={"name": "Garden"})["record"]
    mine = {**CATEGORY, "record_id": made["id"]}
    assert headline(xano, "create_table_record", CATEGORY, record_data={"name": "Ladders"}) == (
        "Create a record in table “category” in “Shop”: name “Ladders”"
    )
    found = xano.preview("update_table_record", mine, record_data={"name": "Terrace"})
    assert found.headline == ("Update record “Garden” in table “category” in “Shop”: name “Terrace”")
    assert ("name now", "“Garden”") in [(fact.label, fact.value) for fact in found.facts]
    assert headline(xano, "delete_table_record", mine) == (
        "Delete record “Garden” from table “category” in “Shop”"
    )


def test_a_field_that_the_table_lacks_is_said_before(xano):
    found = xano.preview("create_table_record", CATEGORY, record_data={"name": "A", "flavour": "b"})
    assert ("Not stored: not in the table", "flavour") in [(f.label, f.value) for f in found.facts]


def test_many_records_are_counted_and_the_first_named(xano):
    records = [{"name": f"Row {n}"} for n in range(5)]
    text = headline(xano, "bulk_create_records", CATEGORY, records=records)
    assert text.startswith(
        "Create 5 records in table “category” in “Shop”: “Row 0”, “Row 1”, “Row 2” and 2 more (ref "
    )
    names = [xano.call("get_table_record", PRODUCT, record_id=n)["record"]["name"] for n in (1, 2)]
    updates = [{"row_id": n, "updates": {"stock": 5}} for n in (1, 2)]
    assert headline(xano, "bulk_update_records", PRODUCT, updates=updates) == (
        f"Change stock of 2 records in table “product” in “Shop”: record “{names[0]}” and record “{names[1]}”"
    )


@pytest.mark.parametrize(
    ("verb", "arguments", "error"),
    [
        ("update_table", PRODUCT, InvalidArguments),
        ("delete_table", {**SHOP, "table_id": 999_999}, ObjectNotFound),
        ("create_table", {"workspace_id": 999_999, "name": "x"}, ObjectNotFound),
        ("delete_field", {**PRODUCT, "field_name": "nope"}, ObjectNotFound),
        ("rename_schema_field", {**PRODUCT, "old_name": "nope", "new_name": "x"}, ObjectNotFound),
        ("rename_schema_field", {**PRODUCT, "old_name": "price", "new_name": "name"}, InvalidArguments),
        ("add_field_to_schema", {**PRODUCT, "field_name": "name", "field_type": "text"}, InvalidArguments),
        ("add_field_to_schema", {**PRODUCT, "field_name": "x", "field_type": "enum"}, InvalidArguments),
        ("update_table_record", {**PRODUCT, "record_id": 999_999, "record_data": {"a": 1}}, ObjectNotFound),
        ("delete_table_record", {**PRODUCT, "record_id": 999_999}, ObjectNotFound),
        ("bulk_create_records", {**PRODUCT, "records": [{"id": 7}]}, InvalidArguments),
        (
            "bulk_update_records",
            {**PRODUCT, "updates": [{"row_id": 1, "updates": {"a": 1}}] * 2},
            InvalidArguments,
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anybody_is_asked(xano, verb, arguments, error):
    before = len(writes(xano))
    with pytest.raises(error):
        xano.preview(verb, arguments)
    assert len(writes(xano)) == before


def test_a_token_that_may_not_read_is_no_obstacle(xano):
    """The write itself may be allowed, so the names are left out instead."""
    xano.levers("fail", path="/workspace/3/table/7", status=403)
    assert (
        "the table in " in xano.preview("create_table_record", CATEGORY, record_data={"name": "A"}).headline
    )
