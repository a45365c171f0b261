"""Xano as an AI client meets it: instances by name or domain, records in portions with progress, nothing
written until allowed.
"""

import json

import pytest
import requests

from tests.hub.test_xano import paste
from tests.support.consent import sandbox_process  # noqa: F401
from tests.support.waiting import AT_MOST_SECONDS


@pytest.fixture
def environ(environ, sandbox_process):  # noqa: F811
    sandbox_process.lever("xano", "reset")
    return environ | {"SANDBOX_URL": sandbox_process.url}


@pytest.fixture
def visitor(people, sign_in):
    """alice in her browser, with a pasted token of two instances."""
    visitor = sign_in(people.alice)
    paste(visitor)
    return visitor


def allow_writing(visitor):
    visitor.submit("/integrations/xano/permission", {"level": "write"})


def test_an_instance_must_be_named_where_there_are_two(alice, visitor):
    refused = alice.call("xano_list_databases", {})
    assert refused["error"]["code"] == "INVALID_ARGUMENTS"
    assert [row["id"] for row in refused["error"]["details"]["businesses"]] == [
        "x8ab-12cd-sim1",
        "x3fe-90ab-sim2",
    ]
    assert len(alice.call("xano_list_instances", {})["data"]["items"]) == 2


@pytest.mark.parametrize(
    "name", ["x3fe-90ab-sim2", "data.northwind.example", "https://data.northwind.example/api:meta"]
)
def test_an_instance_goes_by_name_domain_or_address(alice, visitor, name):
    envelope = alice.call("xano_list_databases", {"instance_name": name})
    assert envelope["data"]["items"][0]["name"] == "Warehouse"
    assert envelope["message"] == "Xano account: Northwind; instance: Northwind Warehouse."


@pytest.mark.parametrize(
    "name", ["https://evil.example/api:meta", "localhost", "http://169.254.169.254/", "x9zz"]
)
def test_an_address_that_is_not_listed_is_never_asked(alice, visitor, sandbox_process, name):  # noqa: F811
    sandbox_process.lever("xano", "clear")
    assert alice.call("xano_list_databases", {"instance_name": name})["error"]["code"] == "INVALID_ARGUMENTS"
    assert sandbox_process.log("xano")["requests"] == []


def test_the_active_instance_is_used_until_the_account_lists_it_no_more(alice, visitor, sandbox_process):  # noqa: F811
    alice.call("set_active_business", {"businessId": "data.northwind.example"})
    assert alice.call("xano_list_databases", {})["data"]["items"][0]["name"] == "Warehouse"
    sandbox_process.lever("xano", "unlist", instance="x3fe-90ab-sim2")
    gone = alice.call("xano_list_databases", {})["error"]
    assert gone["code"] == "PERMISSION_DENIED" and "does not list Northwind Warehouse" in gone["message"]
    assert alice.call("xano_list_databases", {})["data"]["items"][0]["name"] == "Shop"


def test_a_missing_right_costs_one_request(alice, people, sign_in, sandbox_process):  # noqa: F811
    paste(visitor := sign_in(people.alice), token="sandbox-xano-reader")
    allow_writing(visitor)
    sandbox_process.lever("xano", "clear")
    record = {"workspace_id": 3, "table_id": 7, "record_data": {"name": "x"}, "instance_name": "Northwind"}
    refused = alice.call("xano_create_table_record", record)["error"]
    assert refused["code"] == "PERMISSION_DENIED" and "give the missing one in Xano" in refused["message"]
    assert [line["status"] for line in sandbox_process.log("xano")["requests"]] == [403]


def test_a_record_nested_deeper_than_can_be_shown_is_shown_as_far_as_it_can_be(
    alice,
    visitor,
    sandbox_process,  # noqa: F811
):
    deep = "deepest"
    for _ in range(400):
        deep = {"in": deep}
    content = "xk41-77qe-2p9d.n7.xano.io/api:meta/workspace/3/table/9/content"
    requests.post(
        f"{sandbox_process.url}/xano/{content}",
        json={"name": "Deep", "created_at": deep},
        headers={"Authorization": "Bearer sandbox-xano-northwind"},
        timeout=AT_MOST_SECONDS,
    )
    table = {"workspace_id": 3, "table_id": 9, "instance_name": "Northwind"}
    envelope = alice.call("xano_browse_table_content", table | {"page": 2, "per_page": 7})
    assert envelope["success"], envelope
    assert "(nested too deep to show)" in json.dumps(envelope["data"])


def test_nothing_is_written_until_the_connection_allows_it(alice, visitor):
    many = {
        "instance_name": "Northwind",
        "workspace_id": 3,
        "table_id": 7,
        "records": [{"name": f"n{n}"} for n in range(120)],
    }
    assert alice.call("xano_bulk_create_records", many)["error"]["code"] == "PERMISSION_DENIED"
    allow_writing(visitor)
    envelope = alice.call("xano_bulk_create_records", many)
    assert (envelope["data"]["created"], envelope["data"]["failed"]) == (120, 0)
    assert envelope["message"] == "120 of 120 records created. Xano account: Northwind; instance: Northwind."


def test_a_table_is_read_to_its_end_by_cursor(alice, visitor):
    arguments = {"instance_name": "Northwind", "workspace_id": 3, "table_id": 8, "per_page": 50}
    ids, cursor, answers = [], None, 0
    while answers == 0 or cursor:
        data = alice.call("xano_browse_table_content", arguments | ({"cursor": cursor} if cursor else {}))[
            "data"
        ]
        ids, cursor, answers = ids + [row["id"] for row in data["items"]], data["next_cursor"], answers + 1
    assert (len(ids), len(set(ids)), answers) == (120, 120, 3)
