"""Our client at a server, and what its tokens belong to (F3): one issuer, redirect address and server."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.federation import changes
from app.federation.models import McpServer
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.federation.oauth_site import OAuthSite
from tests.support.scripted_http import Written, scripted


def server_row():
    with database.reading() as db:
        return db.exec(select(McpServer)).one()


def connection_row():
    with database.reading() as db:
        return db.exec(select(Connection)).one()


def change_server(**columns):
    with database.transaction() as db:
        row = db.exec(select(McpServer)).one()
        for name, value in columns.items():
            setattr(row, name, value)
        changes.touch(db, row.workspace_id)


def allow(walk, slug):
    walk.allow_tools(slug)
    walk.post(f"/integrations/{slug}/permission", {"connection": walk.connection_of(slug), "level": "write"})


def test_a_server_that_was_restarted_and_forgot_us_is_connected_again(
    walk, fastmcp_server, client_of, people
):
    walk.add(fastmcp_server.url, name="Ledger")
    assert "Ledger connected" in walk.person.page, walk.sentences()
    allow(walk, "ledger")
    client, first = client_of(people.alice), server_row()
    answer = client.call("ledger_list_entries")
    assert answer["success"], answer
    fastmcp_server.restart()
    code, message = client.refusal("ledger_list_entries")
    assert code == "RECONNECT_NEEDED" and "/integrations/connect/" in message
    walk.connect("ledger", connection=walk.connection_of("ledger"))
    assert "Ledger connected" in walk.person.page, walk.sentences()
    second = server_row()
    assert second.client_id != first.client_id and second.client_kind == "registered"
    assert client.call("ledger_list_entries")["success"]


def test_a_server_that_forgot_us_is_noticed_before_anybody_meets_its_error_page(walk, fastmcp_server):
    walk.add(fastmcp_server.url, name="Ledger")
    first = server_row()
    fastmcp_server.restart()
    walk.connect("ledger", connection=walk.connection_of("ledger"))  # no call has found out yet
    assert "Ledger connected" in walk.person.page, walk.sentences()
    assert server_row().client_id != first.client_id


INVALID_CLIENT = Written(401, {"error": "invalid_client"})


@both_databases
def test_a_client_that_the_token_endpoint_does_not_know_is_registered_once_more(walk, oauth_site):
    oauth_site.token_answers = [INVALID_CLIENT]
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert "Site connected" in walk.person.page, walk.sentences()
    assert (server_row().client_id, len(walk.consents)) == ("client-2", 2)


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_a_client_that_the_consent_page_does_not_know_is_registered_once_more(walk, oauth_site, error):
    oauth_site.callback_errors = [error]
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert "Site connected" in walk.person.page, walk.sentences()
    assert (server_row().client_id, len(walk.consents)) == ("client-2", 2)


def test_a_server_that_never_knows_us_is_asked_twice_and_no_more(walk, oauth_site):
    oauth_site.token_answers = [INVALID_CLIENT] * 9
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert "Site connection failed" in walk.person.page
    assert "no longer recognizes this installation" in walk.person.page
    assert len(walk.consents) == 2 and oauth_site.clients == 2


def test_a_server_that_registers_us_no_more_says_so_on_the_hub(walk, oauth_site):
    oauth_site.token_answers = [INVALID_CLIENT]

    def once(sent):
        oauth_site.server.script["POST", "/register"] = Written(403, {"error": "access_denied"})
        return Written(201, {"client_id": "client-1", "client_secret": "canary-client-secret"})

    oauth_site.server.script["POST", "/register"] = once
    last = walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert last.status_code == 200 and "Site connection failed" in walk.person.page
    assert "refused to register this installation" in walk.person.page


def test_a_reloaded_callback_registers_nothing_anew(walk, oauth_site):
    oauth_site.token_answers = [INVALID_CLIENT]
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    state = walk.consents[0].split("state=")[1].split("&")[0]
    walk.arrive(walk.get(f"/integrations/site/callback?state={state}&code=code-of-client-1"))
    assert oauth_site.clients == 2 and connection_row().state == "connected"


def test_a_renewal_that_meets_an_unknown_client_asks_the_person(walk, oauth_site, client_of, people):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    allow(walk, "site")
    client = client_of(people.alice)
    clock.shift(timedelta(hours=2))
    oauth_site.token_answers = [INVALID_CLIENT]
    code, message = client.refusal("site_ping")
    assert code == "RECONNECT_NEEDED" and "no longer recognizes this installation" in message
    assert connection_row().state == "reconnect_needed"


@both_databases
def test_tokens_of_an_edited_address_are_sent_nowhere(walk, oauth_site, client_of, people):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    allow(walk, "site")
    client = client_of(people.alice)
    assert client.call("site_ping")["success"]
    with scripted() as other:
        change_server(url=f"{other.url}/mcp")
        sent_before = len(oauth_site.server.requests)
        code, message = client.refusal("site_ping")
        assert code == "RECONNECT_NEEDED" and "moved" in message
        clock.shift(timedelta(hours=2))  # nor is it renewed
        assert client.refusal("site_ping")[0] == "RECONNECT_NEEDED"
        walk.post("/integrations/site/disconnect", {"connection": walk.connection_of("site")})
        assert [each for each in other.requests if "authorization" in each.headers] == []
        assert not [each for each in other.requests if b"canary" in each.body]
        assert len(oauth_site.server.requests) == sent_before


def test_a_server_that_names_another_issuer_gets_a_client_of_its_own_there(
    walk, oauth_site, client_of, people
):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    allow(walk, "site")
    client = client_of(people.alice)
    with scripted() as elsewhere:
        moved = OAuthSite(elsewhere)
        oauth_site.issuer = elsewhere.url
        walk.connect("site", connection=walk.connection_of("site"))
        assert "Site connected" in walk.person.page, walk.sentences()
        assert moved.clients == 1 and server_row().client_issuer == elsewhere.url
        assert client.call("site_ping")["success"]
        sent = b" ".join(each.body for each in elsewhere.requests)
        assert b"canary-refresh-token" not in sent
        assert oauth_site.server.at("/token")[-1].form["code"] == "code-of-client-1"


def test_the_metadata_document_says_who_we_are(visitor, settings):
    answer = visitor.get("/client-metadata.json")
    assert answer.json["client_id"] == f"{settings.public_url}/client-metadata.json"
    assert answer.json["redirect_uris"] == [f"{settings.public_url}/oauth-callback"]
    assert answer.json["token_endpoint_auth_method"] == "none" and "client_secret" not in answer.json
    assert "Set-Cookie" not in answer.headers


def test_a_secret_of_ours_is_sealed_and_never_displayed(walk, oauth_site):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    row = server_row()
    assert "canary" not in str(row.model_dump()) and row.client_secret_sealed
    for path in ("/integrations", "/integrations/servers/site", "/activity"):
        assert "canary" not in walk.get(path).text
