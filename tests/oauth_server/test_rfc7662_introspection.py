"""RFC 7662: token introspection."""

from datetime import timedelta

from app import clock
from tests.support.ai_client import AiClient


def test_a_client_may_ask_about_its_own_tokens(client_app, tokens, people):
    response = client_app.introspect(tokens["access_token"])
    assert response["active"] is True
    assert response["client_id"] == client_app.client_id
    assert response["scope"] == "tools:read tools:write"
    assert response["sub"] == people.alice.id
    assert response["aud"] == "http://localhost:8000/mcp"
    assert response["iss"] == "http://localhost:8000"
    assert response["exp"] - response["iat"] == 86400
    assert "alice@" not in str(response.body)
    assert client_app.introspect(tokens["refresh_token"])["active"] is True


def test_dead_unknown_and_other_clients_tokens_look_alike(app, client_app, tokens):
    for method in ("none", "client_secret_basic"):
        other = AiClient(app, auth_method=method)
        other.register()
        assert other.introspect(tokens["access_token"]).body == {"active": False}
        assert other.introspect("pba_unknown").body == {"active": False}
    new = client_app.refresh(tokens["refresh_token"])
    assert client_app.introspect(tokens["refresh_token"]).body == {"active": False}
    clock.shift(timedelta(days=2))
    assert client_app.introspect(new["access_token"]).body == {"active": False}
    client_app.revoke(new["refresh_token"])
    assert client_app.introspect(new["refresh_token"]).body == {"active": False}


def test_a_stranger_learns_nothing(app, client_app, tokens):
    assert AiClient(app, client_id="pbd_nobody").introspect(tokens["access_token"]).error == "invalid_client"
    assert client_app.post("/oauth/introspect", {}).error == "invalid_request"
