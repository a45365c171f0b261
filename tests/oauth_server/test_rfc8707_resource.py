"""RFC 8707: resource indicators."""

import pytest

from app.oauth_server.callers import find_caller

OURS = "http://localhost:8000/mcp"


@pytest.mark.parametrize(
    "resource", [OURS, OURS + "/", OURS + "?tools=compact", "HTTP://LOCALHOST:8000/mcp", None]
)
def test_the_mcp_endpoint_is_the_audience_however_it_is_written(client_app, alice, resource):
    tokens = client_app.connect(alice, resource=resource)
    assert find_caller(tokens["access_token"]).audience == OURS


@pytest.mark.parametrize(
    "resource",
    [
        "https://elsewhere.example/mcp",
        "http://localhost:8000",
        "http://localhost:8000/",
        OURS + "#f",
        OURS + "?x",
        "/mcp",
        "mcp",
        OURS + "/x",
        "http://[",
        "http://localhost:8000/MCP",
        OURS + "//",
    ],
)
def test_any_other_resource_is_an_invalid_target(client_app, alice, resource):
    assert client_app.ask(alice, resource=resource).status_code == 400
    assert "error=invalid_target" in alice.page
    code = client_app.code(alice)
    assert client_app.exchange(code, resource=resource).error == "invalid_target"
    tokens = client_app.exchange(code, resource=OURS)
    assert tokens.status == 200
    assert client_app.refresh(tokens["refresh_token"], resource=resource).error == "invalid_target"
    assert client_app.refresh(tokens["refresh_token"], resource=OURS + "/").status == 200
