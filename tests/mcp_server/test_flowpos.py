"""FlowPOS as an AI client meets it: tools by scope, two by bare names; the business that is active there,
or a chosen one.
"""

import pytest

from tests.hub.test_xano import state_of
from tests.support.consent import sandbox_process  # noqa: F401

DOMAIN = {
    "flowpos_get_products",
    "flowpos_list_orders",
    "flowpos_get_sales_report",
    "flowpos_list_psa_boards",
}
INTENTS = {"get_inventory_health", "get_client_health"}
WRITES = {"flowpos_adjust_inventory", "flowpos_create_order"}


@pytest.fixture
def environ(environ, sandbox_process):  # noqa: F811
    sandbox_process.lever("flowpos", "reset")
    return environ | {"SANDBOX_URL": sandbox_process.url}


@pytest.fixture
def fill_in(people, sign_in):
    """`fill_in("key", api_key=…)` connects as alice in her browser; gives what she sees afterwards."""

    def _fill_in(auth_method, **given):
        visitor = sign_in(people.alice)
        visitor.get("/integrations")
        assert visitor.submit("/integrations/flowpos").status_code == 200
        visitor.submit("/integrations/flowpos/way", {"state": state_of(visitor), "way": auth_method})
        visitor.follow(
            visitor.submit(
                "/integrations/flowpos/keys", {"state": state_of(visitor), "way": auth_method, **given}
            )
        )
        return visitor

    return _fill_in


def names(client):
    return set(client.tools())


@pytest.mark.parametrize(
    ("auth_method", "given"),
    [
        ("token", {"access_token": "sandbox-flowpos-mara"}),
        ("identity", {"id_token": "sandbox-identity-mara"}),
        ("key", {"api_key": "fp_mcp_sandbox_corner"}),
    ],
)
def test_each_way_in_gives_the_tools(alice, fill_in, auth_method, given):
    assert "FlowPOS connected: Corner Café" in fill_in(auth_method, **given).page
    assert names(alice) >= DOMAIN | INTENTS and not names(alice) & WRITES
    envelope = alice.call("get_client_health", {})
    assert envelope["operation"] == "get_client_health" and envelope["data"]["total"] == 7
    assert envelope["message"] == "FlowPOS account: Corner Café; business: Corner Café."


def test_writing_is_a_matter_of_the_connections_level(alice, fill_in):
    visitor = fill_in("token", access_token="sandbox-flowpos-mara")
    change = {"product_id": "p-12", "location_id": "l-11", "delta": 1, "reason": "Found one"}
    assert alice.call("flowpos_adjust_inventory", change)["error"]["code"] == "PERMISSION_DENIED"
    visitor.submit("/integrations/flowpos/permission", {"level": "write"})
    assert names(alice) >= WRITES
    assert alice.call("flowpos_adjust_inventory", change)["data"]["on_hand"] == 41


def test_a_scope_flowpos_did_not_grant_hides_and_refuses_its_tools(alice, fill_in):
    fill_in("token", access_token="sandbox-flowpos-reader")
    assert names(alice) >= DOMAIN and not names(alice) & INTENTS
    refused = alice.call("get_inventory_health", {})["error"]
    assert refused["code"] == "PERMISSION_DENIED" and refused["details"]["needs_any_of"] == ["pos:intents"]


def test_the_business_active_at_flowpos_is_used_until_another_is_chosen_or_named(alice, fill_in):
    fill_in("token", access_token="sandbox-flowpos-mara")
    orders = lambda **given: alice.call("flowpos_list_orders", {"limit": 1, **given})  # noqa: E731
    assert orders()["data"]["items"][0]["currency"] == "EUR"
    assert orders(business_id="b1a0-0002")["data"]["items"][0]["currency"] == "NZD"
    alice.call("set_active_business", {"business_id": "b1a0-0002"})
    assert orders()["message"] == "FlowPOS account: Corner Café; business: Harbour Kiosk."
    assert (
        alice.call("set_active_business", {"business_id": "b1a0-0003"})["error"]["code"]
        == "INVALID_ARGUMENTS"
    )
    assert orders()["data"]["items"][0]["currency"] == "NZD"


