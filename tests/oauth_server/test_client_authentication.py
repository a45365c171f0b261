"""RFC 6749 section 2.3: who the client is, at the token, revocation and introspection endpoint."""

import base64
from urllib.parse import quote_plus

import pytest

from tests.support.ai_client import AiClient

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def send(app, form, headers=None, path="/oauth/token"):
    return app.test_client().post(path, data=form, headers=headers or {})


@pytest.mark.parametrize("registered", [*SECRET_METHODS, None])
@pytest.mark.parametrize("used", SECRET_METHODS)
def test_a_right_secret_is_right_wherever_it_is_sent(app, alice, registered, used):
    client = AiClient(app)
    client.register(token_endpoint_auth_method=registered)
    assert client.client_secret.startswith("pbs_")
    client.auth_method = used
    tokens = client.connect(alice)
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert client.introspect(tokens["access_token"])["active"] is True
    assert client.revoke(tokens["access_token"]).status == 200
    assert client.status(tokens["access_token"]).status == 401


@pytest.mark.parametrize("used", [*SECRET_METHODS, "none"])
def test_without_the_right_secret_nothing_is_spent_and_the_error_names_the_method(app, alice, used):
    client = AiClient(app, auth_method="client_secret_basic")
    client.register()
    code, right = client.code(alice), client.client_secret
    client.auth_method, client.client_secret = used, "pbs_wrong"
    refused = client.exchange(code)
    assert (refused.status, refused.error) == (401, "invalid_client")
    assert used in refused["error_description"]
    if used == "none":
        assert "client_secret_basic" in refused["error_description"]
    else:
        assert "wrong" in refused["error_description"]
    client.auth_method, client.client_secret = "client_secret_post", right
    assert client.exchange(code, code_verifier=None).error == "invalid_request"
    assert client.exchange(code).status == 200


def test_two_ways_at_once_are_an_error_that_names_both(app, alice):
    client = AiClient(app, auth_method="client_secret_basic")
    client.register()
    code = client.code(alice)
    refused = client.exchange(code, client_secret=client.client_secret)
    assert refused.error == "invalid_request"
    assert "client_secret_basic, client_secret_post" in refused["error_description"]
    refused = client.exchange(code, client_assertion="x")
    assert (refused.error, "private_key_jwt" in refused["error_description"]) == ("invalid_request", True)
    assert client.exchange(code).status == 200


def test_a_public_client_with_a_secret_is_refused(client_app, code):
    refused = client_app.exchange(code, client_secret="made-up")
    assert refused.error == "invalid_client"
    assert "none" in refused["error_description"] and "client_secret_post" in refused["error_description"]
    assert client_app.exchange(code).status == 200


@pytest.mark.parametrize("with_client_id", [True, False])
def test_a_public_client_may_send_its_id_in_the_header_with_an_empty_secret(
    app, client_app, code, with_client_id
):
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client_app.redirect_uri,
        "code_verifier": client_app.verifier,
        **({"client_id": client_app.client_id} if with_client_id else {}),
    }
    assert send(app, {**form, "client_id": "pbd_other"}, basic(client_app.client_id, "")).status_code == 401
    assert send(app, form, basic(client_app.client_id, "")).status_code == 200


def test_id_and_secret_in_the_header_are_form_encoded(app, alice):
    client = AiClient(app, auth_method="client_secret_basic")
    client.register()
    tokens = client.connect(alice)
    headers = basic(quote_plus(client.client_id), quote_plus(client.client_secret))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert send(app, form, headers).status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /////w==", "Basic Og==", "basic " + "A" * 5000]
)
def test_an_unreadable_authorization_header_is_invalid_client(app, header):
    response = send(app, {"grant_type": "authorization_code", "code": "x"}, {"Authorization": header})
    assert response.status_code == 401
    assert response.json["error"] == "invalid_client"
    assert response.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "form", [{}, {"client_id": "pbd_unknown"}, {"client_id": "https://x.example/c.json"}]
)
def test_an_unknown_client_is_invalid_client(app, form):
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        response = send(
            app, {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", **form}, path=path
        )
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
