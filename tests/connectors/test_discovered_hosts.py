"""A host a service tells us of gets the credential only when it is an ordinary address, checked at every
use.
"""

import dataclasses

import pytest

from app import outbound
from app.connectors import configuration, discovered_hosts, endpoints
from app.connectors.api import Api
from app.connectors.spec import Business
from app.connectors.xano import CONNECTOR
from app.errors import ConfigError, NothingReached, PermissionDenied
from app.outbound import Response

REAL = CONNECTOR.base_url


class _Token:
    def bearer(self):
        return "the-token"

    def refreshed(self, rejected):
        raise AssertionError


@pytest.fixture
def sent(monkeypatch):
    """What would have gone out."""
    requests = []

    def send(method, url, **options):
        requests.append((url, options["guarded"]))
        return Response(200, {}, b"[]")

    monkeypatch.setattr(outbound, "send", send)
    return requests


def list_databases(meta_api, base_url=REAL, allowed=()):
    business = Business("x", "X", {"meta_api": meta_api})
    api = Api(CONNECTOR, base_url, _Token(), business, allowed_hosts=allowed)
    return CONNECTOR.find_tool("xano_list_databases").call(api, {})


@pytest.mark.parametrize("host", ["xk41-77qe.n7.xano.io", "x.xano.io", "xk41.n7c.xano.io:443"])
def test_a_listed_host_is_asked_and_guarded_against_private_networks(sent, host):
    list_databases(f"https://{host}/api:meta")
    assert sent == [(f"https://{host}/api:meta/workspace", True)]


@pytest.mark.parametrize(
    "url",
    [
        "http://x.n7.xano.io/api:meta",
        "https://x.n7.xano.io:8443/api:meta",
        "https://user@x.n7.xano.io/api:meta",
        "https://app.xano.com@evil.example/api:meta",
        "https://10.0.0.1/api:meta",
        "https://[::1]/api:meta",
        "https://2130706433/api:meta",
        "https://0x7f.1/api:meta",
        "https://127.1/api:meta",
        "https://localhost/api:meta",
        "https://x.n7.xano.io/api:meta?to=1",
        "https://x.n7.xano.io/api:meta#x",
        "https://evil.example\\.xano.io/api:meta",
        "https://evil.example;.xano.io/api:meta",
        "https://evil.example%00.xano.io/api:meta",
        "https://.xano.io/api:meta",
        " https://x.n7.xano.io/api:meta",
        "https://x.n7.xano.io\t/api:meta",
        "https://x.n7.xano.io:99999/api:meta",
        "file:///etc/passwd",
        "//x.n7.xano.io/api:meta",
        "",
    ],
)
def test_an_odd_address_gets_nothing(sent, url):
    with pytest.raises(PermissionDenied, match="send no credential"):
        list_databases(url)
    assert sent == []


@pytest.mark.parametrize(
    "host",
    [
        *(
            "data.northwind.example",
            "xano.io",
            "evilxano.io",
            "xano.io.evil.example",
            "x.xano.io.evil.example",
        ),
        *("app.xano.com.evil.example", "other.xano.com", "sub.data.allowed.example", "allowed.example"),
    ],
)
def test_a_host_that_its_owner_chose_gets_the_token_of_the_whole_account_only_if_an_operator_allows_it(
    sent, host
):
    url = f"https://{host}/api:meta"
    with pytest.raises(PermissionDenied, match="ask your administrator to allow its host"):
        list_databases(url, allowed={"data.allowed.example"})
    assert sent == []
    list_databases(url, allowed={host})
    list_databases("https://DATA.allowed.example/api:meta", allowed={"data.allowed.example"})
    assert len(sent) == 2


