"""What is stored of how a server describes itself: its names, its instructions, and its capabilities.

All of it is the server's word, of any size. It is read with every server of a workspace, so it is bounded.
"""

from collections.abc import Mapping
from typing import Any

from app.connectors.rows import plain
from app.mcp_client import ServerFacts

_LONGEST, _LONGEST_INSTRUCTIONS = 300, 4_000
_MOST_CAPABILITIES = 50
_NAMES = ("name", "title", "version", "websiteUrl")


def of(facts: ServerFacts) -> dict[str, Any]:
    """For `McpServer.info`: clean, bounded texts."""
    return {
        "serverInfo": _names(facts.info),
        "capabilities": {name: {} for name in _texts(facts.capabilities)[:_MOST_CAPABILITIES]},
        "instructions": plain(facts.instructions)[:_LONGEST_INSTRUCTIONS],
    }


def _names(info: Mapping[str, Any]) -> dict[str, str]:
    given = {name: info.get(name) for name in _NAMES}
    return {name: plain(text)[:_LONGEST] for name, text in given.items() if isinstance(text, str)}


def _texts(names: Mapping[str, Any]) -> list[str]:
    return [plain(name)[:_LONGEST] for name in names]
