"""Over a real gunicorn with two workers: streams, gone clients, equal ids, the official SDK's client."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp import Client as SdkClient
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestURLParams, ElicitResult

from tests.mcp_server.live import listen, port_of, run_gunicorn
from tests.mcp_server.test_protocol import envelope_meta
from tests.support import loops
from tests.support.mcp_client import MODERN
from tests.support.waiting import AT_MOST_SECONDS

pytestmark = pytest.mark.slow


@pytest.fixture
def listener():
    return listen()


@pytest.fixture
def environ(environ, listener):
    """The product on a port of its own, so that the test's and the workers' settings agree."""
    port = str(port_of(listener))
    return environ | {"PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}", "WEB_THREADS": "8"}


@pytest.fixture
def url(app, environ, listener, tmp_path):
    with run_gunicorn(
        "tests.mcp_server.live:create_app()", listener, tmp_path / "log.txt", environ
    ) as address:
        yield f"{address}/mcp"


def headers(token: str, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        **more,
    }


def modern(name: str, arguments: dict[str, Any], request_id: Any = 1, **meta: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments, "_meta": {**envelope_meta(), **meta}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def modern_headers(token: str, name: str) -> dict[str, str]:
    return headers(token, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": name})


def test_streams_equal_ids_and_gone_clients(url, connect, people, token_for):
    connect(people.alice)
    connect(people.charlie, "Contoso main")
    token = token_for(people.alice)
    with httpx2.Client(timeout=AT_MOST_SECONDS) as http:
        _progress_is_streamed_and_a_quick_error_is_not(http, url, token)
    _parallel_requests_with_equal_ids_never_mix(url, token, token_for(people.charlie))
    _a_client_that_leaves_does_not_hold_a_thread(url, token)


def _progress_is_streamed_and_a_quick_error_is_not(http: Any, url: str, token: str) -> None:
    body = modern("acme_get_thing", {"id": "slow"}, progressToken="p1")
    with http.stream("POST", url, json=body, headers=modern_headers(token, "acme_get_thing")) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["x-accel-buffering"] == "no"
        messages = [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:")]
    assert [m["params"]["progress"] for m in messages[:-1]] == [0, 1, 2]
    assert {m["params"]["progressToken"] for m in messages[:-1]} == {"p1"}
    assert messages[-1]["result"]["structuredContent"]["success"]
    quick = http.post(
        url,
        json=modern("no_such_tool", {}, progressToken="p2"),
        headers=modern_headers(token, "no_such_tool"),
    )
    assert (quick.status_code, quick.headers["content-type"]) == (400, "application/json")


def _parallel_requests_with_equal_ids_never_mix(url: str, alice: str, charlie: str) -> None:
    def one(n: int) -> tuple[str, str]:
        token, account = (alice, "Main") if n % 2 else (charlie, "Contoso main")
        with httpx2.Client(timeout=AT_MOST_SECONDS) as http:
            sent = modern("acme_get_thing", {"id": f"n{n}"}, **({"progressToken": 1} if n % 3 else {}))
            answer = http.post(url, json=sent, headers=modern_headers(token, "acme_get_thing"))
        body = answer.json()
        envelope = body["result"]["structuredContent"]
        assert body["id"] == 1
        assert f"Acme account: {account};" in envelope["message"]
        return envelope["data"]["id"], f"n{n}"

    with ThreadPoolExecutor(12) as pool:
        assert all(got == wanted for got, wanted in pool.map(one, range(36)))


def _a_client_that_leaves_does_not_hold_a_thread(url: str, token: str) -> None:
    host, port = url.removeprefix("http://").removesuffix("/mcp").split(":")
    body = json.dumps(modern("acme_get_thing", {"id": "waits"}, progressToken="p")).encode()
    head = "\r\n".join(
        f"{k}: {v}" for k, v in {**modern_headers(token, "acme_get_thing"), "Host": f"{host}:{port}"}.items()
    )
    started = time.monotonic()
    for _ in range(16):  # as many as there are threads
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"POST /mcp HTTP/1.1\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            time.sleep(0.02)
    with httpx2.Client(timeout=AT_MOST_SECONDS) as http:
        again = http.post(
            url, json=modern("acme_get_thing", {"id": "a"}), headers=modern_headers(token, "acme_get_thing")
        )
    assert again.json()["result"]["structuredContent"]["success"]
    assert time.monotonic() - started < AT_MOST_SECONDS, "each of them would work for a hundred seconds"


def test_the_official_client_is_led_to_connecting_then_lists_and_calls(url, connect, people, token_for):
    token = token_for(people.alice)
    opened: list[str] = []

    async def open_url(_context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams)
        opened.append(params.url)
        thread = threading.Thread(target=connect, args=(people.alice,), kwargs={"permission": "write"})
        thread.start()
        thread.join()
        return ElicitResult(action="accept")

    async def use() -> None:
        async with _sdk_client(url, token, "auto", elicitation_callback=open_url) as client:
            result = await client.call_tool("acme_get_thing", {"id": "a"})
            assert result.structured_content["success"]
        for mode in ("auto", "legacy"):
            async with _sdk_client(url, token, mode) as client:
                await _list_and_call(client)

    loops.run(use())
    assert len(opened) == 1
    assert "/integrations/connect/lnk_" in opened[0]


async def _list_and_call(client: SdkClient) -> None:
    reported: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)

    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {"hub_list_connections", "acme_get_thing", "acme_create_thing"} <= tools
    found = await client.call_tool("acme_get_thing", {"id": "slow"}, progress_callback=on_progress)
    assert found.structured_content["data"]["id"] == "slow"
    assert reported == [0, 1, 2]
    refused = await client.call_tool("acme_get_thing", {"id": "missing"})
    assert refused.is_error
    many = await asyncio.gather(*(client.call_tool("acme_get_thing", {"id": f"n{n}"}) for n in range(16)))
    assert [m.structured_content["data"]["id"] for m in many] == [f"n{n}" for n in range(16)]


def _sdk_client(url: str, token: str, mode: Any, **options: Any) -> SdkClient:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=AT_MOST_SECONDS)
    return SdkClient(
        streamable_http_client(url, http_client=http),
        mode=mode,
        read_timeout_seconds=AT_MOST_SECONDS,
        **options,
    )
