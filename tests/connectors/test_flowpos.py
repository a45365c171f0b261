"""Connecting FlowPOS and working with it, against the imitated service over HTTP."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from app import config
from app.connectors import endpoints
from app.connectors.flowpos import CONNECTOR
from app.connectors.flowpos.orders import OrderDetails
from app.connectors.flowpos.values import in_main_units, read_as
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderRateLimited,
    ReconnectNeeded,
)
from app.sandbox import clock as sandbox_clock
from app.vault.token_endpoint import TokenRefused
from tests.support.processes import run_sandbox
from tests.support.signed_in import HeldToSchema
from tests.support.waiting import AT_MOST_SECONDS

MONTH = {
    "from": (sandbox_clock.today() - timedelta(days=30)).isoformat(),
    "to": sandbox_clock.today().isoformat(),
}


@pytest.fixture(scope="module")
def sandbox_url():
    """A process of its own, since these tests put FlowPOS back to its first day."""
    with run_sandbox() as url:
        yield url


class FlowPos(HeldToSchema):
    """A connection, with tools held to the schemas they promise."""

    def __init__(self, sandbox, auth_method="token", **given):
        super().__init__(CONNECTOR, sandbox, auth_method=auth_method, **given)

    def requests(self):
        """The JSON-RPC messages FlowPOS got, such as `tools/call get_order`."""
        return [line["rpc"] for line in self.levers.log()["requests"] if "rpc" in line]


@pytest.fixture
def flowpos(sandbox_url):
    requests.post(f"{sandbox_url}/_levers/flowpos/reset", timeout=AT_MOST_SECONDS).raise_for_status()
    return FlowPos(sandbox_url)


# --- ways in ---


@pytest.mark.parametrize(("auth_method", "businesses"), [("token", 2), ("identity", 2), ("key", 1)])
def test_the_account_is_named_by_the_business_that_is_active_at_flowpos(
    flowpos, sandbox_url, auth_method, businesses
):
    account = FlowPos(sandbox_url, auth_method).account
    assert (account.key, account.name, len(account.businesses)) == ("b1a0-0001", "Corner Café", businesses)
    assert account.businesses[0].facts["currency"] == "EUR"


def test_a_pasted_token_is_exchanged_for_one_whose_scopes_and_end_are_known(flowpos, sandbox_url):
    assert flowpos.bearer() != "sandbox-flowpos-mara"
    assert flowpos.tokens["scopes"] == ["pos:read", "pos:write", "reports:read", "psa:read", "pos:intents"]
    assert FlowPos(sandbox_url, access_token="sandbox-flowpos-reader").tokens["scopes"] == [
        "pos:read",
        "reports:read",
        "psa:read",
    ]


@pytest.mark.parametrize("status", [404, 400, 500])
def test_a_pasted_token_works_where_flowpos_gives_no_fresh_one(flowpos, sandbox_url, status):
    flowpos.levers("fail", path="/mcp/token/refresh", status=status)
    pasted = FlowPos(sandbox_url)
    assert pasted.bearer() == "sandbox-flowpos-mara"
    assert pasted.call("get_products")["items"]


@pytest.mark.parametrize(
    ("auth_method", "given"),
    [
        ("token", {"access_token": "somebody-elses"}),
        ("identity", {"id_token": "a.b.c"}),
        ("identity", {"id_token": "sandbox-identity-zoe"}),
    ],
)
def test_what_flowpos_does_not_know_is_refused(flowpos, sandbox_url, auth_method, given):
    with pytest.raises(TokenRefused, match="FlowPOS does not accept this"):
        FlowPos(sandbox_url, auth_method, **given)


def test_a_key_that_opens_no_business_connects_nothing(flowpos, sandbox_url):
    with pytest.raises(ReconnectNeeded, match="no active business"):
        FlowPos(sandbox_url, "key", api_key="fp_mcp_sandbox_operator")


def test_an_account_stays_the_same_when_its_first_business_is_gone(flowpos):
    flowpos.levers("withdraw", person="mara", business="b1a0-0001")
    account = CONNECTOR.identify(flowpos.api(None), {})
    assert (account.key, [b.id for b in account.businesses]) == (flowpos.account.key, ["b1a0-0002"])


def test_a_token_that_ended_long_ago_needs_its_person(flowpos):
    flowpos.levers("advance", seconds=86_400 + 7200)
    with pytest.raises(ReconnectNeeded):
        flowpos.call("get_products")


def test_what_is_filled_in_goes_to_the_server_the_operator_named_and_to_no_other(environ):
    named = {**environ, "FLOWPOS_BASE_URL": "https://api-staging.flowpos.app"}
    where = endpoints.resolve(CONNECTOR, config.load(named))
    assert where and not where.sandbox and set(where.auth_methods) == {"token", "identity", "key"}
    assert {*where.request_urls.values()} == {
        f"https://api-staging.flowpos.app/mcp/token{rest}" for rest in ("", "/refresh")
    }
    moved = endpoints.resolve(
        CONNECTOR, config.load({**named, "FLOWPOS_TOKEN_URL": "https://id.flowpos.app/token"})
    )
    assert moved and "https://id.flowpos.app/token" in moved.request_urls.values()


def test_the_real_flowpos_is_reached_where_it_documents_its_endpoint(environ):
    where = endpoints.resolve(CONNECTOR, config.load({**environ, "SANDBOX": "0"}))
    assert where and not where.sandbox and where.auth_methods == ("token", "identity", "key")
    assert {where.base_url, *where.request_urls.values()} == {
        f"https://api.flowpos.app{path}" for path in ("", "/mcp/token", "/mcp/token/refresh")
    }


# --- what one may not ---


def test_what_flowpos_does_not_list_for_a_key_is_not_offered(flowpos, sandbox_url):
    reader = FlowPos(sandbox_url, "key", api_key="fp_mcp_sandbox_reader")
    offered = {tool.verb for tool in CONNECTOR.tools} - set(reader.account.facts["lacks"])
    assert offered == {"get_products", "get_inventory", "list_orders", "get_order", "list_clients"}
    for verb, arguments in (("get_sales_report", MONTH), ("get_client_health", {})):
        with pytest.raises(PermissionDenied, match=f"offers no {verb}"):
            reader.call(verb, arguments)


def test_a_scope_that_is_gone_meanwhile_is_named(flowpos):
    flowpos.levers("unscope", scopes=["reports:read"])
    with pytest.raises(PermissionDenied) as refused:
        flowpos.call("get_sales_report", MONTH)
    assert refused.value.details["needs_any_of"] == ["reports:read"]


def test_a_business_of_somebody_else_is_never_reached(flowpos, sandbox_url):
    tom = FlowPos(sandbox_url, access_token="sandbox-flowpos-tom")
    with pytest.raises(PermissionDenied):
        tom.call("get_products", business=flowpos.business)


def test_what_is_not_there_and_what_cannot_be_is_said(flowpos):
    with pytest.raises(ObjectNotFound):
        flowpos.call("get_order", order_id="o-none")
    for verb, arguments in (
        ("get_sales_report", {"from": "2026-02-02", "to": "2026-02-01"}),
        ("get_sales_report", {"from": "2024-01-01", "to": "2026-02-01"}),
        ("adjust_inventory", {"product_id": "p-12", "location_id": "l-11", "delta": 0, "reason": "Nothing"}),
        ("create_order", {"location_id": "l-11", "items": [{"product_id": "p-13", "quantity": 9}]}),
    ):
        with pytest.raises(InvalidArguments):
            flowpos.call(verb, arguments)
    with pytest.raises(ObjectNotFound):
        flowpos.call("get_order", order_id="..")


def test_too_many_requests_say_when_to_come_back(flowpos):
    flowpos.levers("rate_limit", retry_after=40)
    with pytest.raises(ProviderRateLimited) as slowed:
        flowpos.call("get_products")
    assert slowed.value.retry_after_seconds == 40


# --- reading ---


def test_products_are_read_to_their_end(flowpos):
    tool = flowpos.tool("get_products")
    page = tool.call(flowpos.api(flowpos.business), tool.parse({"limit": 5}))
    rest = tool.call(flowpos.api(flowpos.business), tool.parse({"limit": 5, "after": page["next"]}))
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (5, 3, None)
    assert (page["items"][0]["price"], page["items"][0]["currency"]) == ("21.50", "EUR")


def test_the_two_businesses_do_not_mix(flowpos):
    kiosk = flowpos.account.businesses[1]
    assert {row["currency"] for row in flowpos.call("list_orders", business=kiosk)["items"]} == {"NZD"}
    assert {row["currency"] for row in flowpos.call("list_orders")["items"]} == {"EUR"}


def test_sales_agree_with_the_locations_and_products(flowpos):
    report = flowpos.call("get_sales_report", {**MONTH, "group_by": "month"})
    places = flowpos.call("get_sales_by_location", MONTH)["items"]
    assert (
        report["currency"] == "EUR"
        and report["totals"]["orders"] == sum(place["orders"] for place in places) > 50
    )
    assert (
        Decimal(report["totals"]["net"])
        == sum(Decimal(place["net"]) for place in places)
        == sum(Decimal(point["net"]) for point in report["series"])
    )
    top = flowpos.call("get_top_products", {**MONTH, "limit": 3})["items"]
    sold = [Decimal(product["net"]) for product in top]
    assert sold == sorted(sold, reverse=True)


def test_every_amount_is_decimal_text_beside_its_currency(flowpos):
    order = flowpos.call("list_orders", {**MONTH, "limit": 1})["items"][0]
    details = flowpos.call("get_order", order_id=order["order_id"])
    rows = {
        "product": flowpos.call("get_products")["items"][0],
        "order": details,
        "line": details["items"][0] | {"currency": details["currency"]},
        "payment": details["payments"][0] | {"currency": details["currency"]},
        "client": flowpos.call("list_clients")["items"][0],
        "best seller": flowpos.call("get_top_products", MONTH)["items"][0],
        "location": flowpos.call("get_sales_by_location", MONTH)["items"][0],
        "health": flowpos.call("get_client_health")["lost_clients"][0],
        "stock": flowpos.call("get_inventory_health"),
    }
    amounts = {"price", "cost", "total", "unit_price", "amount", "total_spent", "net", "value"}
    for name, row in rows.items():
        found = [value for field, value in row.items() if field in amounts]
        assert found and row["currency"] == "EUR", name
        assert all(re.fullmatch(r"\d+\.\d\d", value) for value in found), name
        assert not [field for field in row if field.endswith("_minor")], name


@pytest.mark.parametrize(
    ("currency", "total"), [("EUR", "21.50"), ("JPY", "2150"), ("KWD", "2.150"), (None, None), (7, None)]
)
def test_an_amount_has_the_decimals_of_its_currency_and_none_without_one(currency, total):
    record = {"id": "o-1", "totalMinor": 2150, "currency": currency, "items": [{"unitPriceMinor": 2150}]}
    order = read_as(OrderDetails, in_main_units(record, None)).model_dump(mode="json")
    assert (order["total"], order["items"][0]["unit_price"]) == (total, total)


@pytest.mark.parametrize("odd", [21.5, "21.50", True, None, {}])
def test_an_amount_that_is_no_whole_number_is_left_out(odd):
    record = {"id": "o-1", "totalMinor": odd, "currency": "EUR"}
    assert read_as(OrderDetails, in_main_units(record, None)).total is None


# --- health ---


def test_inventory_health_says_what_to_order_and_what_it_is_worth(flowpos):
    health = flowpos.call("get_inventory_health")
    assert {row["name"] for row in health["out_of_stock_lines"]} == {"Stoneware cup"}
    assert [row["name"] for row in health["below_reorder_lines"] if row["location_id"] == "l-11"] == [
        "Espresso beans 1 kg",
        "Carrot cake, slice",
    ]
    assert {row["name"] for row in health["overstocked_lines"]} == {"Travel mug"}
    assert (health["lines"], health["currency"], health["warnings"]) == (16, "EUR", [])
    stock = flowpos.call("get_inventory", limit=100)["items"]
    costs = {p["product_id"]: Decimal(p["cost"]) for p in flowpos.call("get_products")["items"]}
    assert Decimal(health["value"]) == sum(row["on_hand"] * costs[row["product_id"]] for row in stock)
    covers = [row["days_of_cover"] for row in health["below_reorder_lines"]]
    assert covers == sorted(covers) and covers[0] > 0


def test_inventory_health_of_one_location_gives_no_cover_it_cannot_know(flowpos):
    health = flowpos.call("get_inventory_health", location_id="l-12")
    assert health["lines"] == 8 and "all locations together" in health["warnings"][0]
    assert {row["days_of_cover"] for row in health["below_reorder_lines"]} <= {None}


def test_client_health_tells_who_is_drifting_away(flowpos):
    health = flowpos.call("get_client_health")
    assert [health[n] for n in ("total", "active", "at_risk", "lost", "never_ordered")] == [7, 3, 2, 1, 1]
    assert [c["name"] for c in health["at_risk_clients"]] == ["Maple Dental", "Ida Rask"]
    assert [c["name"] for c in health["lost_clients"]] == ["Old Mill Hotel"]
    assert health["top_spenders"][0]["name"] == "Old Mill Hotel" and health["currency"] == "EUR"
    assert flowpos.call("get_client_health", inactive_days=365)["active"] == 6


# --- writing ---


def test_a_write_whose_answer_is_lost_is_sent_once_and_reported(flowpos):
    flowpos.levers("drop", rpc="adjust_inventory", when="after")
    with pytest.raises(OutcomeUnknown):
        flowpos.call("adjust_inventory", product_id="p-12", location_id="l-11", delta=-4, reason="Broken")
    assert flowpos.requests().count("tools/call adjust_inventory") == 1
    assert (
        next(
            row
            for row in flowpos.call("get_inventory", location_id="l-11")["items"]
            if row["product_id"] == "p-12"
        )["on_hand"]
        == 36
    )


def test_an_order_is_made_at_present_prices_and_takes_stock(flowpos):
    lines = [{"product_id": "p-12", "quantity": 2}, {"product_id": "p-15", "quantity": 1}]
    order = flowpos.call("create_order", location_id="l-11", items=lines, client_id="c-11")
    assert (order["total"], order["status"], order["currency"]) == ("20.60", "open", "EUR")
    assert flowpos.call("get_order", order_id=order["order_id"]) == order
    assert (
        next(
            row
            for row in flowpos.call("get_inventory", location_id="l-11")["items"]
            if row["product_id"] == "p-12"
        )["on_hand"]
        == 38
    )


# --- what a person reads before they approve ---


def test_an_order_is_priced_and_named_before_it_is_made(flowpos):
    lines = [{"product_id": "p-12", "quantity": 2}, {"product_id": "p-15", "quantity": 1}]
    found = flowpos.preview("create_order", location_id="l-11", items=lines, client_id="c-11")
    names = {p["product_id"]: p["name"] for p in flowpos.call("get_products")["items"]}
    buyer = next(c["name"] for c in flowpos.call("list_clients")["items"] if c["client_id"] == "c-11")
    assert found.headline.startswith("Create an order at “")
    assert found.headline.endswith(
        f"for “{buyer}”: 2 × “{names['p-12']}” and 1 × “{names['p-15']}”, 20.60 EUR"
    )
    assert found.button == "Create order, 20.60 EUR"
    assert "tools/call create_order" not in flowpos.requests()


def test_a_change_of_stock_names_product_place_and_what_is_left(flowpos):
    found = flowpos.preview(
        "adjust_inventory", product_id="p-12", location_id="l-11", delta=-4, reason="Broken"
    )
    assert re.fullmatch(
        r"Remove 4 from the stock of “[^”]+” at “[^”]+” \(40 → 36\): “Broken”", found.headline
    )
    assert found.button == "Remove 4"
    assert (
        "less than nothing"
        in flowpos.preview(
            "adjust_inventory", product_id="p-12", location_id="l-11", delta=-400, reason="Lost"
        ).warning
    )


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("adjust_inventory", {"product_id": "p-none", "location_id": "l-11", "delta": 1, "reason": "x"}),
        ("adjust_inventory", {"product_id": "p-12", "location_id": "l-none", "delta": 1, "reason": "x"}),
        ("create_order", {"location_id": "l-11", "items": [{"product_id": "p-none", "quantity": 1}]}),
        (
            "create_order",
            {"location_id": "l-11", "items": [{"product_id": "p-12", "quantity": 1}], "client_id": "c-none"},
        ),
    ],
)
def test_what_flowpos_does_not_have_is_said_before_anybody_is_asked(flowpos, verb, arguments):
    with pytest.raises(ObjectNotFound, match="FlowPOS has no"):
        flowpos.preview(verb, arguments)
