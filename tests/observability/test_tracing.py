"""Traces as a collector receives them: a span per tool call and per request to a service, and no content."""

import subprocess
import sys
from dataclasses import replace
from typing import Annotated, Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import Field

from app import clock, config, tracing, tracing_settings
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.errors import ConfigError
from app.vault.refresh import TokenVault
from tests.conftest import live_environment
from tests.floor.test_config import GOOD
from tests.observability.collector import Collector, attributes
from tests.support.catalogue import install
from tests.support.sources import ROOT
from tests.vault import provider as providers
from tests.vault.conftest import expire
from tests.vault.provider import status

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
# What must never be in a trace: an argument in each place it can travel in.
SECRETS = {"id": "canary-id", "word": "canary-word"}
SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


class Found(Row):
    """What was found."""

    name: str


@tool(title="Find a thing", reads_only=True)
def find_thing(
    api: Any,
    id: Annotated[str, Field(description="Id", max_length=40)],
    word: Annotated[str, Field(description="Word", max_length=40)] = "",
) -> Found:
    """Find a thing."""
    answer = api.get("/things/{id}", parts={"id": id}, params={"word": word})
    return Found(name=answer["name"])


@pytest.fixture
def collector():
    receiver = Collector()
    yield receiver
    tracing.configure(None, lambda *_: 200)
    receiver.close()


@pytest.fixture
def environ(environ, collector, monkeypatch):
    install(replace(providers.STRICT, tools=(find_thing,)), monkeypatch=monkeypatch)
    return environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary%2Ckey",
        "OTEL_SERVICE_NAME": "hub",
    }


@pytest.fixture
def client(connect, client_of, people):
    """An AI client of alice, who has connected the service."""
    connect()
    return client_of(people.alice)


@pytest.fixture
def spans(collector):
    """`spans()`: what the collector has received, by kind."""

    def _spans():
        tracing.flush()
        return {kind: [each for each in collector.spans if each.kind == kind] for kind in (SERVER, CLIENT)}

    return _spans


def test_a_tool_call_is_a_span_and_the_request_it_makes_is_its_child(client, spans, provider, collector):
    assert client.call("strict_find_thing", dict(SECRETS))["success"]
    [call], [request] = spans().values()
    assert (call.name, request.name) == ("tools/call strict_find_thing", "GET /things/{id}")
    assert (request.parent_span_id, request.trace_id) == (call.span_id, call.trace_id)
    described = attributes(call)
    assert described.pop("patchbay.correlation_id")
    assert described == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "strict_find_thing",
    }
    assert attributes(request) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": int(provider.url.rpartition(":")[2]),
        "url.template": "/things/{id}",
        "http.response.status_code": 200,
    }
    assert collector.services == {"hub"}
    assert (collector.headers[0]["api-key"], collector.headers[0][":path"]) == ("canary,key", "/v1/traces")


def test_a_refresh_on_the_call_is_a_request_of_its_own(client, spans, provider):
    provider.forget_access_tokens()
    client.call("strict_find_thing", dict(SECRETS))
    [call], requests = spans().values()
    seen = [
        (attributes(each)["http.request.method"], attributes(each)["http.response.status_code"])
        for each in requests
    ]
    assert seen == [("GET", 401), ("POST", 200), ("GET", 200)]
    assert {each.parent_span_id for each in requests} == {call.span_id}
    assert requests[0].status.code == Status.STATUS_CODE_ERROR
    assert attributes(requests[0])["error.type"] == "401"


@pytest.mark.parametrize("where", ["_meta", "header"])
def test_the_clients_trace_goes_on_in_ours(client, spans, where):
    if where == "_meta":
        client.call("strict_find_thing", dict(SECRETS), _meta={"traceparent": TRACEPARENT})
    else:
        post = client.post
        client.post = lambda body, **headers: post(body, **headers, Traceparent=TRACEPARENT)
        client.call("strict_find_thing", dict(SECRETS))
    [call], [request] = spans().values()
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, PARENT)
    assert request.trace_id.hex() == TRACE


def test_the_service_receives_the_trace_context_and_no_vendors_words(client, spans, provider, monkeypatch):
    received = []
    answer = providers._Handler.do_GET
    monkeypatch.setattr(
        providers._Handler, "do_GET", lambda self: (received.append(dict(self.headers)), answer(self))[1]
    )
    meta = {"traceparent": TRACEPARENT, "tracestate": "vendor=canary-state"}
    client.call("strict_find_thing", dict(SECRETS), _meta=meta)
    [_call], [request] = spans().values()
    [headers] = received
    assert headers["traceparent"] == f"00-{TRACE}-{request.span_id.hex()}-01"
    assert "tracestate" not in headers


