"""What changes something in Xano: fields in their order, records, bulk work told as counts, lost answers."""

import pytest

from app.connectors.xano.errors import read_error
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderRateLimited,
    ProviderTimeout,
)
from app.outbound import Response
from tests.support.xano import PRODUCT, SHOP

NAMED = {**SHOP, "table_id": 7}


def names(xano, table):
    return [field["name"] for field in xano.call("get_table_schema", table)["fields"]]


# --- tables and fields ---


def test_a_table_is_made_described_and_deleted(xano):
    table = {
        **SHOP,
        "table_id": xano.call("create_table", SHOP, name="supplier", tag=["purchasing"])["table_id"],
    }
    assert xano.call("update_table", table, description="Who sells to us", auth=False)["changed"] == [
        "description",
        "auth",
    ]
    details = xano.call("get_table_details", table)
    assert (details["name"], details["description"], details["tag"]) == (
        "supplier",
        "Who sells to us",
        ["purchasing"],
    )
    assert xano.call("delete_table", table)["deleted"] is True
    with pytest.raises(ObjectNotFound):
        xano.call("get_table_details", table)


def test_changing_a_table_without_a_change_asks_nothing(xano):
    before = len(xano.requests())
    with pytest.raises(InvalidArguments, match="Say what to change"):
        xano.call("update_table", PRODUCT)
    assert len(xano.requests()) == before


def test_fields_keep_their_order(xano):
    table = xano.new_table("b", "a", "c")
    assert names(xano, table) == ["id", "created_at", "b", "a", "c"]
    xano.call("rename_schema_field", table, old_name="a", new_name="z")
    assert names(xano, table) == ["id", "created_at", "b", "z", "c"]
    xano.call("delete_field", table, field_name="b")
    assert names(xano, table) == ["id", "created_at", "z", "c"]
    xano.call("add_field_to_schema", table, field_name="b", field_type="int")
    assert names(xano, table) == ["id", "created_at", "z", "c", "b"]


def test_adding_a_field_touches_no_other(xano):
    xano.call("add_field_to_schema", PRODUCT, field_name="weight", field_type="decimal", default_value=0.5)
    assert {
        line["path"].rpartition("/schema")[2] for line in xano.requests() if line["method"] == "POST"
    } == {"/type/decimal"}
    assert xano.call("get_table_record", PRODUCT, record_id=1)["record"]["name"] == "Claw hammer 1"


@pytest.mark.parametrize(
    "field_type, stored",
    [("boolean", "bool"), ("integer", "int"), ("string", "text"), ("timestamp", "timestamp")],
)
def test_types_go_by_their_common_names_too(xano, field_type, stored):
    table = xano.new_table()
    assert (
        xano.call("add_field_to_schema", table, field_name="f", field_type=field_type)["field_type"] == stored
    )
    assert xano.call("get_table_schema", table)["fields"][-1]["type"] == stored


def test_a_field_is_added_with_every_option(xano):
    table = xano.new_table()
    options = {
        "nullable": True,
        "default_value": True,
        "required": True,
        "access": "private",
        "sensitive": True,
        "description": "Is it?",
    }
    xano.call(
        "add_field_to_schema",
        table,
        field_name="flag",
        field_type="bool",
        validators={"trim": True},
        **options,
    )
    field = xano.call("get_table_schema", table)["fields"][-1]
    assert (field["default"], field["access"], field["validators"]) == ("true", "private", {"trim": True})
    assert field["nullable"] and field["required"] and field["sensitive"]


# --- records ---


def test_a_record_is_made_changed_in_part_and_deleted(xano):
    made = xano.call("create_table_record", PRODUCT, record_data={"name": "Ladder", "price": 80})["record"]
    assert (made["stock"], made["state"], made["notes"]) == ("0", "draft", None)
    changed = xano.call(
        "update_table_record", PRODUCT, record_id=made["id"], record_data={"stock": 4, "notes": None}
    )
    assert (changed["record"]["name"], changed["record"]["stock"]) == ("Ladder", 4)
    assert xano.call("delete_table_record", PRODUCT, record_id=str(made["id"]))["deleted"] is True
    with pytest.raises(ObjectNotFound):
        xano.call("get_table_record", PRODUCT, record_id=made["id"])


@pytest.mark.parametrize("how", ["null", "empty"])
def test_deleting_is_understood_when_xano_says_nothing(xano, how):
    xano.levers("answers", deletes=how)
    assert xano.call("delete_table_record", PRODUCT, record_id=1) == {"record_id": "1", "deleted": True}
    assert xano.call("delete_field", PRODUCT, field_name="notes")["deleted"] is True
    assert xano.call("delete_table", PRODUCT)["deleted"] is True


# --- bulk work ---


@pytest.mark.parametrize("shape, ids", [("ids", 3), ("counts", 3), ("empty", 0)])
def test_bulk_answers_become_counts_whatever_their_shape(xano, shape, ids):
    xano.levers("answers", bulk=shape)
    made = xano.call("bulk_create_records", NAMED, records=[{"name": name} for name in "abc"])
    assert (made["created"], made["failed"], len(made["ids"]), made["failures"]) == (3, 0, ids, [])
    assert xano.last_api.note == "3 of 3 records created."
    changed = xano.call(
        "bulk_update_records", NAMED, updates=[{"row_id": n, "updates": {"name": f"n{n}"}} for n in (1, 2)]
    )
    assert (changed["updated"], changed["failed"]) == (2, 0)


