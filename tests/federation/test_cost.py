"""What a call of an MCP server's tool costs the database, however many servers are registered."""

import re

import pytest

from tests.conftest import both_databases
from tests.support.added_servers import list_is_good

LIST, ADD = "notebook_list_notes", "notebook_add_note"
LOOK_UP = "SELECT oauth_access_tokens"  # who calls, the connection and its tokens


@pytest.fixture
def warm(sdk_server, add, connect, client_of, people):
    """A client that has called before: its session and its list are known, its use is noted."""
    add(sdk_server.url)
    list_is_good(connect(permission="write"))
    client = client_of(people.alice)
    client.call(LIST)
    return client


def outline(statements):
    """Each statement's verb and the table it is about."""
    return [" ".join([each.split()[0], *table_of(each)]) for each in statements]


def table_of(statement):
    tables = ("oauth_access_tokens", "connections", "limit_counters", "audit_entries", "calls")
    words = set(re.findall(r"\w+", statement))
    return [name for name in tables if name in words][:1]


@both_databases
def test_a_call_that_reads_sends_three_statements(warm, sent, database_kind):
    with sent() as made:
        warm.call(LIST)
    recorded = ["INSERT limit_counters", "INSERT calls"]
    if database_kind == "postgres":
        recorded = ["WITH limit_counters", "WITH calls"]
    assert outline(made) == [LOOK_UP, *recorded]


@both_databases
def test_a_call_that_writes_stores_its_entry_of_the_trail_with_its_row(warm, sent, database_kind):
    with sent() as made:
        warm.call(ADD, {"text": "Buy bread"})
    recorded = ["WITH limit_counters", "WITH audit_entries"]
    if database_kind == "sqlite":
        together = ["BEGIN", "INSERT calls", "INSERT audit_entries", "COMMIT"]
        recorded = ["INSERT limit_counters", *together]
    assert outline(made) == [LOOK_UP, *recorded]


def test_further_servers_and_connections_cost_a_call_nothing(warm, sent, sdk_server, add, connect):
    with sent() as alone:
        warm.call(LIST)
    for number in range(20):
        add(sdk_server.url, slug=f"crm{number}", definitions=[])
        connect(slug=f"crm{number}", name=f"CRM {number}")
    warm.call(LIST)  # which reads the servers, once
    with sent() as beside:
        warm.call(LIST)
    assert outline(beside) == outline(alone)
