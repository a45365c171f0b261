"""A call is answered before Flask, and the response is the one that Flask gives, to the last header."""

import io
import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.admin import hosts
from app.errors import InvalidInput, Unavailable
from app.mcp_server.protocol.request_checks import LARGEST_BODY, RequestChecks
from tests.support.mcp_messages import modern, named, old
from tests.support.wsgi import Answer, MalformedBody, send

ALLOWED, FOREIGN = "https://claude.ai", "https://elsewhere.example"
OWN_ID = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def both(app, alice):
    """`both(body, headers={…})` is the entry's answer with alice's token, checked to be Flask's own."""

    def _both(body: Any = b"", **given: Any) -> Answer:
        given["headers"] = {"Authorization": f"Bearer {alice.token}", **given.get("headers", {})}
        entry = send(app, body=body, **given)
        flask = send(app, without_entry=True, body=body, **given)
        assert (entry.was_flask, flask.was_flask) == (False, True)
        assert entry == flask
        return entry

    return _both


GET_THING = modern("tools/call", name="acme_get_thing", arguments={"id": "1"})
GET_THING_HEADERS = named("tools/call", "acme_get_thing")


def test_calls_and_lists_of_the_modern_revision(both, connect, people):
    connect(people.alice)
    assert b'"success":true' in both(GET_THING, headers=GET_THING_HEADERS).body
    assert b"acme_get_thing" in both(modern("tools/list"), headers=named("tools/list")).body
    found = both(modern("server/discover"), headers=named("server/discover"))
    assert (found.status, found.header("Content-Type")) == ("200 OK", "application/json")


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp?tools=compact", "/mcp/?x=1&tools=compact", "/mcp?x"])
def test_every_address_of_the_endpoint(both, connect, people, path):
    connect(people.alice)
    listed = both(modern("tools/list"), path=path, headers=named("tools/list"))
    assert (b'"find_tools"' in listed.body) is ("compact" in path)
    refused = both(path=path, headers={"Authorization": "Bearer pba_wrong"})
    assert ("?tools=compact" in (refused.header("WWW-Authenticate") or "")) is ("compact" in path)


def test_a_stream(both, connect, people):
    connect(people.alice)
    call = modern("tools/call", name="acme_get_thing", arguments={"id": "slow"}, _meta={"progressToken": "p"})
    streamed = both(call, headers=GET_THING_HEADERS)
    assert streamed.header("Content-Type") == "text/event-stream"
    assert streamed.header("Cache-Control") == "no-cache, no-transform"
    assert streamed.body.count(b"event: message") == 4