def test_what_failed_is_counted_with_its_reasons(xano):
    made = xano.call(
        "bulk_create_records",
        PRODUCT,
        records=[{"name": "a", "price": 1}, {"name": "b"}, {"price": 2, "name": "c"}],
    )
    assert (made["created"], made["failed"], len(made["ids"])) == (2, 1, 2)
    assert made["failures"] == [{"record_id": None, "reason": "Missing param: price"}]
    assert xano.last_api.note == "2 of 3 records created, 1 failed."
    updates = [{"row_id": 1, "updates": {"stock": 7}}, {"row_id": 9999, "updates": {"stock": 7}}]
    changed = xano.call("bulk_update_records", PRODUCT, updates=updates)
    assert (changed["updated"], changed["ids"]) == (1, ["1"])
    assert changed["failures"] == [{"record_id": "9999", "reason": "Not Found"}]


def test_work_that_failed_altogether_is_no_success(xano):
    with pytest.raises(InvalidArguments, match="took none of the 2 records") as refused:
        xano.call("bulk_create_records", PRODUCT, records=[{"name": "a"}, {"name": "b"}])
    assert (refused.value.details["created"], refused.value.details["failed"]) == (0, 2)


def test_records_may_bring_their_ids(xano):
    made = xano.call(
        "bulk_create_records",
        NAMED,
        records=[{"id": 501, "name": "a"}, {"id": 1, "name": "b"}],
        allow_id_field=True,
    )
    assert (made["created"], made["ids"], made["failures"][0]["reason"]) == (
        1,
        ["501"],
        "Duplicate record detected.",
    )


def test_a_record_is_changed_once(xano):
    with pytest.raises(InvalidArguments, match="each row_id once"):
        xano.call(
            "bulk_update_records",
            NAMED,
            updates=[{"row_id": 1, "updates": {"name": "a"}}, {"row_id": "1", "updates": {"name": "b"}}],
        )


def test_much_work_goes_in_portions_and_tells_how_far_it_is(xano):
    made = xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert (made["created"], len(set(made["ids"]))) == (250, 250)
    assert [report[:2] for report in xano.reports] == [(0, 250), (100, 250), (200, 250), (250, 250)]
    assert sum(line["path"].endswith("/bulk") for line in xano.requests()) == 3


def test_a_stop_in_the_middle_says_what_was_done(xano):
    xano.levers("rate_limit", path="/bulk", skip=1)
    with pytest.raises(
        ProviderRateLimited, match=r"100 of 250 records created\. Then it stopped: Xano asks to slow down"
    ) as stopped:
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert {name: stopped.value.details[name] for name in ("created", "failed", "unconfirmed", "total")} == {
        "created": 100,
        "failed": 0,
        "unconfirmed": 0,
        "total": 250,
    }
    assert len(stopped.value.details["ids"]) == 100


def test_a_lost_answer_in_the_middle_is_of_unknown_outcome(xano):
    xano.levers("drop", path="/bulk", skip=1, when="after")
    with pytest.raises(
        OutcomeUnknown, match=r"100 of 250 records created\. Then it stopped: .*check there before repeating"
    ) as stopped:
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert stopped.value.details["unconfirmed"] == 100
    assert sum(line["path"].endswith("/bulk") for line in xano.requests()) == 2


def test_work_stops_when_the_client_has_gone(xano):
    api_of = xano.api
    xano.api = lambda business, **more: api_of(business, cancelled=lambda: len(xano.reports) > 1, **more)
    with pytest.raises(ProviderTimeout, match=r"200 of 250|100 of 250"):
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])


# --- lost answers ---


@pytest.mark.parametrize(
    "verb, arguments, method",
    [
        ("create_table_record", {**PRODUCT, "record_data": {"name": "x", "price": 1}}, "POST"),
        ("update_table_record", {**PRODUCT, "record_id": 1, "record_data": {"stock": 1}}, "PUT"),
        ("delete_table_record", {**PRODUCT, "record_id": 2}, "DELETE"),
        ("add_field_to_schema", {**PRODUCT, "field_name": "lost", "field_type": "text"}, "POST"),
        ("create_table", {**SHOP, "name": "lost"}, "POST"),
    ],
)
@pytest.mark.parametrize(
    "fault", [{"lever": "drop", "when": "after"}, {"lever": "fail", "status": 500, "body": "html"}]
)
def test_a_write_without_a_clear_answer_is_done_once_and_of_unknown_outcome(
    xano, verb, arguments, method, fault
):
    fault = dict(fault)
    xano.levers(fault.pop("lever"), method=method, **fault)
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        xano.call(verb, arguments)
    assert sum(line["method"] == method for line in xano.requests()) == 1


def test_a_write_refused_as_denied_by_a_failing_server_is_a_refusal():
    assert isinstance(
        read_error(Response(500, {}, b'{"code":"ERROR_FATAL","message":"Access Denied."}')), PermissionDenied
    )
