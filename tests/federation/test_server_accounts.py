"""Server accounts: a server is used as a program of its own, without anybody signing in there."""

import base64

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.conftest import both_databases
from tests.federation.oauth_site import OAuthSite
from tests.federation.walking import Walk
from tests.support.scripted_http import Written, scripted


@pytest.fixture
def site():
    """A server that lets programs in, and no people."""
    with scripted() as server:
        site = OAuthSite(server)
        site.ended = set()  # tokens, as they are sent
        serve = server.script["POST", "/mcp"]
        server.script["POST", "/mcp"] = lambda sent: (
            Written(401) if sent.headers.get("authorization") in site.ended else serve(sent)
        )
        site.metadata = {
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        }
        server.script["POST", "/token"] = lambda sent: (
            site.token_answers.pop(0)
            if site.token_answers
            else Written(
                200, {"access_token": f"token-of-{len(site.server.at('/token'))}", "expires_in": 600}
            )
        )
        yield site


@pytest.fixture
def walk(people, sign_in):
    return Walk(sign_in(people.alice), "http://localhost:8000")


def add(walk, site, **fields):
    walk.add(f"{site.server.url}/mcp", name="Site", **fields)


def usable(walk, client):
    walk.allow_tools("site")
    level = {"connection": walk.connection_of("site"), "level": "write"}
    walk.post("/integrations/site/permission", level)
    return client.call("site_ping")


@both_databases
def test_a_client_id_and_its_secret_connect_and_renew_without_a_person(walk, site, people, client_of):
    walk.look(f"{site.server.url}/mcp")
    assert "People can’t sign in to this server" in walk.sentences()
    add(walk, site)
    walk.paste("site", client_id="robot", client_secret="canary-secret")
    assert "Site connected" in walk.sentences(), walk.sentences()
    assert not walk.consents
    client = client_of(people.alice)
    assert usable(walk, client)["success"]
    [first] = site.server.at("/token")
    assert first.headers["authorization"] == "Basic " + base64.b64encode(b"robot:canary-secret").decode()
    resource = f"{site.server.url}/mcp"
    assert first.form == {"grant_type": "client_credentials", "resource": resource, "scope": "basic"}
    site.ended.add("Bearer token-of-1")
    assert client.call("site_ping")["success"]
    assert len(site.server.at("/token")) == 2, "one renewal"
    pages = (f"/integrations/site/{walk.connection_of('site')}", "/integrations/servers/site")
    assert all("canary-secret" not in walk.get(page).text for page in pages)


KEYS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(2048),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_private_key_signs_an_assertion_for_the_issuer(walk, site, algorithm):
    key = KEYS[algorithm]()
    add(walk, site)
    walk.post("/integrations/site/way", {"state": walk.value_of("state"), "way": "client_key"})
    walk.paste("site", client_id="robot", private_key=key.as_pem(private=True).decode())
    assert "Site connected" in walk.sentences(), walk.sentences()
    [sent] = site.server.at("/token")
    assert sent.form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    token = jwt.decode(sent.form["client_assertion"], key, algorithms=[algorithm])
    claims = token.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("robot", "robot", site.issuer)
    assert 0 < claims["exp"] - claims["iat"] <= 300 and claims["jti"]
    assert b"PRIVATE" not in sent.body


@pytest.mark.parametrize("pasted", ["not a key", "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----"])
def test_what_is_no_private_key_is_refused_beside_its_field_and_sent_nowhere(walk, site, pasted):
    add(walk, site)
    walk.post("/integrations/site/way", {"state": walk.value_of("state"), "way": "client_key"})
    walk.paste("site", client_id="robot", private_key=pasted)
    assert "private key" in walk.sentences() and "Site connected" not in walk.sentences()
    assert 'id="note-private_key"' in walk.person.page and pasted not in walk.person.page
    assert site.server.at("/token") == []


def test_a_refused_secret_is_said_beside_its_field(walk, site):
    add(walk, site)
    site.token_answers = [Written(401, {"error": "invalid_client"})]
    walk.paste("site", client_id="robot", client_secret="wrong")
    assert "Site does not accept this client ID and secret." in walk.sentences()
    assert 'id="note-client_secret"' in walk.person.page


def test_where_people_sign_in_too_a_server_account_is_the_other_choice(walk, site):
    site.metadata["grant_types_supported"] = ["authorization_code", "client_credentials"]
    walk.look(f"{site.server.url}/mcp")
    assert "Use a server account instead" in walk.sentences()
    add(walk, site, access="client")
    walk.paste("site", client_id="robot", client_secret="secret")
    assert "Site connected" in walk.sentences() and not walk.consents
    assert site.server.at("/register") == []


def test_where_no_program_is_let_in_it_cannot_be_chosen(walk, site):
    site.metadata["grant_types_supported"] = ["authorization_code"]
    walk.look(f"{site.server.url}/mcp")
    assert "server account" not in walk.sentences()
    add(walk, site, access="client")
    assert "This server doesn't offer server accounts" in walk.sentences()