def test_messages_of_the_handshake_revisions(both, connect, people):
    connect(people.alice)
    assert both(old("tools/list")).status == "200 OK"
    assert both(old("tools/call", name="acme_get_thing", arguments={"id": "1"})).status == "200 OK"
    accepted = both({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (accepted.status, accepted.body) == ("202 ACCEPTED", b"")
    assert (accepted.header("Content-Length"), accepted.header("Content-Type")) == ("0", None)
    assert both({"jsonrpc": "2.0", "id": "ask-1", "result": {}}).status == "202 ACCEPTED"


def test_a_handshake_gives_a_session(app, alice):
    headers = {"Authorization": f"Bearer {alice.token}"}
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    body = old("initialize", **params)
    entry = send(app, body=body, headers=headers)
    flask = send(app, without_entry=True, body=body, headers=headers)
    names = [name for name, _ in entry.headers]
    assert names == [name for name, _ in flask.headers] and "Mcp-Session-Id" in names
    assert entry.body == flask.body


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("401 UNAUTHORIZED", {"Authorization": "Bearer pba_" + "x" * 43}),
        ("401 UNAUTHORIZED", {"Authorization": "Bearer"}),
        ("401 UNAUTHORIZED", {"Authorization": ""}),
        ("401 UNAUTHORIZED", {"Authorization": "Basic YTpi"}),
        ("401 UNAUTHORIZED", {"Authorization": "Bearer \xff\x80"}),
        ("403 FORBIDDEN", {"Origin": FOREIGN}),
        ("403 FORBIDDEN", {"Origin": "null"}),
        ("404 NOT FOUND", {"Mcp-Session-Id": "unknown"}),
        ("415 UNSUPPORTED MEDIA TYPE", {"Content-Type": "text/plain"}),
        ("415 UNSUPPORTED MEDIA TYPE", {"Content-Type": None}),
        ("415 UNSUPPORTED MEDIA TYPE", {"Content-Encoding": "gzip"}),
        ("406 NOT ACCEPTABLE", {"Accept": "text/html"}),
        ("400 BAD REQUEST", {"MCP-Protocol-Version": "1999-01-01"}),
        ("200 OK", {"Content-Type": "Application/JSON ; charset=utf-8", "Accept": None}),
        ("200 OK", {"Cookie": "form=eyJhIjoxfQ.abc.def; session=" + "x" * 43}),
        ("200 OK", {"Origin": ALLOWED, "Accept-Encoding": "gzip"}),
        ("200 OK", {"Origin": "http://localhost:6274"}),
        ("401 UNAUTHORIZED", {"Origin": ALLOWED, "Authorization": "Bearer pba_wrong"}),
        ("200 OK", {"HX-Request": "true", "X-CSRFToken": "x", "Referer": FOREIGN}),
        ("200 OK", {"Range": "bytes=0-1", "If-None-Match": "*", "Expect": "100-continue"}),
    ],
)
def test_headers_of_every_kind(both, status, given):
    found = both(old("tools/list"), headers=given)
    assert found.status == status
    is_readable = given.get("Origin") not in {None, FOREIGN, "null"}
    assert (found.header("Access-Control-Allow-Origin") is not None) is is_readable
    assert found.header("Vary") == ("Origin" if is_readable else None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("400 BAD REQUEST", b""),
        ("400 BAD REQUEST", b"{"),
        ("400 BAD REQUEST", b"[]"),
        ("400 BAD REQUEST", b"null"),
        ("400 BAD REQUEST", b'{"id": 1, "id": 2}'),
        ("400 BAD REQUEST", b"\xff\xfe\x00"),
        ("400 BAD REQUEST", b'{"a": NaN}'),
        ("400 BAD REQUEST", b"[" * 100_000),
        ("400 BAD REQUEST", {"jsonrpc": "2.0", "id": 1, "method": 7}),
        ("400 BAD REQUEST", {"jsonrpc": "1.0"}),
        ("404 NOT FOUND", old("no/such/method")),
        ("413 REQUEST ENTITY TOO LARGE", b" " * (LARGEST_BODY + 1)),
    ],
)
def test_bodies_of_every_kind(both, status, body):
    assert both(body).status == status


def test_bodies_that_end_too_early_or_are_malformed(both):
    cut = both(b"{}", CONTENT_LENGTH="100")
    assert cut.status == "400 BAD REQUEST" and b"abc123" in cut.body
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    assert both(stream=MalformedBody, **chunked).status == "400 BAD REQUEST"
    both(stream=lambda: io.BytesIO(b" " * (LARGEST_BODY + 1)), **chunked)
    listed = json.dumps(old("tools/list")).encode()
    assert both(stream=lambda: io.BytesIO(listed), **chunked).status == "200 OK"
    for length in ("", "-1", "x", "1_0", "99999999999999999999"):
        both(listed, CONTENT_LENGTH=length)


@pytest.mark.parametrize("request_id", [None, "", "a b", "a" * 65, "\xe9", "x\ty"])
def test_a_request_without_a_plausible_id_is_given_one(app, alice, request_id):
    headers = {"Authorization": f"Bearer {alice.token}", "X-Request-Id": request_id}
    entry = send(app, body=old("tools/list"), headers=headers)
    flask = send(app, without_entry=True, body=old("tools/list"), headers=headers)
    given = [found.header("X-Request-Id") or "" for found in (entry, flask)]
    assert (
        given == [request_id] * 2 if request_id == "\xe9" else all(OWN_ID.fullmatch(each) for each in given)
    )
    assert given[0] != given[1] or request_id == "\xe9"


def test_a_database_that_does_not_answer(both, monkeypatch):
    def fail(_token: str) -> None:
        raise Unavailable

    monkeypatch.setattr("app.mcp_server.authentication.find_caller", fail)
    found = both(old("tools/list"))
    assert (found.status, found.header("Retry-After")) == ("503 SERVICE UNAVAILABLE", "5")


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError("secret detail"), 500), (InvalidInput(), 400)]
)
def test_a_defect_is_logged_and_answered_by_flask_handlers(both, monkeypatch, caplog, error, status):
    def fail(*_: Any) -> None:
        raise error

    def defects() -> float:
        return REGISTRY.get_sample_value("patchbay_unhandled_errors_total") or 0

    monkeypatch.setattr(RequestChecks, "read", fail)
    before = defects()
    found = both(old("tools/list"), path="/mcp")
    assert found.status.startswith(str(status)) and b"secret" not in found.body
    assert json.loads(found.body)["error"]["details"]["correlation_id"] == "abc123"
    records = [each for each in caplog.records if each.getMessage() == "unhandled error on /mcp"]
    assert defects() - before == len(records) == (2 if status == 500 else 0)
    assert all(each.exc_info and each.exc_info[1] is error for each in records)


