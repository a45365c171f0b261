"""An SDK server inside the sandbox's WSGI process: both revisions, streams that stream, sessions."""

import contextlib
import threading

import anyio
import httpx2
import pytest
from flask import Blueprint
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer
from werkzeug.serving import make_server

from app.sandbox.mcp_desk import caller
from app.sandbox.mcp_endpoint import McpEndpoint, json_response
from app.sandbox.rules import DemoKey, Rules
from app.sandbox.server import create_app
from app.sandbox.service import DemoCompany, ImitatedService
from tests.support import loops
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS

_OF_THE_CLIENT = {
    "protocolVersion": "2026-07-28",
    "clientInfo": {"name": "t", "version": "1"},
    "clientCapabilities": {},
}
ANN, GUS = "toy-key-ann", "toy-key-gus"


class Toy:
    """A service whose MCP server waits where the test says so."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.cancelled = threading.Event()

    def build(self, desk):
        server = MCPServer("toy")

        @server.tool()
        async def whoami(ctx: Context) -> str:
            access = caller(ctx.request_context)
            with desk.open() as at:
                at.book(access.company).put("visit", "last", {"by": access.person})
                return at.book(access.company).find("visit", "last")["by"]

        @server.tool()
        async def slow(ctx: Context) -> str:
            await ctx.report_progress(1, 2, "half")
            try:
                while not self.goes_on.is_set():
                    await anyio.sleep(0.01)
            except anyio.get_cancelled_exc_class():
                self.cancelled.set()
                raise
            return "done"

        return server

    def admit(self, at, request):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return at.grants.find_access(token) or json_response(401, {"error": "invalid_token"})

    def service(self):
        return ImitatedService(
            "toy",
            "Toy",
            Blueprint("toy", __name__),
            (
                DemoCompany("acme", "Acme", "ann@acme.example"),
                DemoCompany("globex", "Globex", "gus@globex.example"),
            ),
            seed=lambda book, today: None,
            oauth=Rules(
                authorize_path=None,
                token_path=None,
                revoke_path=None,
                scopes=frozenset(),
                access_seconds=600,
                keys={ANN: DemoKey("acme", "ann@acme.example"), GUS: DemoKey("globex", "gus@globex.example")},
            ),
            mcp=(McpEndpoint("/mcp", self.admit, self.build),),
        )


@pytest.fixture
def toy():
    toy = Toy()
    server = make_server("127.0.0.1", 0, create_app(services={"toy": toy.service()}), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    toy.url = f"http://127.0.0.1:{server.port}"
    yield toy
    toy.goes_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.asynccontextmanager
async def client_of(toy, mode, key=ANN):
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=AT_MOST_SECONDS) as http:
        async with Client(
            streamable_http_client(f"{toy.url}/toy/mcp", http_client=http), mode=mode
        ) as client:
            yield client


REVISIONS = pytest.mark.parametrize(
    ("mode", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")], ids=["2026", "2025"]
)


@REVISIONS
def test_a_tool_knows_whose_token_came_and_has_the_records(toy, mode, revision):
    async def go():
        async with client_of(toy, mode) as ann, client_of(toy, mode, GUS) as gus:
            assert ann.protocol_version == revision
            return [(await one.call_tool("whoami", {})).content[0].text for one in (ann, gus)]

    assert loops.run(go()) == ["ann@acme.example", "gus@globex.example"]


@REVISIONS
def test_a_progress_notification_arrives_before_the_result(toy, mode, revision):
    """The tool goes on only once the client has the notification: a buffered response would never end."""

    async def go():
        async def on_progress(progress, total, message):
            toy.goes_on.set()

        async with client_of(toy, mode) as client:
            with anyio.fail_after(AT_MOST_SECONDS):
                return (await client.call_tool("slow", {}, progress_callback=on_progress)).content[0].text

    assert loops.run(go()) == "done"


def test_requests_without_a_token_never_reach_the_server(toy):
    answer = httpx2.post(f"{toy.url}/toy/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})


def _initialize(toy, key=ANN, session=None, method="initialize"):
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json, text/event-stream"}
    if session:
        headers["Mcp-Session-Id"] = session
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params if method == "initialize" else {}}
    return httpx2.post(f"{toy.url}/toy/mcp", json=body, headers=headers, timeout=AT_MOST_SECONDS)


def test_a_session_belongs_to_its_grant_and_ends_with_the_lever(toy):
    session = _initialize(toy).headers["Mcp-Session-Id"]
    assert _initialize(toy, session=session, method="ping").status_code == 200
    assert _initialize(toy, GUS, session, "ping").status_code == 404
    httpx2.post(f"{toy.url}/_levers/toy/forget_sessions", json={}).raise_for_status()
    assert _initialize(toy, session=session, method="ping").status_code == 404
    assert _initialize(toy).status_code == 200


def test_a_silent_stream_has_its_headers_at_once(toy):
    """The SDK's client sends nothing else before it has them. The first ping would come after 15 seconds."""
    headers = {
        "Authorization": f"Bearer {ANN}",
        "Accept": "text/event-stream",
        "Mcp-Session-Id": _initialize(toy).headers["Mcp-Session-Id"],
    }
    with httpx2.stream("GET", f"{toy.url}/toy/mcp", headers=headers, timeout=PROMPTLY_SECONDS) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")


def test_faults_hit_an_mcp_server_like_any_other_path(toy):
    httpx2.post(f"{toy.url}/_levers/toy/fail", json={"path": "/mcp", "status": 503}).raise_for_status()
    assert [_initialize(toy).status_code for _ in range(2)] == [503, 200]


def test_a_client_that_leaves_ends_what_it_started(toy):
    """On the 2026-07-28 wire a client cancels a request by closing its connection."""
    meta = {f"io.modelcontextprotocol/{name}": value for name, value in _OF_THE_CLIENT.items()}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "slow", "arguments": {}, "_meta": {**meta, "progressToken": 1}},
    }
    headers = {
        "Authorization": f"Bearer {ANN}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "slow",
    }
    with httpx2.stream("POST", f"{toy.url}/toy/mcp", json=body, headers=headers) as answer:
        assert next(answer.iter_lines()) and not toy.cancelled.is_set()
    assert toy.cancelled.wait(AT_MOST_SECONDS)
