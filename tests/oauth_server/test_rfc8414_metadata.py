"""RFC 8414: authorization server metadata."""

import pytest
from authlib.oauth2 import rfc8414, rfc9207

from tests.support.visitor import Visitor

PLACES = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/oauth-authorization-server",
    "/mcp/.well-known/openid-configuration",
]


@pytest.mark.parametrize("place", PLACES)
def test_it_answers_wherever_clients_look_also_from_other_origins(visitor, place):
    response = visitor.get(place, headers={"Origin": "http://localhost:6274"})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json["issuer"] == "http://localhost:8000"
    preflight = visitor.client.options(
        place, headers={"Origin": "http://localhost:6274", "Access-Control-Request-Method": "GET"}
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "MCP-Protocol-Version" in preflight.headers["Access-Control-Allow-Headers"]


def test_it_says_what_ai_clients_look_for(visitor):
    metadata = visitor.get(PLACES[0]).json
    for endpoint in ("token", "revocation", "introspection"):
        assert {"none", "private_key_jwt"} < set(metadata[f"{endpoint}_endpoint_auth_methods_supported"])
        algorithms = metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert {"RS256", "PS256", "ES256"} < set(algorithms)
        assert not {"none", "HS256"} & set(algorithms)
    assert metadata["client_id_metadata_document_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert "offline_access" in metadata["scopes_supported"]


class TestInProduction:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "PUBLIC_URL": "https://Hub.Example.com", "SANDBOX": "0"}

    def test_it_is_valid_and_built_from_the_configured_address_only(self, app):
        metadata = Visitor(app).get(PLACES[0], headers={"X-Forwarded-Host": "evil.example"}).json
        metadata = rfc8414.AuthorizationServerMetadata(metadata)
        metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
        assert metadata["issuer"] == "https://hub.example.com"
        assert all(
            value.startswith("https://hub.example.com/")
            for name, value in metadata.items()
            if name.endswith("_endpoint")
        )


@pytest.mark.parametrize(
    "name",
    [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ],
)
def test_every_endpoint_it_names_is_there(visitor, name):
    path = visitor.get(PLACES[0]).json[name].removeprefix("http://localhost:8000")
    response = visitor.client.open(path, method="GET" if name == "authorization_endpoint" else "POST")
    assert response.status_code in {400, 401}
