"""Resources and prompts of the workspace's MCP servers, through this endpoint: listed under names of ours,
read under the rules of reading tools.

A prompt is `<slug>_<prompt>`. A resource's address begins with the connection it belongs to, and goes on with
the server's own: `hub://con_…/notebook://all`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, CallToolRequestParams

from app import clock
from app.config import Settings
from app.connectors import mcp
from app.connectors.connector import Connector
from app.connectors.rows import plain
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PatchbayError,
    PermissionDenied,
    TooManyRequests,
    WorkspaceInactive,
)
from app.federation import contents, naming
from app.federation.breaker import BREAKER
from app.federation.models import McpContents
from app.federation.source import SOURCE
from app.mcp_client import McpClient
from app.mcp_server import envelope, resource_addresses
from app.mcp_server.calls import accounting
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.protocol.exchange import Exchange
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.vault import connection_state
from app.vault.access import open_api
from app.vault.labels import names_of
from app.vault.models import Connection
from app.vault.visible_connections import visible_to

_MOST_BINARY = 4 * 1024 * 1024  # characters of Base64
READ, GET = "resources/read", "prompts/get"


@dataclass(frozen=True)
class _Offer:
    """A connection whose server's contents the caller may have."""

    connector: Connector
    connection: Connection
    label: str  # the account, if there are several; else ""
    known: McpContents

    @property
    def prefix(self) -> str:
        return resource_addresses.prefix_of(self.connection.id)

    @property
    def kinds(self) -> set[str]:
        """The capabilities that its contents belong to."""
        found = {"resources"} if self.known.resources or self.known.templates else set()
        return found | ({"prompts"} if self.known.prompts else set())

    @property
    def prompts(self) -> dict[str, Mapping[str, Any]]:
        """The prompts by the name they have here."""
        by_name = {each["key"]: each for each in self.known.prompts}
        verbs = naming.choose(self.connector.slug, by_name, {})
        return {naming.full_name(self.connector.slug, verbs[name]): each for name, each in by_name.items()}


class ServerContents:
    """One per process; stores nothing of a caller."""

    def __init__(self, settings: Settings, permits: FairSemaphore) -> None:
        self._settings = settings
        self._permits = permits

    def resources(self, caller: AuthenticatedCaller) -> list[dict[str, Any]]:
        """The entries of resources/list."""
        offers = self._having("resources", caller)
        return [_listed(each, "uri", o) for o in offers for each in o.known.resources]

    def templates(self, caller: AuthenticatedCaller) -> list[dict[str, Any]]:
        """The entries of resources/templates/list."""
        offers = self._having("resources", caller)
        return [_listed(each, "uriTemplate", o) for o in offers for each in o.known.templates]

    def prompts(self, caller: AuthenticatedCaller) -> list[dict[str, Any]]:
        """The entries of prompts/list. With several accounts, the first one's, unless `account` says more."""
        found: dict[str, dict[str, Any]] = {}
        for offer in self._having("prompts", caller):
            for name, each in offer.prompts.items():
                facts = {key: value for key, value in each.items() if key != "key"}
                entry = {"name": name, **facts, "title": _title(each, offer)}
                if offer.label:
                    entry["arguments"] = [*each["arguments"], _ACCOUNT]
                found.setdefault(name, entry)
        return list(found.values())

    def kinds(self, caller: AuthenticatedCaller) -> set[str]:
        """The capabilities that there is anything behind, for this caller."""
        return {kind for offer in self._offers(caller) for kind in offer.kinds}

    def _having(self, kind: str, caller: AuthenticatedCaller) -> list[_Offer]:
        """The connections with contents of that kind. Raises MCPError without any: this caller has no such
        capability.
        """
        offers = [each for each in self._offers(caller) if kind in each.kinds]
        if not offers:
            raise MCPError(METHOD_NOT_FOUND, f"Nothing that is connected has {kind}.")
        return offers

    def read(self, uri: str, caller: AuthenticatedCaller, exchange: Exchange | None) -> dict[str, Any]:
        """The result of resources/read. Raises MCPError, Refusal over a limit."""
        offer = next((o for o in self._offers(caller) if uri.startswith(o.prefix) and uri != o.prefix), None)
        if offer is None:
            raise MCPError(
                INVALID_PARAMS, "There is no such resource. List the resources to see what there is."
            )
        original = uri.removeprefix(offer.prefix)
        parts = self._ask(offer, READ, caller, exchange, lambda c: c.read_resource(original)).get("contents")
        read = [_content(each, offer) for each in (parts if isinstance(parts, list) else [])]
        return {"contents": [each for each in read if each is not None]}

    def get(
        self, name: str, given: Mapping[str, str], caller: AuthenticatedCaller, exchange: Exchange | None
    ) -> dict[str, Any]:
        """The result of prompts/get. Raises MCPError, Refusal over a limit."""
        arguments = dict(given)
        having = [offer for offer in self._offers(caller) if name in offer.prompts]
        if not having:
            raise MCPError(INVALID_PARAMS, "There is no such prompt. List the prompts to see what there is.")
        # of two servers' prompts of one name, the listed one
        having = [offer for offer in having if offer.connector is having[0].connector]
        account = arguments.pop("account", None) if having[0].label else None
        if account is not None:
            accounts = ", ".join(o.label for o in having)
            having = [o for o in having if account in {o.label, o.connection.id}]
            if not having:
                raise MCPError(
                    INVALID_PARAMS, f"This account doesn't have this prompt. Choose one of: {accounts}."
                )
        offer = having[0]
        original = offer.prompts[name]["key"]
        result = self._ask(offer, GET, caller, exchange, lambda c: c.get_prompt(original, arguments))
        messages = result.get("messages")
        description = plain(str(result.get("description") or ""))[: envelope.MOST_CHARACTERS]
        return {
            "description": f"{description} (account: {offer.label})".strip() if offer.label else description,
            "messages": [
                _message(each, offer)
                for each in (messages if isinstance(messages, list) else ())
                if isinstance(each, dict)
            ],
        }

    def _offers(self, caller: AuthenticatedCaller) -> list[_Offer]:
        """The connections of MCP servers that this caller may read now."""
        here = SOURCE.connectors_of(caller.workspace_id)
        servers = {each.slug: each for each in here if each.is_offered and each.extends is None}
        if not servers or not caller.workspace_active or not scopes.covers(caller.scopes, scopes.READ):
            return []
        now = clock.now()
        usable = [
            each
            for each in visible_to(caller.workspace_id, caller.sees_as, caller.prefetched)
            if each.slug in servers
            and each.permission != "off"
            and caller.selection.includes(each.id)
            and connection_state.may_try(each, now)
        ]
        known = contents.of_connections(each.id for each in usable)
        contents.read_due(self._settings, usable, known)
        labels = {slug: names_of([c for c in usable if c.slug == slug]) for slug in servers}
        return [
            _Offer(servers[c.slug], c, labels[c.slug][c.id] if len(labels[c.slug]) > 1 else "", known[c.id])
            for c in usable
            if c.id in known
        ]

    def _ask(
        self,
        offer: _Offer,
        method: str,
        caller: AuthenticatedCaller,
        exchange: Exchange | None,
        work: Callable[[McpClient], dict[str, Any]],
    ) -> dict[str, Any]:
        """Ask the server, counted, limited and recorded as a tool that reads."""
        row = accounting.begin(caller, None)
        row.tool, row.slug, row.connection_id = method, offer.connector.slug, offer.connection.id
        invocation = Invocation(CallToolRequestParams(name=method), caller, row, exchange)
        with self._permit(invocation, offer), _answering(invocation):
            if not caller.workspace_active:
                raise WorkspaceInactive()
            invocation.admit()
            gone = exchange.is_cancelled if exchange else lambda: False
            api = open_api(self._settings, offer.connection, cancelled=gone)
            try:
                with BREAKER.around(offer.connection.id, api):
                    result = work(mcp.client_of(api))
            finally:
                invocation.note_requests(api)
            invocation.used.append(offer.connection.id)
            row.bytes = len(envelope.to_text(plain(result)))
        return result

    @contextmanager
    def _permit(self, invocation: Invocation, offer: _Offer) -> Iterator[None]:
        caller, exchange = invocation.caller, invocation.exchange
        gone = exchange.is_cancelled if exchange else lambda: False
        try:
            permit = self._permits.acquire(
                caller.workspace_id, caller.user_id, gone, service=offer.connector.slug
            )
            with permit:
                yield
        except TooManyRequests as error:
            invocation.turn_away(error)


