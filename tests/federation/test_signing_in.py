"""What a consent page's answer must name (RFC 9207), and how missing scopes are granted later (F2)."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.errors import InvalidInput
from app.federation import discovery
from tests.conftest import both_databases
from tests.federation.oauth_site import OAuthSite
from tests.support.scripted_http import scripted


def scopes_requested(walk):
    return [dict(parse_qsl(urlsplit(each).query)).get("scope", "").split() for each in walk.consents]


@pytest.mark.parametrize(
    ("promised", "iss", "connects"),
    [
        (True, "{issuer}", True),
        (True, None, False),
        (True, "{issuer}/", False),
        (True, "https://evil.example", False),
        (False, None, True),
        (False, "{issuer}", True),
        (False, "https://evil.example", False),
        (False, "{issuer}/authorize", False),
    ],
)
def test_an_answer_must_name_its_issuer_exactly(walk, oauth_site, promised, iss, connects):
    oauth_site.metadata = {"authorization_response_iss_parameter_supported": promised}
    oauth_site.iss = iss and iss.format(issuer=oauth_site.server.url)
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert ("Site connected" in walk.person.page) == connects, walk.sentences()
    if not connects:
        assert "The response did not come from Site" in walk.person.page
        assert oauth_site.server.at("/token") == [], "the code must not be spent"


def connected(walk, oauth_site):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    walk.allow_tools("site")
    connection = walk.connection_of("site")
    walk.post("/integrations/site/permission", {"connection": connection, "level": "write"})
    return connection


@both_databases
def test_a_call_that_lacks_scopes_answers_with_a_link_that_grants_them(walk, oauth_site, client_of, people):
    oauth_site.wanted = {"ping": "write extra"}
    connected(walk, oauth_site)
    client = client_of(people.alice)
    code, message = client.refusal("site_ping")
    assert code == "RECONNECT_NEEDED" and "requires more permissions" in message
    path = "/integrations/connect/" + message.split("/integrations/connect/")[1].split()[0]
    walk.get(path)
    walk.arrive(walk.post(path, {}))
    assert scopes_requested(walk) == [["basic"], ["basic", "write", "extra"]]
    assert client.call("site_ping")["success"]
    walk.connect("site", connection=walk.connection_of("site"))
    assert scopes_requested(walk)[-1] == ["basic", "write", "extra"], "nothing that was granted is lost"


def test_scopes_that_were_granted_and_do_not_help_are_not_asked_for_again(
    walk, oauth_site, client_of, people
):
    oauth_site.wanted = {"ping": "write"}
    connection = connected(walk, oauth_site)
    client = client_of(people.alice)
    assert client.refusal("site_ping")[0] == "RECONNECT_NEEDED"
    walk.connect("site", connection=connection)
    oauth_site.granted = ""  # its word in the token's answer was "basic write"
    code, message = client.refusal("site_ping")
    assert code == "PERMISSION_DENIED" and "although the permissions" in message


@pytest.mark.parametrize(
    ("supported", "scopes"),
    [
        (["basic", "offline_access"], ("basic", "offline_access")),
        (["basic"], ("basic",)),
        (None, ("basic",)),
    ],
)
def test_a_refresh_token_is_asked_for_where_a_scope_stands_for_it(
    app, settings, oauth_site, supported, scopes
):
    oauth_site.metadata = {"scopes_supported": supported}
    assert discovery.look(settings, f"{oauth_site.server.url}/mcp").oauth.scopes == scopes


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"code_challenge_methods_supported": None}, "PKCE"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"issuer": "https://other.example"}, "metadata there is for another issuer"),
        ({"grant_types_supported": ["urn:ietf:params:oauth:grant-type:device_code"]}, "lets neither people"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "neither a client secret nor apps without one",
        ),
        ({"authorization_endpoint": None}, "its sign-in page"),
    ],
)
def test_a_sign_in_that_is_not_safe_is_refused_with_its_reason(app, settings, oauth_site, metadata, words):
    oauth_site.metadata = metadata
    with pytest.raises(InvalidInput, match=words):
        discovery.look(settings, f"{oauth_site.server.url}/mcp")


def facts_on(page):
    """The facts about the server on its page, by their terms."""
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", page))


def test_whose_page_asks_and_who_issues_the_tokens_is_a_fact_on_the_page(walk, oauth_site):
    url, own = f"{oauth_site.server.url}/mcp", oauth_site.server.netloc
    walk.look(url)
    assert facts_on(walk.person.page)["Sign-in page at"] == own
    assert "Tokens from" not in facts_on(walk.person.page), "all of it is the server's own host"
    with scripted() as other:
        oauth_site.metadata = {"token_endpoint": f"{other.url}/token"}
        walk.look(url)
        assert facts_on(walk.person.page)["Tokens from"] == f"{own}, sent by {other.netloc}"
        elsewhere = OAuthSite(other)
        oauth_site.issuer = other.url
        walk.look(url)
        found = facts_on(walk.person.page)
        assert found["Sign-in page at"] == found["Tokens from"] == other.netloc
        elsewhere.metadata = {"authorization_endpoint": f"{oauth_site.server.url}/authorize"}
        walk.add(url, name="Site")
        walk.get("/integrations/servers/site")
        assert facts_on(walk.person.page)["Sign-in page at"] == own
        assert facts_on(walk.person.page)["Tokens from"] == other.netloc


def test_a_server_that_registers_no_apps_needs_a_client_that_is_pasted(walk, oauth_site):
    oauth_site.metadata = {"registration_endpoint": None}
    walk.look(f"{oauth_site.server.url}/mcp")
    assert "register apps automatically" in walk.person.page
    walk.add(
        f"{oauth_site.server.url}/mcp",
        name="Site",
        client_id="made-there",
        client_secret="canary-pasted",
        scopes="one two",
        extra_parameters="audience=api",
    )
    assert "Site connected" in walk.person.page, walk.sentences()
    query = dict(parse_qsl(urlsplit(walk.consents[0]).query))
    assert (query["client_id"], query["scope"], query["audience"]) == ("made-there", "one two", "api")
    assert (
        query["redirect_uri"].endswith("/oauth-callback")
        and query["resource"] == f"{oauth_site.server.url}/mcp"
    )
    assert oauth_site.server.at("/token")[0].form["client_secret"] == "canary-pasted"


def test_a_server_that_moves_while_somebody_signs_in_never_gets_the_code_of_the_other_issuer(
    walk, oauth_site
):
    with scripted() as other:
        walk.add(f"{oauth_site.server.url}/mcp", name="Site")
        walk.get("/integrations")
        left = walk.post("/integrations/site", {}).headers["Location"]
        back = urlsplit(walk._consent(left))  # consent was given, the browser is on its way back
        evil = OAuthSite(other)
        oauth_site.issuer = evil.server.url
        walk.get("/integrations")
        walk.post("/integrations/site", {})  # another tab: the server is looked at again
        walk.arrive(walk.get(f"{back.path}?{back.query}"))
        assert "changed where people sign in" in walk.person.page, walk.sentences()
        assert evil.server.at("/token") == []
