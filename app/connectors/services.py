"""The services that a workspace has: the installation's own, and those that exist in this workspace alone.

The one way to a service for everybody outside this package. A service of one workspace is rows of its
`ServiceSource` (an MCP server, an OpenAPI document); to the rest of the product it is a `Connector` like any
other, and unknown in every other workspace.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Protocol

from sqlmodel import Session

from app.config import Settings
from app.connectors.connector import Connector, Planned
from app.connectors.registry import CATALOGUE
from app.connectors.tool import Tool
from app.errors import NotFound

log = logging.getLogger(__name__)

_MOST_COMPOSED = 1_000  # workspaces with services of their own that one process remembers


class Services:
    """Services in the hub's order. Immutable, so one object serves every call.

    `catalogue` includes the planned ones; iteration passes over them. `own` are those of the workspace alone.
    """

    __slots__ = ("_by_slug", "_by_tool", "_withheld", "catalogue", "own")

    def __init__(self, catalogue: Iterable[Connector | Planned]) -> None:
        self.catalogue = tuple(catalogue)
        self._by_slug = {entry.slug: entry for entry in self.catalogue if isinstance(entry, Connector)}
        self._by_tool = {
            tool.name_in(connector.slug): (connector, tool) for connector in self for tool in connector.tools
        }
        self._withheld = {
            tool.name_in(connector.slug): (connector, tool)
            for connector in self
            for tool in connector.withheld
        }
        self.own = tuple(connector for connector in self if connector.workspace_id is not None)

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._by_slug.values())

    def __len__(self) -> int:
        return len(self._by_slug)

    def find(self, slug: str) -> Connector | None:
        """The service of that slug, or None if it is unknown or only planned."""
        return self._by_slug.get(slug)

    def get(self, slug: str) -> Connector:
        """The service of that slug. Raises NotFound if it is unknown or only planned."""
        try:
            return self._by_slug[slug]
        except KeyError:
            raise NotFound("There is no such service here. Choose one from the integrations page.") from None

    def find_entry(self, slug: str) -> Connector | Planned | None:
        """The service of that slug, planned ones included, or None."""
        return self._by_slug.get(slug) or next((e for e in self.catalogue if e.slug == slug), None)

    @property
    def tool_names(self) -> set[str]:
        """The full names of all tools."""
        return set(self._by_tool)

    def find_tool(self, full_name: str) -> tuple[Connector, Tool] | None:
        """The tool that AI clients call so, with its service, or None. Also one that is withheld."""
        return self._by_tool.get(full_name) or self._withheld.get(full_name)


class ServiceSource(Protocol):
    """Where services of one workspace come from."""

    def connectors_of(self, workspace_id: str) -> Sequence[Connector]:
        """The workspace's own connectors, each with its `workspace_id`; an empty tuple for none.

        Called several times per tool call, so answer from memory. While nothing changes return the same
        objects: what is prepared for a connector (its entries in tools/list) is cached by its identity.

        A removed service stays in the answer without tools and with `is_offered=False` until its tokens are
        revoked, also after the workspace itself is gone: revoking looks up where to send them here.

        A service of the installation with more tools in this workspace is one of the answers, too: it names
        the one that it `extends`, and begins with its tools.
        """

    def keep_for_revoking(self, db: Session, workspace_id: str) -> None:
        """The workspace is deleted in this transaction: keep what `connectors_of` needs afterwards."""

    def on_connected(self, settings: Settings, workspace_id: str, slug: str, connection_id: str) -> None:
        """A connection was stored, or made again: read what the first request should find, within seconds."""


@dataclass(frozen=True, slots=True)
class _Composition:
    """The services of a workspace that has its own, and what they were made of."""

    installed: Services
    parts: tuple[Sequence[Connector], ...]  # by source
    services: Services

    def is_current(self, parts: tuple[Sequence[Connector], ...]) -> bool:
        return (
            self.installed is _installed
            and len(parts) == len(self.parts)
            and all(
                a is b or (len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True)))
                for a, b in zip(parts, self.parts, strict=True)
            )
        )


_installed = Services(CATALOGUE)
_sources: tuple[ServiceSource, ...] = ()
_composed: dict[str, _Composition] = {}


def services_of(workspace_id: str | None) -> Services:
    """The services that the workspace has. None: those of the installation, which every workspace has.

    Costs nothing for a workspace without services of its own: no query, no new object.
    """
    if not _sources or workspace_id is None:
        return _installed
    known = _composed.get(workspace_id)
    parts = tuple(_ask(source, place, workspace_id, known) for place, source in enumerate(_sources))
    if not any(parts):
        if known is not None:
            _composed.pop(workspace_id, None)
        return _installed
    if known is None or not known.is_current(parts):
        known = _Composition(_installed, parts, _compose(workspace_id, parts))
        if len(_composed) >= _MOST_COMPOSED:
            _composed.clear()
        _composed[workspace_id] = known
    return known.services


def keep_for_revoking(db: Session, workspace_id: str) -> None:
    """Keep what revoking the workspace's tokens needs. Call it in the transaction that deletes it."""
    for source in _sources:
        source.keep_for_revoking(db, workspace_id)


