"""Junk at every endpoint is a quick 4xx, never a 5xx, and changes nothing."""

import random
from urllib.parse import quote

import pytest

from tests.support.cases import every
from tests.support.sweep import OAUTH_FIELDS

JUNK = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nX: y",
    "ü",
    "\u202e",
    "%",
    "%00",
    "'",
    '"',
    "<>",
    "\\",
    "../",
    "[",
    "{}",
    "null",
    "-1",
    "9" * 400,
    "A" * 9000,
    "http://[",
    "https://[::1",
    "//",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin1"),
    "💥" * 50,
    "pbc_" + "x" * 43,
    "https://x.example/" + "a" * 480,
]
NAMES = [*sorted(OAUTH_FIELDS), "flow", "decision", "request", "iss"]
FORMS = ["/oauth/token", "/token", "/refresh", "/oauth/revoke", "/oauth/introspect"]


def junk_forms(count=60):
    dice = random.Random(7)
    for _ in range(count):
        yield {name: dice.choice(JUNK) for name in dice.sample(NAMES, dice.randint(1, 8))}


@pytest.fixture(autouse=True)
def _no_fetching(monkeypatch):
    from app import outbound

    def refuse(*_args, **_options):
        raise outbound.AddressRefused()

    monkeypatch.setattr(outbound, "send", refuse)


@pytest.mark.parametrize("path", FORMS)
def test_junk_forms(app, client_app, path):
    browser = app.test_client()
    for form in junk_forms():
        for extra in (
            {},
            {"client_id": client_app.client_id},
            {"client_id": client_app.client_id, "grant_type": "authorization_code"},
            {"client_id": client_app.client_id, "grant_type": "refresh_token"},
        ):
            response = browser.post(path, data={**form, **extra})
            harmless = path == "/oauth/revoke" or path == "/oauth/introspect"
            assert 400 <= response.status_code < 500 or (harmless and response.status_code == 200), (
                form,
                response.data,
            )
            assert response.is_json


@every(
    "content_type",
    [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
        "",
    ],
)
@every("body", [b"", b"\xff\xfe\x00", b"{", b"a=%ff&b=%", b"--x\r\n", b"=" * 3000, b"[" * 50_000])
def test_junk_bodies(app, body, content_type):
    for path in [*FORMS, "/oauth/register", "/register"]:
        response = app.test_client().post(path, data=body, content_type=content_type)
        assert 400 <= response.status_code < 500, (path, response.status_code, response.data)


def test_junk_authorization_requests(client_app, alice):
    base = client_app.authorize_url()
    for form in junk_forms():
        query = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in form.items())
        for url in (f"/oauth/authorize?{query}", f"/authorize?{query}", f"{base}&{query}"):
            assert alice.get(url).status_code in {200, 303, 400}, url
    for name in NAMES[:8]:
        for value in JUNK:
            response = client_app.ask(alice, **{name: value})
            assert response.status_code in {200, 303, 400}, (name, value)
    for raw in ("%ff", "=&=&", "&" * 2000, "client_id", "client_id=%", "a[]=1"):
        assert alice.get(f"/oauth/authorize?{raw}").status_code == 400


def test_junk_answers_to_the_consent_page(client_app, alice):
    client_app.ask(alice)
    for form in junk_forms(30):
        assert alice.submit("/oauth/authorize/submit", {**form, "decision": "allow"}).status_code == 400
    assert alice.submit("/oauth/authorize/submit").status_code == 400


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer \xff",
        "Basic x",
        "bearer pba_" + "x" * 43,
        "Bearer " + "pba_" * 3000,
        "pba_x",
    ],
)
def test_junk_bearers(visitor, value):
    assert visitor.get("/status", headers={"Authorization": value}).status_code == 401


def test_the_wrong_method_is_405(visitor):
    for path in (
        "/oauth/token",
        "/oauth/register",
        "/oauth/revoke",
        "/oauth/introspect",
        "/oauth/authorize/submit",
    ):
        assert visitor.client.get(path).status_code == 405
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"):
        assert visitor.client.post(path).status_code == 405
