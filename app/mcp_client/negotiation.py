"""Finds out which revision a server speaks: 2026-07-28 first, then the handshake of 2025."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_types import SERVER_INFO_META_KEY, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import (
    HANDSHAKE_PROTOCOL_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    LATEST_MODERN_VERSION,
    MODERN_PROTOCOL_VERSIONS,
)

from app.errors import ProviderError, ProviderTimeout
from app.mcp_client import errors, wire
from app.mcp_client.session import McpSender, ServerFacts, ServerSession
from app.outbound import OutboundTimeout, Response

# What we can do for a server: pass its questions on to the person. Not sampling, not roots.
CAPABILITIES: Mapping[str, Any] = {"elicitation": {"form": {}, "url": {}}}
DISCOVER = "server/discover"
_PROBE_SECONDS = 10.0
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,1000}")


def negotiate(sender: McpSender, name: str) -> tuple[ServerSession, ServerFacts]:
    """A new session and what the server says of itself. Raises a ToolError, and what `sender` raises."""
    return _discover(sender, name) or _initialize(sender, name)


def discover(sender: McpSender, name: str) -> ServerFacts | None:
    """What a server of a stateless revision says of itself; None for one of an older revision."""
    found = _discover(sender, name)
    return found[1] if found else None


def _discover(
    sender: McpSender, name: str, *, is_second: bool = False
) -> tuple[ServerSession, ServerFacts] | None:
    session = ServerSession(LATEST_MODERN_VERSION)
    message = wire.stamped(wire.request(DISCOVER, {}), session.revision, CAPABILITIES)
    try:
        answer = sender.post(message, wire.headers_of(message, session), safe=True, seconds=_PROBE_SECONDS)
    except (ProviderTimeout, OutboundTimeout):  # some older servers never answer what they do not know
        return None
    except wire.NotJsonRpc:
        return None
    found = wire.answer_in(answer, message["id"]) or {}
    if isinstance(refusal := found.get("error"), dict):
        supported = _supported(refusal)
        _check_some_revision_is_shared(name, refusal, supported)
        if session.revision in supported and not is_second:  # it refused that one and offers it
            return _discover(sender, name, is_second=True)
        return None
    facts = found.get("result")
    if not isinstance(facts, dict) or session.revision not in _texts(facts.get("supportedVersions")):
        return None
    meta = facts.get("_meta")
    stamp = meta.get(SERVER_INFO_META_KEY) if isinstance(meta, dict) else None
    return session, _facts(session.revision, {"serverInfo": stamp, **facts})


def _supported(refusal: Mapping[str, Any]) -> list[str]:
    data = refusal.get("data")
    return _texts(data.get("supported")) if isinstance(data, dict) else []


def _check_some_revision_is_shared(name: str, refusal: Mapping[str, Any], supported: list[str]) -> None:
    ours = {*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS}
    if refusal.get("code") == UNSUPPORTED_PROTOCOL_VERSION and supported and not ours & set(supported):
        raise errors.RevisionUnknown(
            _no_shared_revision(name, sorted(ours)),
            details={"supported": [text[:40] for text in supported[:20]]},
        )


def _no_shared_revision(name: str, ours: Sequence[str]) -> str:
    return f"{name} supports none of the MCP revisions that are supported here: {', '.join(ours)}."


def _initialize(sender: McpSender, name: str) -> tuple[ServerSession, ServerFacts]:
    params = {
        "protocolVersion": LATEST_HANDSHAKE_VERSION,
        "capabilities": dict(CAPABILITIES),
        "clientInfo": wire.CLIENT_INFO,
    }
    message = wire.request("initialize", params)
    try:
        answer = sender.post(message, wire.headers_of(message, None), safe=True)
    except wire.NotJsonRpc:
        raise ProviderError(errors.not_mcp_sentence(name)) from None
    found = wire.answer_in(answer, message["id"])
    if found is not None and found.get("error") is not None:
        raise errors.rpc_error(name, "initialize", found["error"])
    if answer.status >= 300:
        raise errors.http_refusal(name, answer)
    facts = found.get("result") if found else None
    if not isinstance(facts, dict):
        raise errors.not_mcp(name, answer, safe=True)
    if (revision := facts.get("protocolVersion")) not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise errors.RevisionUnknown(
            _no_shared_revision(name, HANDSHAKE_PROTOCOL_VERSIONS),
            details={"supported": [str(revision)[:40]]},
        )
    session = ServerSession(str(revision), _session_id(name, answer))
    ready = wire.notification("notifications/initialized")
    sender.post(ready, wire.headers_of(ready, session), safe=True)
    return session, _facts(session.revision, facts)


def _session_id(name: str, answer: Response) -> str | None:
    session_id = answer.headers.get("Mcp-Session-Id")
    if session_id is not None and not _SESSION_ID.fullmatch(session_id):
        raise ProviderError(
            f"{name} opened a session with an invalid ID, so it can't be used. Contact whoever runs it."
        )
    return session_id


def _facts(revision: str, facts: Mapping[str, Any]) -> ServerFacts:
    info, capabilities = facts.get("serverInfo"), facts.get("capabilities")
    return ServerFacts(
        revision,
        info if isinstance(info, dict) else {},
        capabilities if isinstance(capabilities, dict) else {},
        str(facts.get("instructions") or ""),
    )


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
