"""Finds out what is at an address, before anything is stored: an MCP server, its sign-in, its tools.

Asks without a token. A server that wants one (401) is asked how people sign in (`oauth_discovery`); one that
does not say takes a key. Whatever else is there gets a sentence of its own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from app import outbound
from app.config import Settings
from app.connectors.rows import plain
from app.errors import InvalidInput, ToolError
from app.federation import (
    addresses,
    challenge,
    guarded_request,
    oauth_discovery,
    registration,
    self_description,
)
from app.federation.oauth_facts import OAuthFacts
from app.mcp_client import (
    DirectSender,
    McpClient,
    MemorySessions,
    MethodMissing,
    RevisionUnknown,
    RpcError,
    ServerFacts,
    ServerSession,
)
from app.outbound import Response

_SECONDS = 25.0  # for everything together
_ONE_REQUEST_SECONDS = 12.0
_NAME = re.compile(r"[^a-z0-9]+")


class NotAServer(InvalidInput):
    """There is no MCP server at the address, or none that can be used. The sentence says what there is."""

    code = "NOT_AN_MCP_SERVER"


@dataclass(frozen=True)
class Found:
    """What is at an address. `info` is what the server says of itself (`self_description`).

    `access`: `client` lets only programs in. `tools` are definitions as sent; None: only after signing in.
    `needs_client`: it registers no apps by itself, so a client id made there must be pasted.
    """

    url: str
    name: str
    slug_hint: str
    revision: str
    info: dict[str, Any]
    access: Literal["none", "key", "oauth", "client"]
    tools: list[dict[str, Any]] | None
    oauth: OAuthFacts | None = None
    needs_client: bool = False


def look(settings: Settings, url: str) -> Found:
    """What is at this address. Raises an InvalidInput with a sentence for whatever is wrong with it.

    Sends requests: call it without a database connection.
    """
    address = addresses.read_typed(settings, url)
    probe = _Probe(address)
    client = McpClient(probe, MemorySessions(), name=_name_of(address))
    facts: ServerFacts | None = None
    try:
        facts = client.connect()
        tools = client.list_tools().tools
    except _SignInNeeded as needed:
        return _with_sign_in(settings, address, facts, needed.answer)
    except outbound.OutboundError as error:
        raise NotAServer(_unreachable(error)) from None
    except ToolError as error:
        raise _what_is_there(probe, error, is_connected=facts is not None) from None
    finally:
        client.end()
    return _found(address, facts, "none", tools)


def _with_sign_in(settings: Settings, address: str, facts: ServerFacts | None, answer: Response) -> Found:
    oauth = oauth_discovery.discover(settings, address, challenge.read(answer.headers))
    if oauth is None:
        return _found(address, facts, "key", None)
    if not oauth.authorization_endpoint:
        return _found(address, facts, "client", None, oauth=oauth)
    needs_client = registration.needs_paste(settings, oauth)
    return _found(address, facts, "oauth", None, oauth=oauth, needs_client=needs_client)


def _found(
    address: str,
    facts: ServerFacts | None,
    access: Literal["none", "key", "oauth", "client"],
    tools: list[dict[str, Any]] | None,
    *,
    oauth: OAuthFacts | None = None,
    needs_client: bool = False,
) -> Found:
    named = [facts.info.get(key) for key in ("title", "name")] if facts else []
    named.append(oauth.resource_name if oauth else "")
    name = next((text for each in named if (text := _label(each))), _name_of(address))
    info = self_description.of(facts) if facts else {}
    revision = facts.revision if facts else ""
    return Found(address, name, slug_of(name), revision, info, access, tools, oauth, needs_client)


def slug_of(name: str) -> str:
    """A name in the letters of a slug, from 2 to 24 of them."""
    slug = _NAME.sub("_", name.lower()).strip("_")[:24].strip("_")
    slug = slug if slug[:1].isalpha() else f"mcp_{slug}"[:24].strip("_")
    return slug if len(slug) > 1 else f"{slug}_mcp"


def _label(value: object) -> str:
    return " ".join(str(plain(value)).split())[:80] if isinstance(value, str) else ""


def _name_of(address: str) -> str:
    """A name by the host alone: mcp.notion.com is Notion, 127.0.0.1 stays as it is."""
    host = urlsplit(address).hostname or ""
    labels = [label for label in host.split(".") if label not in {"mcp", "api", "www", "app"}]
    if host.replace(".", "").isdigit() or ":" in host or len(labels) < 2:
        return host
    return labels[-2].capitalize()


# --- asking -------------------------------------------------------------------------------------


class _SignInNeeded(Exception):
    """The server refuses a request without a token."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class _Probe:
    """Sends the messages of a look, without a token, and notes the last answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.last: Response | None = None
        self._sender = DirectSender(url, seconds=_SECONDS)

    def post(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        safe: bool,
        on_message: Callable[[dict[str, Any]], None] | None = None,
        seconds: float | None = None,
    ) -> Response:
        """The server's answer. Raises _SignInNeeded, NotAServer or OutboundError."""
        answer = self.last = self._sender.post(
            body, headers, safe=safe, on_message=on_message, seconds=seconds
        )
        if answer.status == 401:
            raise _SignInNeeded(answer)
        if (sentence := _sentence_at_once(self.url, answer)) is not None:
            raise NotAServer(sentence)
        return answer

    def end(self, session: ServerSession) -> None:
        """Ends a session of the look."""
        self._sender.end(session)

    def serves_old_transport(self) -> bool:
        """Whether a GET opens an event stream, as the HTTP+SSE transport of 2024-11-05 begins."""
        try:
            answer = guarded_request.send(
                "GET",
                self.url,
                accept="text/event-stream",
                seconds=_ONE_REQUEST_SECONDS,
                reads_body=False,
            )
        except outbound.OutboundError:
            return False
        return answer.status == 200 and _type_of(answer) == "text/event-stream"


