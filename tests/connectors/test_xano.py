"""What Xano says and how it is read: instances, refusals, lists in two shapes, the order of fields."""

import pytest

from app.connectors.xano import CONNECTOR
from app.connectors.xano.metadata import ListPage
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
)
from app.vault.token_answers import TokenEndpointUnavailable, TokenRefused
from tests.support.signed_in import SignedIn
from tests.support.xano import PRODUCT, SHOP, Xano

TWENTY = [
    "xano_list_instances",
    "xano_get_instance_details",
    "xano_list_databases",
    "xano_get_workspace_details",
    "xano_list_tables",
    "xano_get_table_details",
    "xano_create_table",
    "xano_update_table",
    "xano_delete_table",
    "xano_get_table_schema",
    "xano_add_field_to_schema",
    "xano_rename_schema_field",
    "xano_delete_field",
    "xano_browse_table_content",
    "xano_get_table_record",
    "xano_create_table_record",
    "xano_update_table_record",
    "xano_delete_table_record",
    "xano_bulk_create_records",
    "xano_bulk_update_records",
]


def test_it_has_the_twenty_tools_by_their_names():
    assert [f"xano_{tool.verb}" for tool in CONNECTOR.tools] == TWENTY


def test_what_deletes_says_so():
    assert {tool.verb for tool in CONNECTOR.tools if tool.destructive} == {
        "delete_table",
        "delete_field",
        "delete_table_record",
    }


# --- instances ---


def test_the_account_is_the_person_and_its_businesses_are_the_instances(xano):
    assert (xano.account.key, xano.account.name) == ("4821", "Northwind")
    assert [b.id for b in xano.account.businesses] == ["x8ab-12cd-sim1", "x3fe-90ab-sim2"]


@pytest.mark.parametrize(
    "name",
    [
        "x3fe-90ab-sim2",
        "Northwind Warehouse",
        "data.northwind.example",
        "https://data.northwind.example/api:meta",
        "xz07-5h2m-c8wt.n7c.xano.io",
        " HTTPS://XZ07-5h2m-c8wt.n7c.xano.io/ ",
    ],
)
def test_an_instance_goes_by_its_name_its_domains_and_its_address(xano, name):
    assert xano.instance(name).id == "x3fe-90ab-sim2"
    assert xano.call("list_databases", instance=name)["items"][0]["name"] == "Warehouse"


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "https://evil.example/api:meta",
        "https://evil.example/data.northwind.example",
        "http://[::1",
        "",
        "data.",
    ],
)
def test_an_instance_that_is_not_listed_is_nobody(xano, name):
    assert CONNECTOR.business.find(xano.account.businesses, name) is None


def test_an_instance_is_asked_where_the_list_says(xano):
    shop, warehouse = xano.account.businesses
    assert "xk41-77qe" in shop.facts["meta_api"] and "data.northwind.example" in warehouse.facts["meta_api"]
    details = xano.call("get_instance_details", instance="x3fe-90ab-sim2")
    assert (details["custom_domain"], details["rate_limit"]) == ("data.northwind.example", False)


def test_the_list_of_instances_may_come_in_pages(xano):
    xano.levers("answers", lists="pages")
    assert len(xano.call("list_instances")["items"]) == 2
    assert [d["name"] for d in xano.call("list_databases")["items"]] == ["Shop", "Website"]


def test_an_account_without_instances_cannot_be_connected(xano, xano_url):
    xano.levers("unlist", instance="x5bb-31ff-sim3")
    with pytest.raises(ReconnectNeeded, match="reaches no instance"):
        Xano(xano_url, "sandbox-xano-birch")


def test_a_token_of_one_instance_is_not_given_up_because_another_rejects_it(xano_url, xano):
    reader = Xano(xano_url, "sandbox-xano-reader")
    assert reader.account.businesses[0].id == "x8ab-12cd-sim1"
    assert reader.call("list_databases")["items"]
    with pytest.raises(PermissionDenied, match="not at this instance"):
        reader.call("list_databases", instance="x3fe-90ab-sim2")
    assert reader.refused == 0


def test_a_token_is_not_given_up_while_xano_cannot_say_whether_it_lives(xano):
    xano.token, xano.renewals = "gone", ["sandbox-xano-northwind"]
    xano.levers("fail", path="/auth/me", status=503, body="html")
    with pytest.raises(ProviderUnavailable):
        xano.call("list_databases")
    assert xano.refused == 0
    assert xano.call("list_databases")["items"] and xano.refused == 1


# --- signing in at the operator's backend ---


@pytest.mark.parametrize("status", ["400", "403", "404", "500"])
def test_a_wrong_password_is_called_so_whatever_status_the_backend_chose(xano, xano_url, status):
    xano.levers("answers", logins=status)
    with pytest.raises(TokenRefused, match=r"does not accept this email and password\. Check both\."):
        SignedIn(CONNECTOR, xano_url, auth_method="login", password="mistyped")
    assert SignedIn(CONNECTOR, xano_url, auth_method="login").account.key == "4821"


def test_a_login_without_a_metadata_api_key_says_whom_to_ask(xano, xano_url):
    xano.levers("answers", profiles="without key")
    with pytest.raises(TokenEndpointUnavailable, match=r"no Metadata API key \(api_key\)") as refused:
        SignedIn(CONNECTOR, xano_url, auth_method="login")
    assert "could not be read" not in refused.value.message


