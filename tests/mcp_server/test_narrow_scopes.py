"""A token with FlowPOS' own scopes alone lists and calls the FlowPOS tools they cover, and learns of
nothing else.
"""

import pytest

from app import database
from app.connectors.spec import Account, Business
from app.oauth_server import scopes
from app.vault import connection_settings, store
from tests.support import acme

OURS = {"hub_list_connections", "hub_connect_service"}
POS = {
    "flowpos_get_products",
    "flowpos_get_inventory",
    "flowpos_list_orders",
    "flowpos_get_order",
    "flowpos_list_clients",
}
REPORTS = {"flowpos_get_sales_report", "flowpos_get_top_products", "flowpos_get_sales_by_location"}
PSA = {"flowpos_list_psa_boards", "flowpos_list_psa_items"}
INTENTS = {"get_inventory_health", "get_client_health", "summarize_day", "summarize_period"}
WRITES = {"flowpos_adjust_inventory", "flowpos_create_order"}


@pytest.fixture
def connected(people, settings):
    """`connected("flowpos", 2)`: alice's connection with so many businesses, which AI clients may write
    to.
    """

    def _connected(slug, businesses=1):
        account = Account(
            key=slug,
            name=slug.title(),
            businesses=tuple(Business(f"b{n}", f"Shop {n}") for n in range(businesses)),
        )
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=people.northwind.id,
                owner_id=people.alice.id,
                slug=slug,
                account=account,
                tokens=acme.TOKENS,
                scopes="",
                keys=settings.vault_keys,
            )
            connection_settings.set_permission(db, connection, "write")
        return connection

    return _connected


@pytest.mark.parametrize(
    ("held", "tools"),
    [
        ("pos:read", POS),
        ("pos:write", POS | WRITES),
        ("reports:read", REPORTS),
        ("psa:read", PSA),
        ("pos:intents", INTENTS),
        ("reports:read pos:intents", REPORTS | INTENTS),
        (" ".join(scopes.NARROW), POS | WRITES | REPORTS | PSA | INTENTS),
    ],
)
def test_exactly_the_tools_of_its_scopes_are_listed(client_of, people, connected, held, tools):
    connected("flowpos")
    connected("acme")
    assert set(client_of(people.alice, held).tools()) == tools | OURS
    assert set(
        client_of(people.alice, "tools:read tools:write").tools()
    ) >= POS | WRITES | REPORTS | PSA | INTENTS | {"acme_get_thing"}


def test_reading_everything_reads_flowpos_too_and_writes_nothing(client_of, people, connected):
    connected("flowpos")
    listed = set(client_of(people.alice, "tools:read").tools())
    assert listed >= POS | REPORTS | PSA | INTENTS and not listed & WRITES


@pytest.mark.parametrize(
    ("held", "tool", "required"),
    [
        ("pos:read", "flowpos_create_order", "pos:read pos:write"),
        ("pos:read reports:read", "get_client_health", "pos:read reports:read pos:intents"),
        ("pos:read", "acme_get_thing", "pos:read tools:read"),
        ("pos:read", "memory_list", "pos:read tools:read"),
        ("tools:read", "flowpos_create_order", "tools:read tools:write"),
    ],
)
def test_a_tool_outside_is_refused_and_names_what_would_do(
    client_of, people, connected, held, tool, required
):
    connected("flowpos")
    connected("acme")
    client = client_of(people.alice, held)
    refused = client.ask("tools/call", name=tool, arguments={})
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert f'scope="{required}"' in refused.headers["WWW-Authenticate"]
    assert client.call("hub_list_connections")["success"]


def test_it_sees_no_other_service_and_none_of_its_accounts(app, client_of, people, connected):
    connected("flowpos")
    connected("acme")
    client = client_of(people.alice, "pos:read")
    assert [row["service"] for row in client.call("hub_list_connections")["data"]["services"]] == ["flowpos"]
    assert client.refusal("hub_connect_service", {"service": "xero"})[0] == "INVALID_ARGUMENTS"
    status = app.test_client().get("/status", headers={"Authorization": f"Bearer {client.token}"}).json
    assert [row["service"] for row in status["connections"]] == ["flowpos"]
    everything = client_of(people.alice).call("hub_list_connections")["data"]["services"]
    assert {"flowpos", "acme"} <= {row["service"] for row in everything}


def test_it_chooses_among_the_businesses_of_flowpos_only(client_of, people, connected):
    connected("acme", 3)
    client = client_of(people.alice, "pos:read")
    assert "set_active_business" not in client.tools()
    assert client.refusal("set_active_business", {"business_id": "b1"})[0] == "INVALID_ARGUMENTS"
    connected("flowpos", 2)
    assert "set_active_business" in client.tools()


def test_compact_mode_finds_and_calls_no_more(app, token_for, people, connected):
    from tests.mcp_server.test_compact import CompactClient

    connected("flowpos")
    connected("acme")
    client = CompactClient(app, token_for(people.alice, "pos:read"))
    assert set(client.tools()) == {"find_tools", "describe_tool", "call_read_tool", *OURS}
    found = {
        row["name"]
        for row in client.call("find_tools", {"query": "orders things sales report"})["data"]["tools"]
    }
    assert found and found <= POS
    refused = client.ask("tools/call", name="call_read_tool", arguments={"name": "flowpos_get_sales_report"})
    assert refused.status_code == 403
    assert "call_write_tool" in CompactClient(app, token_for(people.alice, "pos:write")).tools()
