import pytest

from app.oauth_server import redirects, scopes


@pytest.mark.parametrize(
    ("held", "needed", "allowed"),
    [
        ("tools:read", "tools:read", True),
        ("tools:write", "tools:read", True),
        ("tools:read", "tools:write", False),
        ("tools:write", "pos:write", True),
        ("tools:read", "pos:intents", True),
        ("tools:read", "pos:write", False),
        ("pos:write", "pos:read", True),
        ("pos:read", "tools:read", False),
        ("pos:intents", "pos:read", False),
        ("offline_access", "tools:read", False),
        ("", "tools:read", False),
    ],
)
def test_write_implies_read_and_flowpos_names_lie_inside_ours(held, needed, allowed):
    assert scopes.covers(scopes.split(held), needed) is allowed


@pytest.mark.parametrize(
    ("uri", "host", "target"),
    [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai", "https://claude.ai"),
        ("https://client.example:8443/cb", "client.example:8443", "https://client.example:8443"),
        ("http://localhost:5000/cb", "localhost", "http://localhost:5000"),
        ("http://127.0.0.1/", "127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:9/cb", "::1", "http:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp", "cursor:"),
        ("com.example.app:/cb", "com.example.app:", "com.example.app:"),
    ],
)
def test_a_person_is_told_the_host_and_the_browser_the_origin(uri, host, target):
    assert redirects.is_acceptable(uri)
    assert redirects.host_of(uri) == host
    assert redirects.form_target(uri) == target
