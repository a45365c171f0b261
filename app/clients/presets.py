"""Selections for a kind of work, ready to choose: "Bookkeeping, read only"."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.connectors.services import services_of
from app.oauth_server.selections import EVERYTHING, Selection
from app.vault.models import Connection


@dataclass(frozen=True)
class Preset:
    """A selection under a name."""

    key: str
    name: str
    about: str
    selection: Selection


# A kind of work, and the categories of services (`Connector.category`) that belong to it.
_WORK = (
    ("bookkeeping", "Bookkeeping", ("Accounting", "Payments")),
    ("documents", "Email and documents", ("Email and documents",)),
    ("operations", "Operations", ("Operations",)),
    ("data", "Data", ("Data",)),
)


def offered(connections: Sequence[Connection], *, may_write: bool) -> tuple[Preset, ...]:
    """The presets for these connections. Those for a kind of work name the connections there are now."""
    found = [Preset("everything", "Everything", "All connections and tools", EVERYTHING)]
    if may_write:
        found.append(
            Preset("read-only", "Read only", "All connections, no changes", Selection(reading_only=True))
        )
    for key, name, categories in _WORK:
        chosen = [each for each in connections if _category_of(each) in categories]
        if chosen:
            services = dict.fromkeys(_name_of(each) for each in chosen)
            selection = Selection(frozenset(each.id for each in chosen), reading_only=True)
            found.append(Preset(f"{key}-read", f"{name}, read only", ", ".join(services), selection))
    return tuple(found)


def _category_of(connection: Connection) -> str:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector.category if connector else ""


def _name_of(connection: Connection) -> str:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector.name if connector else connection.slug
