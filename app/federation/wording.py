"""An MCP server and its tools in words of ours, for the pages that people decide on."""

from collections.abc import Mapping
from typing import Any

from app.federation import differences
from app.federation.models import McpServer

_MOST_ARGUMENTS = 60
_LONGEST_TITLE = 120
# https://modelcontextprotocol.io/specification/versioning
_REVISIONS = {
    "2026-07-28": "MCP 2026-07-28, without sessions",
    "2025-11-25": "MCP 2025-11-25",
    "2025-06-18": "MCP 2025-06-18",
    "2025-03-26": "MCP 2025-03-26",
}
_ACCESS = {
    "none": "None. Anyone with the address can use this server.",
    "key": "API key or token",
    "oauth": "OAuth, on the server's own page",
}
_CLIENTS = {
    "document": "Identified by the client metadata document",
    "registered": "Registered automatically for this workspace",
    "pasted": "Your own OAuth app",
}


def revision_words(revision: str) -> str:
    """The protocol revision as people read it."""
    return _REVISIONS.get(revision, f"MCP {revision}" if revision else "Known once connected")


def access_words(access: str) -> str:
    """The kind of sign-in as people read it."""
    return _ACCESS.get(access, access)


def facts_of(server: McpServer) -> tuple[tuple[str, str], ...]:
    """What is known about the server, as terms and their words."""
    found = [
        ("Address", server.url),
        ("Protocol", revision_words(server.revision)),
        ("Sign-in", access_words(server.access)),
    ]
    if server.access == "key":
        found.append(("Sent as", server.key_header or "Authorization: Bearer"))
    if server.access == "oauth":
        found += [
            ("Sign-in page", str(server.oauth.get("issuer") or "")),
            ("Client", _CLIENTS.get(server.client_kind, "None yet")),
        ]
    return tuple((term, differences.visible(words)) for term, words in found if words)


def title_of(definition: Mapping[str, Any], name: str) -> str:
    """A tool's title: its own, the older place of titles, or its name."""
    hints = definition.get("annotations")
    older = hints.get("title") if isinstance(hints, Mapping) else None
    title = differences.visible(" ".join(str(definition.get("title") or older or name).split()))
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"


def arguments_of(definition: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The names of a tool's arguments with their descriptions, written out with what is hidden in them."""
    schema = definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return ()
    return tuple(
        (
            differences.visible(str(name)),
            differences.visible(str(part.get("description") or "")) if isinstance(part, Mapping) else "",
        )
        for name, part in list(properties.items())[:_MOST_ARGUMENTS]
    )