# --- what else can be there ----------------------------------------------------------------------


def _sentence_at_once(url: str, answer: Response) -> str | None:
    """What is wrong with an answer that no other request would change."""
    if 300 <= answer.status < 400:
        return _redirected(url, answer)
    if answer.status >= 500 and answer.status != 501:
        return (
            f"The server returned an error (status {answer.status}). Please try again later, or contact "
            "whoever runs it."
        )
    if answer.status == 429:
        return "The server is limiting requests right now (429). Please wait a minute and try again."
    if answer.status < 300 and _type_of(answer) == "text/html":
        return (
            "This is a web page, not an MCP server. Look for the server's address in its documentation; it "
            "often ends in /mcp."
        )
    return None


def _redirected(url: str, answer: Response) -> str:
    """Names the new address, but does not follow: it may belong to somebody else."""
    try:
        target = urljoin(url, answer.headers.get("Location", ""))[:300]
    except ValueError:
        target = url
    start = "The server redirects to another address, and redirects aren't followed."
    if target == url or target.startswith("http://") or str(plain(target)) != target or " " in target:
        return f"{start} Look for its current address in its documentation."
    return f"{start} If you trust the new address, add that one instead: {target}"


def _what_is_there(probe: _Probe, error: ToolError, *, is_connected: bool) -> InvalidInput:
    """Why an answer could not be read as MCP, by its status and by what else the address serves."""
    answer = probe.last
    status = answer.status if answer else 0
    if isinstance(error, RevisionUnknown):
        return NotAServer(error.message)
    if is_connected and isinstance(error, MethodMissing):
        return NotAServer("This MCP server offers no tools, so it can't be added.")
    if is_connected and isinstance(error, RpcError):
        return NotAServer(
            "This MCP server reported an error instead of listing its tools. Contact whoever runs it.",
            details={"reason": error.reason},
        )
    if status in {400, 404, 405, 406, 415, 501} and probe.serves_old_transport():
        return NotAServer(
            "This server offers only SSE, an older MCP transport that isn't supported here. Look in its "
            "documentation for a Streamable HTTP address: it usually ends in /mcp instead of /sse."
        )
    if status in {404, 410}:
        return NotAServer("There is nothing at this address (404). Check the path; it often ends in /mcp.")
    if status == 403:
        return NotAServer(
            "The server refused access (403). It may allow only certain networks or apps: ask whoever runs "
            "it."
        )
    if status in {405, 501}:
        return NotAServer(
            "This isn't the address of an MCP server (405). Look for it in the server's documentation; it "
            "often ends in /mcp."
        )
    if status >= 400:
        return NotAServer(
            f"The server rejected the first MCP message (status {status}), so it can't be added. Check the "
            "address against the server's documentation."
        )
    return NotAServer(
        "Something answers at this address, but it isn't an MCP server. Look for the server's address in its "
        "documentation; it often ends in /mcp.",
        details={"reason": str(plain(error.message))[:300]},
    )


def _unreachable(error: outbound.OutboundError) -> str:
    if isinstance(error, outbound.HostUnknown):
        return "The host name in this address doesn't exist. Check the spelling."
    if isinstance(error, outbound.AddressRefused):
        return (
            "This address is on a private network, so it can't be added. The operator of this installation "
            "can allow the host with the setting MCP_SERVERS_PRIVATE_HOSTS."
        )
    if isinstance(error, outbound.OutboundTimeout):
        return "The server didn't respond in time. Please try again, or check the address."
    if isinstance(error, outbound.ResponseTooLarge):
        return "The server's answer is too large to read, so it can't be added. Contact whoever runs it."
    if isinstance(error, outbound.CertificateRefused):
        return (
            f"The server's TLS certificate {error.why}, so the connection wouldn't be secure. Contact "
            "whoever runs it."
        )
    if isinstance(error, outbound.ResponseEndless):
        return (
            "The server keeps sending messages but no answer, so it can't be added. Contact whoever runs it."
        )
    if isinstance(error, outbound.ResponseUnreadable):
        return "The server's answer isn't valid HTTP, so it can't be read. Contact whoever runs it."
    if error.sent:
        return "The server broke off before its answer was complete. Please try again in a moment."
    return "The server can't be reached. Check the address and whether the server is running."


def _type_of(answer: Response) -> str:
    return answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
