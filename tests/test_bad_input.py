"""Junk at every route, as anybody, as a member and as an AI client: a clear 4xx with a sentence, never a 5xx
or a stack trace.

The routes come from the url_map and the fields from what each view was observed to read, so this file needs
no maintenance.
"""

import random

import pytest
from werkzeug.datastructures import MultiDict

from app import database, outbound
from app.connectors.api import Api
from tests.support.routes import NoticingRequest
from tests.support.sweep import Sweep

JUNK = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nX-Evil: 1",
    "\u202e\u2066💥",
    "\ud800",
    "%00%ff",
    "'\"><script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "../../../etc/passwd",
    "-1",
    "9" * 400,
    "1e999",
    "A" * 9000,
    "https://[::1",
    "//evil.example",
    "con_" + "x" * 20,
    "null",
]
NOT_UTF8 = b"%ff%fe=1&a=%80&%00=%00&=&&&a&a=b;c"
DEEP = b"[" * 100_000
BODIES = [
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b"null"),
    ("application/json", b'"text"'),
    ("application/json", b"[1, 2, 3]"),
    ("application/json", b'{"a": 1, "a": NaN, "\\ud800": 1e999}'),
    ("application/json", b'{"jsonrpc": "2.0", "id": {}, "method": 7, "params": []}'),
    ("application/json", b"\xff\xfe\x00"),
    ("application/json", DEEP),
    ("application/json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("application/json; charset=utf-99", b"{}"),
    ("application/x-www-form-urlencoded", NOT_UTF8),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(3000))),
    ("application/x-www-form-urlencoded; charset=utf-16", "email=a".encode("utf-16")),
    ("multipart/form-data", b"no boundary"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="email"; filename="\xff"\r\n\r\n\xff\r\n--x--',
    ),
    ("multipart/form-data; boundary=x", b"--x\r\n" * 2000),
    ("text/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    ("", b"email=a"),
    ("application/x-www-form-urlencoded", b"email=" + b"A" * (4 * 1024 * 1024 + 1)),
]
HEADERS = [
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer \xff\x80"},
    {"Authorization": "Bearer " + "A" * 9000},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Basic /w=="},
    {"Authorization": "Digest a=b"},
    {"Accept": "\xff/*;q=NaN, ;;;,application/json;q=2"},
    {"Cookie": 'session="\xff; form=...; =; ' + "a" * 5000},
    {"Cookie": "form=eyJhIjoxfQ.abc.def; session=" + "x" * 43},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Referer": "\xff://["},
    {"Host": "evil.example"},
    {"Host": "["},
    {"HX-Request": "true", "HX-Current-URL": "http://["},
    {"X-Request-Id": "a\tb" * 100},
    {"X-Forwarded-For": "not an address"},
    {"If-None-Match": '"', "Range": "bytes=9-1", "If-Modified-Since": "yesterday"},
    {"Content-Length": "-1"},
    {"Transfer-Encoding": "chunked"},
    {"Content-Encoding": "gzip"},
    {
        "MCP-Protocol-Version": "\xff",
        "Mcp-Session-Id": "\xff",
        "Mcp-Method": "?",
        "Mcp-Name": "=?utf-8?b?!!!?=",
    },
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X" * 30]
TAILS = ["/", "//", "/..", "/%00", "/%ff", ";a=b", "/" + "a" * 3000, "%20", "/.git/config"]
PATHS = [
    *(junk for junk in JUNK if junk != "\ud800"),
    "%ff%fe",
    "%2e%2e%2f",
    "%00",
    "xero",
    "complete",
    "status",
]


def _share(everything, number, parts):
    """Every nth of a list, others for the next route: together the routes meet all of it, none
    of them all.
    """
    return everything[number % parts :: parts]


@pytest.fixture
def sweep(app, people, settings, sign_in, monkeypatch):
    def refuse(*_args, **_options):
        raise outbound.AddressRefused()

    monkeypatch.setattr(outbound, "send", refuse)
    monkeypatch.setattr(Api, "_pause", lambda *_args: None)
    monkeypatch.setattr(app, "request_class", NoticingRequest)
    return Sweep(app, people, settings, sign_in)


@pytest.mark.parametrize("who", ["anybody", "member", "AI client"])
def test_junk_in_the_fields_a_route_reads(sweep, who):
    dice = random.Random(5)
    for number, route in enumerate(sweep.routes):
        sweep.become(who)
        fields = sweep.fields_of(route)
        for junk in _share(JUNK, number, 2):
            sweep.send(route, fields=dict.fromkeys(fields, junk))
        for name in fields:
            if route.method != "GET":
                sweep.become(who)
            rest = {field: value for field, value in sweep.plausible(fields).items() if field != name}
            sweep.send(route, fields=rest)
            sweep.send(route, fields=MultiDict([*rest.items(), (name, "1"), (name, "2")]))
            for junk in dice.sample(JUNK, 3):
                sweep.send(route, fields={**rest, name: junk})
    sweep.finish()


@pytest.mark.parametrize("who", ["anybody", "member", "AI client"])
def test_bodies_that_are_not_what_they_say(sweep, who):
    for number, route in enumerate(sweep.routes):
        sweep.become(who)
        for content_type, body in _share(BODIES, number, 2) if route.method == "POST" else BODIES[:1]:
            sweep.send(
                route, data=body, content_type=content_type, query=NOT_UTF8 if len(body) < 100 else b""
            )
    sweep.finish()


@pytest.mark.parametrize("who", ["anybody", "member"])
def test_headers_no_browser_sends(sweep, who):
    for number, route in enumerate(sweep.routes):
        sweep.become(who)
        for headers in _share(HEADERS, number, 3):
            sweep.send(route, headers=headers)
    sweep.finish()


@pytest.mark.parametrize("who", ["anybody", "member"])
def test_addresses_and_methods_nobody_offered(sweep, who):
    for number, route in enumerate(sweep.routes):
        sweep.become(who)
        for junk in PATHS if route.arguments else ():
            sweep.send(route, path=route.path(dict.fromkeys(route.arguments, junk)))
        for method in _share(METHODS, number, 2):
            answer = sweep.person.client.open(
                route.path({}), method=method, headers=list(sweep.headers.items())
            )
            sweep.judge(f"{method} {route.rule}", answer)
        for tail in _share(TAILS, number, 2):
            if route.rule != "/" or tail[0] != "/":
                sweep.judge(f"GET {route.rule}{tail[:20]}", sweep.person.client.get(route.path({}) + tail))
    sweep.finish()


def test_a_form_without_its_token_changes_nothing(sweep):
    """Every state-changing browser route refuses a form from another site, with a sentence."""
    sweep.become("member")
    before = _everything()
    for route in sweep.routes:
        if route.method == "GET" or route.endpoint.partition(".")[0] in {
            "oauth",
            "oauth_direct",
            "mcp",
            "onboarding",
            "tokens",
            # RFC 8058: mail programs send it, with the signature in its address instead
            "notifications",
        }:
            continue
        fields = sweep.plausible(
            ["email", "password", "level", "connection", "visibility", "workspace", "name", "days", "scope"]
        )
        answer = sweep.person.client.post(route.path({"slug": "freshbooks"}), data=fields)
        assert answer.status_code == 400, f"{route} takes a form without its token: {answer.status_code}"
        assert "reload the page" in answer.get_data(as_text=True), route
    assert _everything() == before
    assert sweep.person.get("/account").status_code == 200


def _everything():
    """The rows of every table that holds people's records."""
    tables = (
        "users",
        "workspaces",
        "memberships",
        "login_sessions",
        "connections",
        "credentials",
        "oauth_grants",
        "handshakes",
    )
    with database.reading() as db:
        connection = db.connection()
        return {
            table: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}").all()))
            for table in tables
        }


def test_the_sweep_reaches_what_it_should(sweep):
    """The sweeps above prove something only if views get to read their fields."""
    sweep.become("member")
    found = {str(route): sweep.fields_of(route) for route in sweep.routes}
    assert {"connection", "level"} <= set(found["POST /integrations/<slug>/permission"])
    assert {"client_id", "redirect_uri", "code_challenge"} <= set(found["GET /oauth/authorize"])
    assert {"name", "scope", "days"} <= set(found["POST /ai-clients/tokens"])
    sweep.become("anybody")
    found = {str(route): sweep.fields_of(route) for route in sweep.routes}
    assert {"email", "password"} <= set(found["POST /login"])
