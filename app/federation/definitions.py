"""A tool's definition as an MCP server lists it: what of it is pinned, and what its hints are worth.

https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from app.federation import naming

# Everything that a person or a model decides by. Icons only decorate.
_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "_meta")
# Words that begin the name of a tool that writes, and words that mean loss wherever they stand.
_WRITES = frozenset(
    {
        *("add", "apply", "approve", "archive", "assign", "cancel", "charge", "create", "decline", "disable"),
        *("edit", "enable", "grant", "insert", "invite", "merge", "modify", "move", "patch", "pay", "post"),
        *("publish", "push", "put", "refund", "reject", "rename", "replace", "reset", "revoke", "save"),
        *("send", "set", "submit", "transfer", "update", "upload", "upsert", "void", "write"),
    }
)
_DESTROYS = frozenset({"delete", "destroy", "drop", "erase", "purge", "remove", "terminate", "wipe"})


def pinned_part(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a definition that are pinned."""
    return {name: definition[name] for name in _PINNED if name in definition}


def digest_of(definition: Mapping[str, Any]) -> str:
    """The same for definitions that mean the same: SHA-256 over the pinned members, whatever their order.

    All that are nested too deeply to be written are the same: none of them can be used (`schema_gate`).
    """
    try:
        canonical = json.dumps(pinned_part(definition), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        canonical = "nested too deeply"
    return hashlib.sha256(canonical.encode()).hexdigest()


def hints_of(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its annotations; none if they are no object."""
    annotations = definition.get("annotations")
    return annotations if isinstance(annotations, Mapping) else {}


def may_only_read(definition: Mapping[str, Any]) -> bool:
    """Whether it says that it only reads, and nothing else of it contradicts that.

    A hint is the server's word: an owner or admin must accept it as well. One that a tool's own name
    contradicts is never accepted, so no mistake there opens a write at the level "read".
    """
    hints = hints_of(definition)
    return (
        hints.get("readOnlyHint") is True
        and hints.get("destructiveHint") is not True
        and not sounds_like_writing(str(definition.get("name", "")))
    )


def sounds_like_writing(name: str) -> bool:
    """Whether a tool's name says that it changes something."""
    words = naming.words_of(name).split("_")
    return words[0] in _WRITES or not _DESTROYS.isdisjoint(words)