def on_connected(settings: Settings, workspace_id: str, slug: str, connection_id: str) -> None:
    """Tell the sources that a connection was stored, or made again. Sends requests, raises nothing."""
    for source in _sources:
        try:
            source.on_connected(settings, workspace_id, slug, connection_id)
        # The edge: the connection is stored, and whatever was not read now is read later.
        except Exception:
            log.exception("nothing was read of %s, connected in %s", slug, workspace_id)


def add_source(source: ServiceSource) -> None:
    """Register a source of further services, when the application is built.

    One object per process: building the application again adds it no second time.
    """
    global _sources
    if all(each is not source for each in _sources):
        _sources = (*_sources, source)
        _composed.clear()


def remove_source(source: ServiceSource) -> None:
    """Undo `add_source`, for tests."""
    global _sources
    _sources = tuple(each for each in _sources if each is not source)
    _composed.clear()


def _ask(
    source: ServiceSource, place: int, workspace_id: str, known: _Composition | None
) -> Sequence[Connector]:
    """The source's connectors; its last answer for this workspace if it fails."""
    try:
        return source.connectors_of(workspace_id)
    # The edge: a source that fails must not take away what the installation and the other sources have.
    except Exception:
        log.exception("the services of %s could not be read from %s", workspace_id, type(source).__name__)
        return known.parts[place] if known is not None and place < len(known.parts) else ()


def _compose(workspace_id: str, parts: tuple[Sequence[Connector], ...]) -> Services:
    """The installation's services, then the workspace's. Whoever was first keeps a slug or a tool name.

    So no workspace can put a service of its own in place of the installation's, and no list has two tools of
    one name, which AI clients would refuse.
    """
    entries = list(_installed.catalogue)
    slugs, names = {entry.slug for entry in entries}, _installed.tool_names
    for connector in (connector for part in parts for connector in part):
        if (base := connector.extends) is not None:
            if base in entries:
                others = names - {tool.name_in(base.slug) for tool in base.tools}
                entries[entries.index(base)] = connector = _without_taken(connector, others)
                names |= {tool.name_in(connector.slug) for tool in connector.tools}
        elif connector.workspace_id != workspace_id:
            log.error("a service of %s was offered to %s", connector.workspace_id, workspace_id)
        elif connector.slug in slugs:
            log.warning(
                "%s has a service %s already: the later one is left out", workspace_id, connector.slug
            )
        else:
            entries.append(connector := _without_taken(connector, names))
            slugs.add(connector.slug)
            names |= {tool.name_in(connector.slug) for tool in connector.tools}
    return Services(entries)


def _without_taken(connector: Connector, names: Set[str]) -> Connector:
    """The connector without the tools whose full name is taken, by another service or twice in its own."""
    free: dict[str, Tool] = {}
    for tool in connector.tools:
        free.setdefault(tool.name_in(connector.slug), tool)
    tools = tuple(tool for name, tool in free.items() if name not in names)
    if len(tools) == len(connector.tools):
        return connector
    left_out = len(connector.tools) - len(tools)
    log.warning("%s: %s tools of %s have taken names", connector.workspace_id, left_out, connector.slug)
    return replace(connector, tools=tools)
