"""What holds for every tool of every service at the endpoint: the connection's level decides, before the
service is asked.
"""

import pytest

from app import database
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.vault import store
from app.vault.token_endpoint import TokenSet

SLUGS = [each.slug for each in services_of(None)]
TOKENS = TokenSet("nobody-asks-with-this", "nor-with-this", 3600, raw={})


@pytest.fixture
def connected(app, people, settings):
    """`connected("xero", "read")`: a connection of alice at that level. Its tokens are of no use to
    anybody.
    """

    def _connected(slug, level):
        account = Account(
            "1", "Northwind", (Business("1", "Northwind"),) if services_of(None).get(slug).business else ()
        )
        with database.transaction() as db:
            row = store.connect(
                db,
                workspace_id=people.northwind.id,
                owner_id=people.alice.id,
                slug=slug,
                account=account,
                tokens=TOKENS,
                scopes=(),
                keys=settings.vault_keys,
            )
            row.permission = level
        return row

    return _connected


def names_of(slug, *, reads):
    return {tool.name_in(slug) for tool in services_of(None).get(slug).tools if tool.reads_only is reads}


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch):
    """A request to a service ends the test."""

    def send(*args, **options):
        raise AssertionError("the service was asked")

    monkeypatch.setattr("app.outbound.send", send)


@pytest.mark.parametrize("slug", SLUGS)
def test_at_level_read_every_writing_tool_is_hidden_and_refused(alice, connected, slug):
    connected(slug, "read")
    listed = set(alice.tools())
    assert names_of(slug, reads=True) <= listed and not names_of(slug, reads=False) & listed
    for name in names_of(slug, reads=False):
        code, sentence = alice.refusal(name)
        assert (code, "read only" in sentence) == ("PERMISSION_DENIED", True), name


@pytest.mark.parametrize("slug", SLUGS)
def test_at_level_off_every_tool_is_hidden_and_refused(alice, connected, slug):
    connected(slug, "off")
    assert not (names_of(slug, reads=True) | names_of(slug, reads=False)) & set(alice.tools())
    for name in names_of(slug, reads=True) | names_of(slug, reads=False):
        assert alice.refusal(name)[0] == "PERMISSION_DENIED", name


@pytest.mark.parametrize("slug", SLUGS)
def test_at_level_write_all_are_listed_and_a_reader_token_still_sees_no_writing(
    alice, client_of, people, connected, slug
):
    connected(slug, "write")
    assert names_of(slug, reads=True) | names_of(slug, reads=False) <= set(alice.tools())
    reader = client_of(people.alice, "tools:read")
    assert names_of(slug, reads=True) <= set(reader.tools()) and not names_of(slug, reads=False) & set(
        reader.tools()
    )
    for name in names_of(slug, reads=False):
        assert reader.ask("tools/call", name=name, arguments={}).status_code == 403, name
    for name in sorted(names_of(slug, reads=False))[:1]:  # what is wrong with it now are its arguments
        assert alice.refusal(name, {"surprise": 1})[0] == "INVALID_ARGUMENTS"


@pytest.mark.parametrize("slug", SLUGS)
def test_a_strangers_connection_is_not_there(client_of, people, connected, slug):
    connected(slug, "write")
    charlie = client_of(people.charlie)
    assert not (names_of(slug, reads=True) | names_of(slug, reads=False)) & set(charlie.tools())
    assert charlie.refusal(sorted(names_of(slug, reads=True))[0])[0] == "NOT_CONNECTED"
