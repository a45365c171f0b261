"""What is suspicious in the definitions of an MCP server's tools."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SuspectText:
    """Something suspicious. A hard one holds the tool until somebody allows it by itself."""

    kind: str
    sentence: str
    is_hard: bool


def inspect(
    definitions: Sequence[Mapping[str, Any]], foreign: Collection[str]
) -> dict[str, list[SuspectText]]:
    """The findings by the tools' names. `foreign` are the full names of other services' tools."""
    return {}