# what the caller can correct: another address, other arguments
_OF_THE_REQUEST = (PermissionDenied, InvalidArguments, ObjectNotFound)


@contextmanager
def _answering(invocation: Invocation) -> Iterator[None]:
    """Record how it ended. Raises MCPError in place of our errors."""
    try:
        yield
    except PatchbayError as error:
        invocation.settle(error.code)
        code = INVALID_PARAMS if isinstance(error, _OF_THE_REQUEST) else INTERNAL_ERROR
        raise MCPError(code, error.message, {"code": error.code, **error.details}) from None
    invocation.settle("ok")


_ACCOUNT = {"name": "account", "description": "Which connected account to use.", "required": False}


def _title(each: Mapping[str, Any], offer: _Offer) -> str:
    title = each.get("title") or each.get("name") or each["key"]
    return f"{offer.connector.name}: {title}"


def _listed(each: Mapping[str, Any], address: str, offer: _Offer) -> dict[str, Any]:
    """An entry under its address here."""
    facts = {key: value for key, value in each.items() if key != "key"}
    account = f" ({offer.label})" if offer.label else ""
    title = f"{_title(each, offer)}{account}"
    return {"name": each["key"], **facts, "title": title, address: offer.prefix + each["key"]}


def _content(part: Any, offer: _Offer) -> dict[str, Any] | None:
    """One part of a resource, bounded. Raises MCPError if it is too large."""
    if not isinstance(part, dict) or not isinstance(part.get("uri"), str):
        return None
    found: dict[str, Any] = {"uri": offer.prefix + plain(part["uri"])}
    if isinstance(part.get("mimeType"), str):
        found["mimeType"] = plain(part["mimeType"])
    if isinstance(text := part.get("text"), str):
        return {**found, "text": _bounded(plain(text))}
    if isinstance(blob := part.get("blob"), str):
        if len(blob) > _MOST_BINARY:
            raise MCPError(INVALID_PARAMS, "This resource is larger than 3 MB, which is not passed on.")
        return {**found, "blob": blob}
    return None


def _message(message: Mapping[str, Any], offer: _Offer) -> dict[str, Any]:
    """A message of a prompt, with a resource in it under its address here."""
    content = message.get("content")
    content = content if isinstance(content, dict) else {"type": "text", "text": str(content or "")}
    content = {key: value if key in {"data", "resource"} else plain(value) for key, value in content.items()}
    if isinstance(content.get("text"), str):
        content["text"] = _bounded(content["text"])
    if isinstance(part := content.get("resource"), dict):
        content["resource"] = _content(part, offer) or {}
    role = message.get("role")
    content = resource_addresses.linked(content, offer.connection.id)
    return {"role": role if role in ("user", "assistant") else "user", "content": content}


def _bounded(text: str) -> str:
    most = envelope.MOST_CHARACTERS
    return text if len(text) <= most else f"{text[:most]}… [cut, {len(text):,} characters in all]"