@pytest.mark.parametrize(
    "given", ["", "nonsense", 7, None, ["x"], "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 9_999]
)
def test_a_trace_context_that_is_none_begins_a_trace_of_our_own(client, spans, given):
    assert client.call("strict_find_thing", dict(SECRETS), _meta={"traceparent": given})["success"]
    [call], [_request] = spans().values()
    assert call.parent_span_id == b"" and call.trace_id.hex() != TRACE


def test_a_client_that_does_not_sample_is_not_recorded(client, spans):
    client.call("strict_find_thing", dict(SECRETS), _meta={"traceparent": TRACEPARENT[:-1] + "0"})
    assert spans() == {SERVER: [], CLIENT: []}


def test_a_failed_call_says_how_it_failed(client, spans, provider):
    provider.api_faults = [status(404)]
    client.refusal("strict_find_thing", dict(SECRETS))
    [call], [request] = spans().values()
    assert attributes(call)["error.type"] == "NOT_FOUND"
    assert call.status.code == Status.STATUS_CODE_ERROR and call.status.message == ""
    assert attributes(request)["error.type"] == "404"


def test_a_service_nobody_listens_at_is_an_error_without_a_status(connect, settings, spans, provider):
    connection = connect()
    expire(connection)
    provider.close()
    with pytest.raises(Exception, match="cannot be reached"):
        TokenVault(settings, connection).bearer()
    [request] = spans()[CLIENT]
    assert attributes(request)["error.type"] == "OutboundError"
    assert "http.response.status_code" not in attributes(request)


def test_a_tool_that_does_not_exist_has_no_name_in_a_trace(client, spans):
    client.ask("tools/call", name="canary_tool", arguments={})
    [call] = spans()[SERVER]
    assert attributes(call)["gen_ai.tool.name"] == "(unknown)"


def test_no_argument_answer_token_or_query_is_in_a_trace(client, spans, collector, provider, people):
    """Whatever happens: success, a refresh, refusals, defects, an unknown tool."""
    client.call("strict_find_thing", dict(SECRETS))
    provider.forget_access_tokens()
    client.call("strict_find_thing", dict(SECRETS))
    for fault in (
        status(500, b"canary-body"),
        status(403, b"canary-body"),
        status(429, b"canary-body"),
        providers.cut,
    ):
        provider.api_faults = [fault] * 3
        client.call("strict_find_thing", dict(SECRETS))
    client.call("strict_find_thing", {"canary-argument": 1})
    client.ask("tools/call", name="canary_tool", arguments={"a": "canary"})
    assert len(spans()[SERVER]) == 8
    for secret in (b"canary", client.token.encode(), people.alice.email.encode(), b"The Account", b"word="):
        assert secret not in collector.raw


def test_a_collector_that_is_away_fails_no_call_and_is_logged_once(
    client, spans, collector, log, monkeypatch
):

    monkeypatch.setattr(tracing, "_failures", clock.Throttle(60))
    collector.status = 503
    for _ in range(2):
        assert client.call("strict_find_thing", dict(SECRETS))["success"]
        spans()
    assert log.one("Spans are not exported")["reason"] == "status 503"
    assert not any("canary" in line for line in log.text.splitlines() if "opentelemetry" in line)


def test_sending_spans_is_not_traced_itself(client, spans, collector):
    client.call("strict_find_thing", dict(SECRETS))
    spans()
    spans()
    port = int(collector.url.rpartition(":")[2])
    assert not [each for each in collector.spans if attributes(each).get("server.port") == port]


class TestOff:
    @pytest.fixture
    def environ(self, environ):
        return environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}

    def test_nothing_is_traced_passed_on_or_sent(self, client, collector, provider, monkeypatch):
        received = []
        answer = providers._Handler.do_GET
        monkeypatch.setattr(
            providers._Handler, "do_GET", lambda self: (received.append(dict(self.headers)), answer(self))[1]
        )
        client.call("strict_find_thing", dict(SECRETS), _meta={"traceparent": TRACEPARENT})
        tracing.flush()
        assert not tracing.is_on() and collector.raw == b""
        assert not {"traceparent", "tracestate"} & {name.lower() for name in received[0]}


@pytest.mark.slow
def test_off_nothing_of_opentelemetrys_tracing_sdk_is_imported(environ):
    program = (
        "import sys; from app.factory import create_app; create_app()\n"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry.sdk.trace', "
        "'opentelemetry.exporter'))]"
    )
    quiet = live_environment(**environ, PYTHONPATH=str(ROOT)) | {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=quiet, check=True, timeout=120)


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, None),
        ({"TRACING": "1"}, "http://localhost:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/t"}, "https://c/t"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "TRACING": "0"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_when_it_is_on_and_where_spans_go(given, endpoint):
    found = config.load(GOOD | given).tracing
    assert (found and found.endpoint) == endpoint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRACING", "maybe"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0Ac"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_SAMPLER_ARG", "half"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_sentence(name, text):
    with pytest.raises(ConfigError, match=name):
        config.load(GOOD | {name: text})


def test_the_collectors_key_is_not_in_what_is_printed_of_the_settings():
    settings = config.load(GOOD | {"TRACING": "1", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary"})
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("missing", tracing_settings._PACKAGES)
def test_without_the_packages_the_start_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert config.load(GOOD).tracing is None
    with pytest.raises(ConfigError, match=r"TRACING .*pip install -r requirements-otel\.txt"):
        config.load(GOOD | {"TRACING": "1"})
