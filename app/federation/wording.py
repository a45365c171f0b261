"""An MCP server and its tools in words of ours, for the pages that people decide on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.federation.definition_texts import DefinitionPart, parts_of, visible
from app.federation.definitions import hints_of
from app.federation.models import McpServer
from app.federation.oauth_facts import OAuthFacts

_LONGEST_TITLE = 120
_ACCESS = {
    "none": "None. Anyone with the address can use this server.",
    "key": "API key or token",
    "oauth": "OAuth",
    "client": "Server account: a client ID with its secret or private key",
}
_CLIENTS = {
    "document": "This installation, by its metadata document",
    "registered": "Registered automatically for this workspace",
    "pasted": "Your own OAuth app",
}
Facts = tuple[tuple[str, str], ...]  # terms and their words


@dataclass(frozen=True)
class ToolText:
    """What a tool's definition says. Hidden characters are written out."""

    title: str
    description: str
    parts: tuple[DefinitionPart, ...]  # everything else that is pinned


def server_facts(url: str, revision: str, access: str, oauth: OAuthFacts | None) -> Facts:
    """Where a server is, and where people sign in to it."""
    facts = [
        ("Address", url),
        ("Protocol", f"MCP {revision}" if revision else "Known once connected"),
        ("Sign-in", _ACCESS.get(access, access)),
    ]
    if oauth is not None:
        facts += [("Sign-in page at", sign_in_host(oauth)), ("Tokens from", _tokens_from(url, oauth))]
    return tuple((term, visible(words)) for term, words in facts if words)


def sign_in_host(oauth: OAuthFacts) -> str:
    """Whose page asks people for consent."""
    return urlsplit(oauth.authorization_endpoint).netloc


def _tokens_from(url: str, oauth: OAuthFacts) -> str:
    """Whose tokens they are, and which host sends them; "" where all of it is the server's own host."""
    host, issuer = urlsplit(oauth.token_endpoint).netloc, urlsplit(oauth.issuer).netloc
    if {host, issuer} == {sign_in_host(oauth)} == {urlsplit(url).netloc}:
        return ""
    return issuer if host == issuer else f"{issuer}, sent by {host}"


def facts_of(server: McpServer) -> Facts:
    """What is known about a server that was added."""
    oauth = OAuthFacts.of_json(server.oauth) if server.oauth else None
    facts = server_facts(server.url, server.revision, server.access, oauth)
    if server.access == "key":
        return (*facts, ("Key sent as", server.key_header or "Authorization: Bearer"))
    if server.access == "oauth":
        return (*facts, ("OAuth app", _CLIENTS.get(server.client_kind, "None yet")))
    return facts


def text_of(definition: Mapping[str, Any], name: str, code: str) -> ToolText:
    """The texts of a tool that its pages display. `code` is the name that they state beside the title."""
    title = _title_of(definition, name)
    description = visible(str(definition.get("description") or ""))
    return ToolText(title, description, parts_of(definition, {title, code}))


def _title_of(definition: Mapping[str, Any], name: str) -> str:
    """A tool's title: its own, the older place of titles, or its name."""
    title = visible(
        " ".join(str(definition.get("title") or hints_of(definition).get("title") or name).split())
    )
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
