"""RFC 9207: the issuer in the authorization answer."""

from urllib.parse import parse_qs, urlsplit

from tests.support.ai_client import AiClient, came_back, flow_on

ISSUER = "http://localhost:8000"


def test_success_and_refusal_name_the_issuer_once(client_app, alice):
    assert came_back(client_app.finish(alice, client_app.allow(alice)))["iss"] == ISSUER
    client = AiClient(client_app.app)
    client.register()
    client.ask(alice)
    refused = alice.submit("/oauth/authorize/submit", {"flow": flow_on(alice.page), "decision": "cancel"})
    given = came_back(refused)
    assert (given["error"], given["iss"], given["state"]) == ("access_denied", ISSUER, "state-1")


def test_a_query_the_client_registered_stays_and_cannot_forge_the_answer(app, alice):
    client = AiClient(
        app, redirect_uri="https://client.example/cb?tenant=a%20b&iss=https://evil.example&code=forged"
    )
    client.register()
    back = client.finish(alice, client.allow(alice))
    given = came_back(back)
    assert given["tenant"] == "a b"
    assert given["iss"] == ISSUER
    assert given["code"].startswith("pbc_")
    assert urlsplit(back.headers["Location"]).netloc == "client.example"


def test_state_comes_back_exactly(client_app, alice):
    state = "".join(chr(c) for c in range(32, 127)) + "é中" + "x" * 4000
    back = client_app.finish(alice, client_app.allow(alice, state=state))
    assert parse_qs(urlsplit(back.headers["Location"]).query)["state"] == [state]


def test_no_state_is_no_state(client_app, alice):
    assert "state" not in came_back(client_app.finish(alice, client_app.allow(alice, state=None)))