@pytest.mark.parametrize(
    "given",
    [
        {"method": "GET"},
        {"method": "HEAD"},
        {"method": "DELETE"},
        {"method": "OPTIONS", "headers": {"Origin": ALLOWED}},
        {"method": "PUT"},
        {"headers": {"Authorization": None}},
        {"headers": {"Host": "evil.example"}},
        {"headers": {"Host": "["}},
        {"headers": {"Upgrade": "websocket", "Connection": "Upgrade"}},
        {"path": "/mcp//"},
        {"path": "/mcp/token"},
        {"path": "/health"},
    ],
)
def test_whatever_is_no_call_is_left_to_flask(app, alice, given):
    given = {**given, "headers": {"Authorization": f"Bearer {alice.token}", **given.get("headers", {})}}
    send(app, **given)  # the first of a minute is noted for people who look for what went wrong
    entry = send(app, **given)
    flask = send(app, without_entry=True, **given)
    assert entry.was_flask and entry.status == flask.status
    assert [name for name, _ in entry.headers] == [name for name, _ in flask.headers]


class TestProduction:
    """Behind a trusted proxy, over TLS."""

    @pytest.fixture
    def environ(self, environ):
        return environ | {
            "PUBLIC_URL": "https://hub.example.com",
            "ENV": "production",
            "SANDBOX": "0",
            "MAIL_URL": "smtp://smtp.example.com",
            "TRUSTED_PROXIES": "1",
        }

    def test_host_and_scheme_are_those_of_the_proxy(self, app, alice):
        found = send(
            app,
            body=old("tools/list"),
            headers={
                "Authorization": f"Bearer {alice.token}",
                "Host": "10.0.0.1:8000",
                "X-Forwarded-Host": "hub.example.com",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-For": "203.0.113.9",
            },
        )
        assert (found.status, found.was_flask) == ("200 OK", False)
        assert found.header("Strict-Transport-Security") == "max-age=31536000"

    def test_headers_are_those_of_flask(self, both):
        assert both(old("tools/list"), headers={"Host": "hub.example.com"}).status == "200 OK"

    def test_every_hook_of_flask_has_its_place_in_the_entry(self, app):
        """A hook that is new here: do in `app/mcp_server/entry.py` what it does to a call, or say why not."""

        def names(hooks: dict[Any, Any]) -> set[str]:
            return {getattr(each, "func", each).__qualname__.split(".")[-1] for each in hooks.get(None, ())}

        assert names(app.before_request_funcs) == {
            "_start",  # done: `logs.begin_request`
            "csrf_protect",  # the endpoint reads no cookie, so its blueprint is exempt
            "_compare_host",  # exempt: `RequestChecks.admit` compares
            "_compare_origin",  # exempt: `RequestChecks.admit` compares
            "_check_request_limit",  # the endpoint has no limit by address
        }
        assert names(app.after_request_funcs) == {
            "_name",  # done: `X-Request-Id`
            "_compress",  # pages and files only
            "_headers",  # done: `headers.of_data`
            "__inject_headers",  # headers of limits are turned off
            "_keep_assets",  # files only
            "_update_remember_cookie",  # nobody signs in here
        }
        assert names(app.teardown_request_funcs) == {"__release_context"}  # of limits by address
        assert not app.teardown_appcontext_funcs
        assert not any(hooks.get("mcp") for hooks in (app.before_request_funcs, app.after_request_funcs))


def test_a_forwarded_call_is_noticed(app, alice):
    hosts.forget()
    headers = {"Authorization": f"Bearer {alice.token}"}
    send(app, body=old("tools/list"), headers=headers, REMOTE_ADDR="127.0.0.1")
    assert not hosts.sees_untrusted_proxy()
    headers["X-Forwarded-For"] = "203.0.113.9"
    found = send(app, body=old("tools/list"), headers=headers, REMOTE_ADDR="127.0.0.1")
    assert (found.was_flask, hosts.sees_untrusted_proxy()) == (False, True)
    hosts.forget()
