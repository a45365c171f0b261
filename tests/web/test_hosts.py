"""Pages respond only at the installation's own address; cookie-less endpoints and health respond anywhere."""

import pytest

from app import config
from app.factory import create_app

PUBLIC = {"ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"}


@pytest.fixture
def public(environ):
    return create_app(config.load({**environ, **PUBLIC})).test_client()


@pytest.mark.parametrize(
    "path", ["/", "/login", "/integrations", "/integrations/status", "/oauth/authorize", "/nowhere"]
)
def test_a_page_is_not_served_under_a_strangers_name(public, path):
    for host in (
        "evil.example",
        "hub.example.com.evil.example",
        "hub.example.com@evil.example",
        "10.0.0.7",
        "[",
        "",
    ):
        answer = public.get(path, headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil.example" not in answer.get_data(as_text=True)
    assert (
        public.get(path, headers={"Host": "hub.example.com"}).status_code != 400 or path == "/oauth/authorize"
    )


@pytest.mark.parametrize("path", ["/health", "/ready", "/.well-known/oauth-protected-resource"])
def test_health_and_metadata_are_told_to_whoever_asks_and_never_repeat_the_name(public, path):
    answer = public.get(path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200 and "10.0.0.7" not in answer.text


def test_the_machine_itself_may_use_its_own_names(public):
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert public.get("/login", headers={"Host": host}).status_code == 200
