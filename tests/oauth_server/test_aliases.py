"""Clients that know no discovery use /authorize, /token, /refresh and /register."""

from urllib.parse import urlsplit

from tests.support.ai_client import AiClient


def test_an_older_client_connects_at_the_old_addresses(app, alice):
    client = AiClient(app)
    registered = client.post_json(
        "/register", {"redirect_uris": [client.redirect_uri], "token_endpoint_auth_method": "none"}
    )
    assert registered.status == 201
    client.client_id = registered["client_id"]
    assert alice.get(client.authorize_url().replace("/oauth/authorize", "/authorize")).status_code == 200
    code = client.code(alice)
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
    }
    tokens = client.post("/token", given)
    assert tokens.status == 200
    refreshed = client.post("/refresh", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.status == 200
    assert (
        client.post(
            "/token", {"grant_type": "refresh_token", "refresh_token": refreshed["refresh_token"]}
        ).status
        == 200
    )


def test_nothing_of_the_request_is_lost_on_the_way_to_sign_in(app, client_app, visitor):
    response = visitor.get(client_app.authorize_url().replace("/oauth/authorize", "/authorize"))
    assert urlsplit(response.headers["Location"]).path == "/login"


def test_register_stays_the_page_for_people(visitor):
    page = visitor.get("/register")
    assert page.mimetype == "text/html"
    assert visitor.client.post("/register", data={"email": "x"}).mimetype == "text/html"


def test_browser_based_clients_may_ask_at_both_addresses(visitor):
    asks = {
        "Origin": "http://localhost:6274",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in ("/register", "/token", "/refresh", "/oauth/register", "/oauth/token", "/oauth/revoke"):
        response = visitor.client.options(path, headers=asks)
        assert response.status_code == 200, path
        assert response.headers["Access-Control-Allow-Origin"] == "*", path
        assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]
    for path in ("/authorize", "/oauth/authorize", "/oauth/introspect"):
        assert "Access-Control-Allow-Origin" not in visitor.client.options(path, headers=asks).headers


def test_errors_at_the_token_endpoint_reach_other_origins_too(client_app):
    answer = client_app.exchange("pbc_wrong")
    assert answer.error == "invalid_grant"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