def test_a_membership_that_ended_is_no_longer_active(alice, fill_in, sandbox_process):  # noqa: F811
    fill_in("token", access_token="sandbox-flowpos-mara")
    alice.call("set_active_business", {"business_id": "b1a0-0002"})
    sandbox_process.lever("flowpos", "withdraw", person="mara", business="b1a0-0002")
    gone = alice.call("flowpos_list_orders", {})["error"]
    assert gone["code"] == "PERMISSION_DENIED" and "does not list Harbour Kiosk" in gone["message"]
    assert alice.call("flowpos_list_orders", {"limit": 1})["data"]["items"][0]["currency"] == "EUR"
    assert "set_active_business" not in names(alice)


def test_what_flowpos_lists_is_offered_from_the_next_test_of_the_connection_on(
    alice,
    fill_in,
    sandbox_process,  # noqa: F811
):
    visitor = fill_in("token", access_token="sandbox-flowpos-mara")
    assert "flowpos_get_products" in names(alice)
    sandbox_process.lever("flowpos", "unlist", tools=["get_products"])
    visitor.submit("/integrations/flowpos/test")
    assert "flowpos_get_products" not in names(alice) and names(alice) >= DOMAIN - {"flowpos_get_products"}
    refused = alice.call("flowpos_get_products", {})["error"]
    assert refused["code"] == "PERMISSION_DENIED" and "does not offer this tool" in refused["message"]
    sandbox_process.lever("flowpos", "unlist", tools=[])
    visitor.submit("/integrations/flowpos/test")
    assert alice.call("flowpos_get_products", {})["success"]


def test_a_key_without_a_scope_is_told_which_one_is_missing(alice, fill_in):
    fill_in("key", api_key="fp_mcp_sandbox_reader")
    refused = alice.call("get_client_health", {})["error"]
    assert refused["code"] == "PERMISSION_DENIED" and refused["details"]["needs_any_of"] == ["pos:intents"]


def test_one_business_needs_no_choosing(alice, fill_in):
    fill_in("identity", id_token="sandbox-identity-tom")
    assert "set_active_business" not in names(alice)
    assert alice.call("flowpos_get_products", {"limit": 1})["data"]["items"][0]["currency"] == "USD"


def test_an_access_token_that_ended_is_renewed_without_the_person(alice, fill_in, sandbox_process):  # noqa: F811
    fill_in("identity", id_token="sandbox-identity-mara")
    sandbox_process.lever("flowpos", "expire")
    assert alice.call("flowpos_get_products", {})["success"]
    assert sandbox_process.log("flowpos")["refreshes"] == 1
    sandbox_process.lever("flowpos", "advance", seconds=2 * 86_400)
    assert alice.call("flowpos_get_products", {})["error"]["code"] == "RECONNECT_NEEDED"


class TestWithoutTheSandbox:
    """The real FlowPOS, by what it documents: no app has to be registered there."""

    @pytest.fixture
    def environ(self, environ):
        return {**environ, "SANDBOX": "0"}

    def test_its_forms_are_offered_and_nothing_is_called_a_demo(self, people, sign_in):
        visitor = sign_in(people.alice)
        page = visitor.get("/integrations").text
        card = page[page.index('id="card-flowpos"') :].split('data-slug="')[1]
        assert "Sandbox" not in card and "Not configured" not in card
        assert visitor.submit("/integrations/flowpos").status_code == 200

    def test_ai_clients_may_offer_it(self, alice):
        services = alice.call("hub_list_connections", {})["data"]["services"]
        assert next(row for row in services if row["service"] == "flowpos")["state"] == "not_connected"


def test_the_demo_is_named_as_one_before_and_after_it_is_connected(fill_in, people, sign_in):
    def card(page):
        return page[page.index('data-slug="flowpos"') :].split('data-slug="')[1]

    before = card(sign_in(people.alice).get("/integrations").text)
    fill_in("key", api_key="fp_mcp_sandbox_corner")
    after = card(sign_in(people.alice).get("/integrations").text)
    assert "Disconnect" in after and "Disconnect" not in before
    assert all("Sandbox" in words for words in (before, after))
