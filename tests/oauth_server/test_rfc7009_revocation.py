"""RFC 7009: token revocation."""

from tests.support.ai_client import AiClient


def test_revoking_the_refresh_token_ends_the_grant(client_app, tokens):
    assert client_app.revoke(tokens["refresh_token"]).status == 200
    assert client_app.status(tokens["access_token"]).status == 401
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert client_app.revoke(tokens["refresh_token"]).status == 200


def test_revoking_an_access_token_ends_only_that_one(client_app, tokens):
    assert client_app.revoke(tokens["access_token"], token_type_hint="access_token").status == 200
    assert client_app.status(tokens["access_token"]).status == 401
    assert client_app.refresh(tokens["refresh_token"]).status == 200


def test_a_wrong_or_unknown_hint_changes_nothing(client_app, tokens):
    assert client_app.revoke(tokens["refresh_token"], token_type_hint="access_token").status == 200
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert client_app.revoke("anything", token_type_hint="saml").status == 200


def test_a_client_cannot_revoke_another_clients_tokens(app, client_app, tokens):
    other = AiClient(app)
    other.register()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert other.revoke(token).status in {200, 400}
    assert client_app.status(tokens["access_token"]).status == 200
    assert client_app.refresh(tokens["refresh_token"]).status == 200


def test_the_client_must_be_known_and_the_token_named(app, client_app, tokens):
    assert AiClient(app, client_id="pbd_nobody").revoke(tokens["access_token"]).error == "invalid_client"
    assert client_app.post("/oauth/revoke", {}).error == "invalid_request"


def test_a_confidential_client_must_authenticate_to_revoke(app, alice):
    client = AiClient(app, auth_method="client_secret_basic")
    tokens = client.connect(alice)
    client.client_secret, right = "pbs_wrong", client.client_secret
    assert client.revoke(tokens["refresh_token"]).error == "invalid_client"
    client.client_secret = right
    assert client.revoke(tokens["refresh_token"]).status == 200
