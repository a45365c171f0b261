"""What changes tables and records in Xano, and what a lost or odd answer means."""

import json

import pytest
import requests

from app.connectors.xano import CONNECTOR
from app.connectors.xano.errors import read_error
from app.connectors.xano.metadata import check_done
from app.errors import (
    InvalidArguments,
    MissingRight,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ReconnectNeeded,
)
from app.outbound import Response
from tests.support.waiting import AT_MOST_SECONDS
from tests.support.xano import PRODUCT, SHOP

# --- tables ---


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


def test_fields_that_xano_does_not_store_are_named(xano):
    data = {"name": "Ladder", "price": 80, "colour": "red"}
    made = xano.call("create_table_record", PRODUCT, record_data=data)
    assert made["ignored"] == ["colour"] and "colour" not in made["record"]
    assert xano.last_api.note.startswith("Xano did not store 1 of the fields")
    changes = {"stock": 4, "size": "L"}
    changed = xano.call("update_table_record", PRODUCT, record_id=made["record"]["id"], record_data=changes)
    assert changed["ignored"] == ["size"] and changed["record"]["stock"] == 4


@pytest.mark.parametrize("how", ["null", "empty"])
def test_deleting_is_understood_when_xano_says_nothing(xano, how):
    xano.levers("answers", deletes=how)
    assert xano.call("delete_table_record", PRODUCT, record_id=1) == {"record_id": "1", "deleted": True}
    assert xano.call("delete_field", PRODUCT, field_name="notes")["deleted"] is True
    assert xano.call("delete_table", PRODUCT)["deleted"] is True


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("delete_table_record", {**PRODUCT, "record_id": 1}),
        ("delete_field", {**PRODUCT, "field_name": "notes"}),
        ("delete_table", PRODUCT),
    ],
)
def test_an_error_sent_with_success_deletes_nothing(xano, verb, arguments):
    xano.levers("answers", deletes="error")
    with pytest.raises(ProviderError, match="Xano answered with an error") as refused:
        xano.call(verb, arguments)
    assert refused.value.details["reason"] == "The table is locked."
    assert xano.call("get_table_record", PRODUCT, record_id=1)["record"]["notes"]


@pytest.mark.parametrize(
    "body",
    [
        {"message": "The table is locked."},
        {"error": "locked"},
        {"success": False},
        {"code": 404, "message": "Not Found"},
        {"code": "ERROR_CODE_ACCESS_DENIED", "message": "", "status": 403},
        [],
        False,
    ],
)
def test_an_answer_of_another_shape_confirms_no_deletion(body):
    with pytest.raises(OutcomeUnknown):
        check_done(body)


@pytest.mark.parametrize("body", [None, {}, {"id": 1, "message": "kept by a table of errors"}])
def test_null_an_empty_object_and_a_record_confirm_a_change(body):
    check_done(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"code": "ERROR_CODE_ACCESS_DENIED", "message": ""}, MissingRight),
        ({"code": "ERROR_CODE_NOT_FOUND", "message": "Not Found"}, ObjectNotFound),
        (
            {"code": "ERROR_CODE_INPUT_ERROR", "message": "Missing param: name", "param": "name"},
            InvalidArguments,
        ),
        ({"code": "ERROR_CODE_TOO_MANY_REQUESTS", "message": "Whoa there!"}, ProviderRateLimited),
        ({"code": "ERROR_CODE_UNAUTHORIZED", "message": "This token is expired."}, ReconnectNeeded),
        ({"code": "ERROR_FATAL", "message": "Locked."}, ProviderError),
    ],
)
def test_an_error_means_the_same_whatever_its_status(body, kind):
    assert isinstance(read_error(Response(200, {}, json.dumps(body).encode())), kind)


@pytest.mark.parametrize(
    "record",
    [
        {"id": 3, "code": "ERROR_X", "message": "kept by a table of errors"},
        {"code": "ABC", "message": "hello"},
        {"code": "ERROR_X"},
    ],
)
def test_a_record_is_not_taken_for_an_error(record):
    assert read_error(Response(200, {}, json.dumps(record).encode())) is None


def nested(levels):
    value = "deepest"
    for _ in range(levels):
        value = {"in": value}
    return value


def test_a_record_nested_too_deep_is_refused_before_anything_is_created(xano):
    before = len(xano.requests())
    for data in (nested(300), {"list": [[nested(250)]]}):
        for verb, arguments in (
            ("create_table_record", {"record_data": data}),
            ("update_table_record", {"record_id": 1, "record_data": data}),
            ("bulk_create_records", {"records": [data]}),
            ("bulk_update_records", {"updates": [{"row_id": 1, "updates": data}]}),
        ):
            with pytest.raises(InvalidArguments, match="nested 200 levels deep at most"):
                CONNECTOR.find_tool(f"xano_{verb}").parse({**PRODUCT, **arguments})
    assert len(xano.requests()) == before


def test_a_deep_record_is_written_and_shown_as_far_as_it_can_be(xano):
    table = xano.new_table()
    xano.call("add_field_to_schema", table, field_name="data", field_type="json")
    made = xano.call("create_table_record", table, record_data={"data": nested(150)})
    assert made["record"]["data"] == nested(150)
    path = f"{xano.instance().facts['meta_api']}/workspace/3/table/{table['table_id']}/content"
    deep = {"data": nested(400)}
    headers = {"Authorization": f"Bearer {xano.token}"}
    assert requests.post(path, json=deep, headers=headers, timeout=AT_MOST_SECONDS).status_code == 200
    items = xano.call("browse_table_content", table)["items"]
    assert "(nested too deep to show)" in json.dumps(items[1])
    assert xano.call("get_table_record", table, record_id=items[1]["id"])["record"] == items[1]


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
