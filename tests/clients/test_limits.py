"""Which AI clients can take the tool list: the page says so and offers compact mode, and the list keeps to
their limits of names and sizes.
"""

import pytest

from app import database
from app.clients import limits
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.mcp_server import envelope
from app.mcp_server.toolbox import Toolbox
from app.vault import store
from app.vault.token_endpoint import TokenSet

COMPACT = "http://localhost:8000/mcp?tools=compact"


@pytest.fixture
def connected(people, settings):
    """`connected("xero", "stripe")`: connections of alice at level write."""

    def _connected(*slugs):
        for slug in slugs:
            with database.transaction() as db:
                row = store.connect(
                    db,
                    workspace_id=people.northwind.id,
                    owner_id=people.alice.id,
                    slug=slug,
                    account=Account("1", "Northwind", (Business("1", "Northwind"),)),
                    tokens=TokenSet("nobody-asks-with-this", "nor-with-this", 3600, raw={}),
                    scopes=(),
                    keys=settings.vault_keys,
                )
                row.permission = "write"

    return _connected


@pytest.fixture
def alice(sign_in, people):
    return sign_in(people.alice)


def page_of(visitor, client="claude"):
    return visitor.get(f"/ai-clients?client={client}").get_data(as_text=True)


def test_a_short_list_suits_everybody(alice, connected):
    connected("gmail")
    pages = page_of(alice) + page_of(alice, "cursor")
    assert "too many" not in pages and "can load" not in pages


def test_with_everything_connected_the_page_names_who_cannot_take_it(alice, connected):
    connected(*(each.slug for each in services_of(None) if each.slug != "acme"))
    page = page_of(alice)
    assert (
        "more than these clients can load: Cursor (40; 80 in newer versions), Windsurf (100), "
        "VS Code (128) and OpenAI&#39;s API (128). Use the compact URL there, or select fewer tools" in page
    )
    assert "tools are too many for" not in page  # Claude's guide


@pytest.mark.parametrize(("client", "name"), [("cursor", "Cursor"), ("vs-code", "VS Code")])
def test_the_guide_of_such_a_client_offers_compact_mode(alice, connected, client, name):
    connected(*(each.slug for each in services_of(None) if each.slug != "acme"))
    page = page_of(alice, client)
    assert f"tools are too many for {name}." in page
    assert f"The steps below use the compact URL: <code>{COMPACT}</code>" in page
    snippet = page[page.index("<pre") :]
    assert COMPACT in snippet and f"{COMPACT.partition('?')[0]}&#34;" not in snippet


def test_compact_mode_suits_every_client():
    box = Toolbox()
    assert limits.too_many_for(len(box._compact) + len(box._builtin)) == ()


@pytest.mark.parametrize("client", limits.CLIENTS, ids=lambda client: client.name)
def test_names_and_results_keep_to_the_limits_of(client):
    for tool in Toolbox(debug_tools=True).everything("wsp_any"):
        full_name = client.name_prefix + tool["name"]
        assert client.name_characters is None or len(full_name) <= client.name_characters, full_name
    assert client.result_tokens is None or client.result_tokens * 3 >= envelope.MOST_CHARACTERS
    assert client.source.startswith("https://")
