"""Metrics name tools and figures of everybody: a token opens them from anywhere, without one this machine."""

import pytest

from app import config
from app.factory import create_app
from tests.support.cases import every

PUBLIC = {"ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"}


@pytest.fixture
def client_with(environ):
    return lambda **given: create_app(config.load({**environ, **given})).test_client()


def test_without_a_token_this_machine_reads_them(client_with):
    for given in ({}, PUBLIC):
        for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:9100"):
            answer = client_with(**given).get("/metrics", headers={"Host": host})
            assert answer.status_code == 200 and "# HELP" in answer.text


@pytest.fixture(params=["0", "1"])
def public(client_with, request):
    """A client of an installation on the internet that trusts so many proxies."""
    return client_with(**PUBLIC, TRUSTED_PROXIES=request.param)


@every(
    "request_of",
    [
        *({"environ_base": {"REMOTE_ADDR": peer}} for peer in ("10.0.0.2", "192.168.1.7", "198.41.0.4", "")),
        *({"headers": {name: "127.0.0.1"}} for name in ("X-Forwarded-For", "X-Real-IP", "Via", "Forwarded")),
        {"environ_overrides": {"SERVER_PROTOCOL": "HTTP/1.0"}},
        *(
            {"headers": {"Host": host}}
            for host in ("hub.example.com", "evil.example", "8.8.8.8:8000", "[", "")
        ),
    ],
)
def test_without_a_token_nobody_else_does(public, request_of):
    answer = public.get("/metrics", **request_of)
    assert answer.status_code == 403 and "# HELP" not in answer.text
    assert "Set METRICS_TOKEN" in answer.text


def test_with_a_token_its_holder_reads_them_from_anywhere(client_with):
    client = client_with(**PUBLIC, METRICS_TOKEN="a-token-of-the-operator")
    away = {"environ_base": {"REMOTE_ADDR": "198.41.0.4"}, "base_url": "https://hub.example.com"}
    for given in ("", "Bearer wrong", "Bearer "):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 403
    holder = {"Authorization": "Bearer a-token-of-the-operator", "Via": "1.1 proxy"}
    assert client.get("/metrics", headers=holder, **away).status_code == 200
