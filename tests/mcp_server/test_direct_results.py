"""Results that a handler makes as JSON: byte for byte what the SDK's server makes of them, in every
revision.

`both_ways` compares all other results of this folder's tests in the same way.
"""

import json

import pytest
from mcp.server.lowlevel.server import Server
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    PROTOCOL_VERSION_META_KEY,
    CallToolRequestParams,
    Icon,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from app.errors import InvalidArguments, PatchbayError
from app.mcp_server import envelope
from app.mcp_server.protocol.direct import DirectHandler
from app.mcp_server.protocol.exchange import AnonymousPrincipal, Exchange
from app.mcp_server.protocol.revisions import InboundRequest
from app.mcp_server.protocol.running import Runner
from app.mcp_server.protocol.sessions import Sessions
from app.mcp_server.tool_list import HINT, ToolListResult, ToolLists
from app.mcp_server.tool_result import ToolResult
from app.mcp_server.toolbox import Toolbox

META = {
    PROTOCOL_VERSION_META_KEY: MODERN_PROTOCOL_VERSIONS[0],
    CLIENT_INFO_META_KEY: {"name": "test", "version": "1"},
    CLIENT_CAPABILITIES_META_KEY: {},
}
HINTS = {"tools/list": HINT}
VERSIONS = [*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS]
IMAGE = {"type": "image", "data": "aGk=", "mimeType": "image/png", "annotations": {"priority": 1.0}}
DATA = {
    "nothing": {},
    "every type": {"a": None, "b": True, "c": [1, -0.0, 1e300, 12345678901234567890], "d": {"e": []}},
    "not a number": {"items": [float("nan"), float("inf"), float("-inf")]},
    "other alphabets": {"größe": "Ünïcödé 株式会社 🧾", "lines": "a\u2028b\u2029c"},
    "escapes": {'"\\/': '\x00\x1f\x7f\b\f\n\r\t </script> {"text": 1}'},
    "long": {"text": "wörd " * 14_000},
    "deep": json.loads("[" * 60 + "]" * 60),
}
RESULTS = {
    **{name: ToolResult(envelope.success("acme_get", data, "Done.")) for name, data in DATA.items()},
    "a failure": ToolResult(envelope.failure("acme_get", InvalidArguments("id: “?” is no id."))),
    "a defect": ToolResult(envelope.failure("acme_get", PatchbayError())),
    "images": ToolResult(envelope.success("acme_get", {}, "Done."), (IMAGE, {"type": "text", "text": "é"})),
}


def server_with(handler):
    return Server(
        "test",
        version="1",
        title="Tést",
        icons=[Icon(src="https://x.example/i.png")],
        on_call_tool=handler,
    )


def answer_of(server, version, method="tools/call", params=None):
    is_modern = version in MODERN_PROTOCOL_VERSIONS
    params = {"_meta": META if is_modern else {}, **({"name": "t"} if params is None else params)}
    inbound = InboundRequest(7, method, params, is_modern, version)
    exchange = Exchange(AnonymousPrincipal(), 7, inbound.params, {}, version)
    return Runner(server, Sessions(["k" * 40])).run(inbound, exchange)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_result_has_the_sdks_bytes(result, version):
    async def for_sdk(_ctx, _params):
        return result.as_dict()

    direct = answer_of(server_with(DirectHandler(lambda _exchange, _params: result)), version)
    assert direct == answer_of(server_with(for_sdk), version)
    text = json.loads(direct.body)["result"]["content"][0]["text"]
    assert json.loads(text) == json.loads(direct.body)["result"]["structuredContent"]


@pytest.mark.parametrize("version", VERSIONS)
def test_text_that_is_not_unicode_is_an_error_either_way(version):
    result = ToolResult(envelope.success("acme_get", {"text": "half a pair: \ud83e"}, "Done."))

    async def for_sdk(_ctx, _params):
        return result.as_dict()

    direct = answer_of(server_with(DirectHandler(lambda _exchange, _params: result)), version)
    assert direct == answer_of(server_with(for_sdk), version)
    assert json.loads(direct.body)["error"]["code"] == INTERNAL_ERROR


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "params",
    [{"title": "none"}, {"name": 1}, {"name": "t", "arguments": []}, {"name": "t", "_meta": 1}],
    ids=str,
)
def test_malformed_parameters_are_refused_as_the_sdk_refuses_them(params, version):
    def never(_exchange, _params):
        raise AssertionError("the handler was called")

    async def never_by_sdk(ctx, params):
        never(ctx, params)

    direct = answer_of(server_with(DirectHandler(never)), version, params=params)
    assert direct == answer_of(server_with(never_by_sdk), version, params=params)
    assert json.loads(direct.body)["error"]["code"] == INVALID_PARAMS


def test_a_handler_gets_the_sdks_parameters_and_is_called_once():
    calls = []

    def handle(exchange, params):
        calls.append(params)
        return RESULTS["images"]  # which the SDK shapes

    params = {"name": "t", "arguments": {"a": [1]}, "inputResponses": {}}
    assert answer_of(server_with(DirectHandler(handle)), VERSIONS[-1], params=params).status == 200
    (got,) = calls
    assert isinstance(got, CallToolRequestParams)
    assert (got.name, got.arguments) == ("t", {"a": [1]})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_list_has_the_sdks_bytes_with_every_tool_there_is(version):
    entries = Toolbox(debug_tools=True, public_url="https://hub.example").everything("wsp_any")
    assert len(entries) > 100

    async def for_sdk(_ctx, _params):
        return made.as_dict()

    made = ToolListResult(ToolLists(), "key", lambda: entries)
    server = Server("test", on_list_tools=DirectHandler(lambda _exchange, _params: made), cache_hints=HINTS)
    by_sdk = Server("test", on_list_tools=for_sdk, cache_hints=HINTS)
    direct = answer_of(server, version, "tools/list", {})
    assert direct == answer_of(by_sdk, version, "tools/list", {})
    assert len(json.loads(direct.body)["result"]["tools"]) == len(entries)
