"""Calls counted by tool, AI client, member and outcome, each by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.usage import outcomes
from app.usage.figures import CallGroup, Count


@dataclass(frozen=True)
class FacetCounts:
    """The same calls by each of their facets. A tool is its name and the slug of its service."""

    tools: dict[tuple[str, str], Count] = field(default_factory=dict)
    clients: dict[str, Count] = field(default_factory=dict)
    members: dict[str, Count] = field(default_factory=dict)
    outcomes: dict[str, Count] = field(default_factory=dict)

    @classmethod
    def of_groups(cls, groups: Iterable[CallGroup]) -> "FacetCounts":
        """The counts of groups of calls."""
        found = cls()
        for each in groups:
            found.add_tool(each.tool, each.slug, each.outcome, each.calls)
            found.add_client(each.client_name, each.outcome, each.calls)
            found.add_member(each.user_id, each.outcome, each.calls)
        return found

    def add_tool(self, tool: str, slug: str, outcome: str, calls: int) -> None:
        """Add calls to a tool and to their outcome: every call has one tool."""
        _add(self.tools.setdefault((tool, slug), Count()), outcome, calls)
        _add(self.outcomes.setdefault(outcome, Count()), outcome, calls)

    def add_client(self, client_name: str, outcome: str, calls: int) -> None:
        """Add calls to an AI client."""
        _add(self.clients.setdefault(client_name, Count()), outcome, calls)

    def add_member(self, user_id: str, outcome: str, calls: int) -> None:
        """Add calls to a member."""
        _add(self.members.setdefault(user_id, Count()), outcome, calls)

    @property
    def services(self) -> dict[str, Count]:
        """By the slug of the service, "" for tools of none."""
        found: dict[str, Count] = {}
        for (_, slug), count in self.tools.items():
            found.setdefault(slug, Count()).add(count.calls, count.failed)
        return found


def most_first(counts: Mapping[str, Count]) -> dict[str, Count]:
    """The counts, those with the most calls first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1].calls, item[0])))


def _add(count: Count, outcome: str, calls: int) -> None:
    count.add(calls, 0 if outcomes.is_fine(outcome) else calls)
