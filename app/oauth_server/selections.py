"""Selections: which connections and tools one AI client sees, out of what its person may use.

A selection only narrows. Scopes, permission levels and tools that are switched off for everybody come first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Selection:
    """What one AI client sees. `connections` None means all, with those connected later; a set of ids means
    these and no others.
    """

    connections: frozenset[str] | None = None
    reading_only: bool = False
    tools_off: frozenset[str] = frozenset()  # full names

    @property
    def is_everything(self) -> bool:
        """True when nothing is left out."""
        return self == EVERYTHING

    def includes(self, connection_id: str) -> bool:
        """Whether the client sees that connection."""
        return self.connections is None or connection_id in self.connections

    def as_json(self) -> dict[str, Any] | None:
        """The stored form; None for everything, so that an ordinary row stays empty."""
        if self.is_everything:
            return None
        return {
            "connections": None if self.connections is None else sorted(self.connections),
            "reading_only": self.reading_only,
            "tools_off": sorted(self.tools_off),
        }

    @staticmethod
    def of_json(stored: Mapping[str, Any] | None) -> "Selection":
        """The selection of a stored form."""
        if stored is None:
            return EVERYTHING
        chosen = stored.get("connections")
        return Selection(
            None if chosen is None else frozenset(chosen),
            bool(stored.get("reading_only")),
            frozenset(stored.get("tools_off", ())),
        )


EVERYTHING = Selection()


def of_ticks(ticked: Iterable[str], offered: Iterable[str], unlisted: Iterable[str] = ()) -> frozenset[str]:
    """The connections of a form: the ticked ones among those it offered, and `unlisted` ones it left out
    because they are none of the business of whoever filled it in.
    """
    return (frozenset(ticked) & frozenset(offered)) | frozenset(unlisted)
