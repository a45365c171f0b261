"""RFC 9728: protected resource metadata."""

import pytest


@pytest.mark.parametrize(
    ("place", "resource"),
    [
        ("/.well-known/oauth-protected-resource", "http://localhost:8000/mcp"),
        ("/.well-known/oauth-protected-resource/mcp", "http://localhost:8000/mcp"),
        ("/.well-known/oauth-protected-resource/mcp/", "http://localhost:8000/mcp/"),
        ("/mcp/.well-known/oauth-protected-resource", "http://localhost:8000/mcp"),
    ],
)
def test_it_names_the_endpoint_and_its_authorization_server(visitor, place, resource):
    response = visitor.get(place)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json["resource"] == resource
    assert response.json["authorization_servers"] == ["http://localhost:8000"]
    assert response.json["bearer_methods_supported"] == ["header"]
    assert "offline_access" not in response.json["scopes_supported"]