def test_a_backend_without_such_an_address_is_for_the_operator(xano, xano_url):
    xano.levers("fail", path="/auth/login", status=404)
    with pytest.raises(TokenEndpointUnavailable, match="check XANO_LOGIN_URL"):
        SignedIn(CONNECTOR, xano_url, auth_method="login")


def test_an_outage_of_the_backend_is_not_called_a_wrong_password(xano, xano_url):
    xano.levers("fail", path="/auth/login", status=500, body="html")
    with pytest.raises(TokenEndpointUnavailable, match="having trouble"):
        SignedIn(CONNECTOR, xano_url, auth_method="login")


# --- refusals ---


def test_a_missing_permission_is_no_reason_to_renew(xano_url, xano):
    reader = Xano(xano_url, "sandbox-xano-reader")
    with pytest.raises(PermissionDenied, match="permissions to read, create, change and delete"):
        reader.call("create_table_record", PRODUCT, record_data={"name": "x", "price": 1})
    assert reader.refused == 0


def test_a_dead_token_is_renewed_once_and_the_call_works(xano):
    xano.token, xano.renewals = "gone", ["sandbox-xano-northwind"]
    assert xano.call("list_databases")["items"]
    assert xano.refused == 1


def test_a_dead_token_that_cannot_be_renewed_needs_its_person(xano):
    xano.levers("roll_keys")
    with pytest.raises(ReconnectNeeded):
        xano.call("list_databases")


@pytest.mark.parametrize(
    "verb, arguments",
    [
        ("get_workspace_details", {"workspace_id": 99}),
        ("get_table_details", {**SHOP, "table_id": 99}),
        ("get_table_record", {**PRODUCT, "record_id": 9999}),
        ("list_tables", {"workspace_id": "99"}),
        ("delete_field", {**PRODUCT, "field_name": "nothing"}),
    ],
)
def test_what_is_not_there_is_said(xano, verb, arguments):
    with pytest.raises(ObjectNotFound, match="List them again"):
        xano.call(verb, arguments)


def test_a_refusal_is_in_our_words_and_xanos_are_in_the_details(xano):
    with pytest.raises(InvalidArguments) as refused:
        xano.call("create_table_record", PRODUCT, record_data={"name": "Ladder"})
    assert "Missing" not in refused.value.message
    assert refused.value.details == {"status": 400, "reason": "Missing param: price", "field": "price"}


def test_the_free_plan_is_explained_with_the_time_to_wait(xano_url, xano):
    birch = Xano(xano_url, "sandbox-xano-birch")
    for _ in range(10):
        birch.call("list_databases")
    with pytest.raises(ProviderRateLimited, match="10 requests in 20 seconds") as slow:
        birch.call("list_databases")
    assert slow.value.retry_after_seconds == 20
    xano.levers("advance", seconds=21)
    assert birch.call("list_databases")["items"][0]["name"] == "Studio"


def test_an_outage_in_html_is_an_outage(xano):
    xano.levers("fail", status=502, body="html", times=3)
    with pytest.raises(ProviderUnavailable):
        xano.call("list_databases")


@pytest.mark.parametrize(
    "arguments",
    [{"workspace_id": "../x"}, {"workspace_id": "3/table"}, {"workspace_id": True}, {"workspace_id": ""}],
)
def test_an_id_is_a_number(xano, arguments):
    with pytest.raises(InvalidArguments):
        CONNECTOR.find_tool("xano_get_workspace_details").parse(arguments)


# --- lists ---


def test_it_walks_the_tables_of_a_workspace_page_by_page(xano):
    first = xano.call("list_tables", SHOP, per_page=3)
    second = xano.call("list_tables", SHOP, per_page=3, page=first["next"])
    assert [t["name"] for t in first["items"] + second["items"]] == [
        "category",
        "product",
        "customer",
        "empty_table",
    ]
    assert second["next"] is None


def test_it_walks_all_records(xano):
    seen, page = [], 1
    while page:
        found = xano.call("browse_table_content", PRODUCT, page=page, per_page=50)
        seen, page = seen + found["items"], found["next"]
    assert (len(seen), len({r["id"] for r in seen}), found["total"]) == (120, 120, 120)
    assert seen[0]["created_at"] > 10**12 and seen[1]["notes"] is None


def test_an_empty_table_is_an_empty_page(xano):
    assert xano.call("browse_table_content", SHOP, table_id=10) == {"items": [], "next": None, "total": 0}


@pytest.mark.parametrize(
    "body, items, following",
    [
        (None, 0, None),
        ([], 0, None),
        ([1, 2], 2, None),
        ([1, 2, 3], 3, 2),
        ([1, 2, 3, 4], 3, 2),
        ({"items": None, "nextPage": None}, 0, None),
        ({"items": [1], "nextPage": 2}, 1, 2),
        ({"items": [1], "nextPage": 1}, 1, None),
    ],
)
def test_a_list_is_read_in_any_of_its_shapes(body, items, following):
    page = ListPage.of(body, 1, 3)
    assert (len(page.items), page.next) == (items, following)


@pytest.mark.parametrize("body", [7, "text", {}, {"items": 3}])
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(body):
    with pytest.raises(ProviderUnavailable):
        ListPage.of(body, 1, 3)


def test_a_record_may_have_a_uuid(xano):
    found = xano.call("browse_table_content", workspace_id=4, table_id=11)["items"][2]
    assert (
        xano.call("get_table_record", workspace_id=4, table_id=11, record_id=found["id"])["record"] == found
    )
