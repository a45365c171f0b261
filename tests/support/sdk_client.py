"""The official Python SDK's client with its own OAuth provider, next to a person with a browser.

The SDK is asynchronous and the browser is not, so the client lives on a loop in another thread. Whatever a
call needs of its person (an address to open) is done by the thread that called, as a desktop client would
ask and wait.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

import anyio
import anyio.to_thread
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from mcp_types import ElicitRequestURLParams, ElicitResult
from pydantic import AnyUrl

from tests.support.browser import Loopback
from tests.support.waiting import AT_MOST_SECONDS


@dataclass
class Storage:
    """Where the provider keeps what it was given; also what a test looks at."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    every_token: list[OAuthToken] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens
        self.every_token.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class PythonClient:
    """Open with `connected()`, then `tools()` and `call(…)`. `walk(url)` is the person going where the
    client sends them.
    """

    mcp_url: str
    walk: Callable[[str], None]
    mode: Any = "auto"
    name: str = "Desk Assistant"
    # what the person does with a link out of a tool call; None: the client cannot show any
    open_links: Callable[[str], None] | None = None
    # what the person answers a question in the chat: accept, decline, cancel
    decide: Callable[[str], str] | None = None
    verify: Any = True  # an ssl.SSLContext for a server with a certificate of its own
    storage: Storage = field(default_factory=Storage)
    walked: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    _errands: "Queue[Callable[[], None]]" = field(default_factory=Queue)

    @contextlib.contextmanager
    def connected(self) -> Iterator["PythonClient"]:
        self._loopback = Loopback()
        self.provider = OAuthClientProvider(
            self.mcp_url,
            OAuthClientMetadata(client_name=self.name, redirect_uris=[AnyUrl(self._loopback.url)]),
            self.storage,
            self._send_person,
            self._wait_for_return,
        )

        async def note(response: httpx2.Response) -> None:
            self.requests.append((response.request.method, response.request.url.path, response.status_code))

        http = httpx2.AsyncClient(
            auth=self.provider, timeout=60, verify=self.verify, event_hooks={"response": [note]}
        )
        try:
            with start_blocking_portal() as self._portal:
                with self._entered(self._portal, http):
                    yield self
        finally:
            self._loopback.close()

    @contextlib.contextmanager
    def _entered(self, portal: BlockingPortal, http: httpx2.AsyncClient) -> Iterator[None]:
        """The SDK's context is left by the task that entered it, so one task holds it open."""
        opened: Future[Client] = Future()
        closing = portal.call(anyio.Event)

        async def hold() -> None:
            options = {"elicitation_callback": self._ask_person} if self.open_links or self.decide else {}
            transport = streamable_http_client(self.mcp_url, http_client=http)
            try:
                async with (
                    http,
                    Client(transport, mode=self.mode, read_timeout_seconds=60, **options) as client,
                ):
                    opened.set_result(client)
                    await closing.wait()
            except BaseException as error:
                if not opened.done():
                    opened.set_exception(error)
                else:
                    raise

        held = portal.start_task_soon(hold)
        self.client = self._serving(opened)
        try:
            yield
        finally:
            portal.call(closing.set)
            held.result(30)

    # --- what a test does ---

    def tools(self) -> dict[str, Any]:
        listed = self.do(lambda: self.client.list_tools(cache_mode="bypass"))
        return {tool.name: tool for tool in listed.tools}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The envelope of a call."""
        result = self.do(lambda: self.client.call_tool(tool, arguments))
        assert result.structured_content is not None, result
        return result.structured_content  # type: ignore[no-any-return]

    def do(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Run something of the client's, doing meanwhile what it asks of its person."""

        async def run() -> Any:
            return await ask()

        return self._serving(self._portal.start_task_soon(run))

    def let_a_day_pass(self) -> None:
        """The client's own clock: it thinks its access token has expired."""
        self.provider.context.token_expiry_time = 1.0

    # --- what the client asks ---

    def _serving(self, future: "Future[Any]") -> Any:
        while not future.done():
            with contextlib.suppress(Empty):
                self._errands.get(timeout=0.02)()
        return future.result()

    async def _run_errand(self, deed: Callable[[], None]) -> None:
        """Have the calling thread do something, and wait for it. What goes wrong there goes wrong here
        too.
        """
        done: Future[None] = Future()

        def carry_out() -> None:
            try:
                deed()
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)

        self._errands.put(carry_out)
        await anyio.to_thread.run_sync(done.result)

    async def _send_person(self, url: str) -> None:
        self.walked.append(url)
        await self._run_errand(lambda: self.walk(url))

    async def _wait_for_return(self) -> AuthorizationCodeResult:
        given = await anyio.to_thread.run_sync(lambda: self._loopback.arrived.get(timeout=AT_MOST_SECONDS))
        assert "code" in given, given
        return AuthorizationCodeResult(code=given["code"], state=given.get("state"), iss=given.get("iss"))

    async def _ask_person(self, _context: Any, params: Any) -> ElicitResult:
        if not isinstance(params, ElicitRequestURLParams):
            assert self.decide is not None
            action: Any = self.decide(params.message)
            return ElicitResult(action=action, content={} if action == "accept" else None)
        assert self.open_links is not None
        opens = self.open_links
        await self._run_errand(lambda: opens(params.url))
        return ElicitResult(action="accept")