def test_an_account_with_instances_on_such_domains_alone_says_what_to_do(monkeypatch):
    listed = b"""[{"name":"a","display":"A","meta_api":"https://data.northwind.example/api:meta"}]"""
    bodies = {"/auth/me": b'{"id":1,"name":"Ana"}', "/instance": listed}
    monkeypatch.setattr(
        outbound, "send", lambda method, url, **options: Response(200, {}, bodies[url.removeprefix(REAL)])
    )
    with pytest.raises(NothingReached, match="XANO_ALLOWED_HOSTS"):
        CONNECTOR.identify(Api(CONNECTOR, REAL, _Token()), {})
    allowed = {"data.northwind.example"}
    account = CONNECTOR.identify(Api(CONNECTOR, REAL, _Token(), allowed_hosts=allowed), {})
    assert [b.id for b in account.businesses] == ["a"]


def test_operators_allow_hosts_by_a_setting(settings):
    def allowed(text):
        given = dataclasses.replace(settings, services={"XANO_ALLOWED_HOSTS": text})
        configuration.check(given)
        return endpoints.allowed_hosts(given, CONNECTOR)

    assert allowed("Data.Northwind.example., b.example") == {"data.northwind.example", "b.example"}
    assert allowed("") == set()
    for wrong in (
        "https://data.example",
        "data",
        "10.0.0.1",
        "*.example.com",
        "a.example/x",
        "a.example:443",
    ):
        with pytest.raises(ConfigError, match=r"^XANO_ALLOWED_HOSTS must be host names"):
            allowed(wrong)


def test_what_lives_on_the_sandbox_or_the_operators_server_is_not_foreign(sent):
    list_databases("http://localhost:8001/xano/x.n7.xano.io/api:meta", "http://localhost:8001/xano/api:meta")
    assert sent == [("http://localhost:8001/xano/x.n7.xano.io/api:meta/workspace", False)]
    for other in (
        "http://localhost:8002/api:meta",
        "http://127.0.0.1:8001/api:meta",
        "http://10.0.0.1/api:meta",
    ):
        with pytest.raises(PermissionDenied):
            list_databases(other, "http://localhost:8001/xano/api:meta")


def test_the_same_host_is_the_same_in_any_spelling():
    assert not discovered_hosts.is_foreign("https://APP.xano.com:443/x", REAL)
    assert discovered_hosts.is_foreign("https://app.xano.com.evil.example/x", REAL)


def test_an_instance_with_an_odd_address_is_not_offered(monkeypatch):
    listed = b"""[{"name":"a","display":"A","meta_api":"http://10.0.0.8/api:meta"},{"name":"b","display":"B",
        "xano_domain":"B1.n7.xano.io","meta_api":"https://b1.n7.xano.io/api:meta"}]"""
    bodies = {"/auth/me": b'{"id":1,"name":"Ana"}', "/instance": listed}
    monkeypatch.setattr(
        outbound, "send", lambda method, url, **options: Response(200, {}, bodies[url.removeprefix(REAL)])
    )
    account = CONNECTOR.identify(Api(CONNECTOR, REAL, _Token()), {})
    assert [b.id for b in account.businesses] == ["b"] and account.businesses[0].facts["hosts"] == [
        "b1.n7.xano.io"
    ]


def test_a_server_of_ones_own_is_its_only_instance(monkeypatch):
    own = "https://xano.northwind.example/api:meta"

    def send(method, url, **options):
        known = {"/auth/me": b'{"id":1}', "/workspace": b'[{"id":1,"name":"Main"}]'}.get(
            url.removeprefix(own)
        )
        return (
            Response(200, {}, known)
            if known
            else Response(404, {}, b'{"code":"ERROR_CODE_NOT_FOUND","message":""}')
        )

    monkeypatch.setattr(outbound, "send", send)
    account = CONNECTOR.identify(Api(CONNECTOR, own, _Token()), {})
    [business] = account.businesses
    api = Api(CONNECTOR, own, _Token(), business)
    assert business.id == "xano.northwind.example"
    assert CONNECTOR.find_tool("xano_list_databases").call(api, {})["items"][0]["name"] == "Main"
    assert CONNECTOR.find_tool("xano_get_instance_details").call(api, {})["meta_api"] == own
