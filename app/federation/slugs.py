"""The slug of a server: what it is called in addresses and in the names of its tools."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from app.connectors.services import services_of
from app.federation import removal
from app.federation.discovery import slug_of
from app.federation.models import McpServer
from app.vault.models import Connection, PendingRevocation

LONGEST = 24


def _beginnings(name: str) -> list[str]:
    """set_active_business begins with set and with set_active."""
    words = name.split("_")
    return ["_".join(words[:count]) for count in range(1, len(words))]


# Words of our own addresses below /integrations, and an alias there (`hub/aliases.py`).
_ADDRESSES = (
    *("add", "servers", "status", "live", "complete", "skip", "cancel", "connect", "getting-started", "mcp"),
    "sheets",
)
# Tools of ours: a slug that begins one of these names could make another tool of the same name.
_OUR_TOOLS = (
    *("hub_list_connections", "hub_connect_service", "hub_read_more", "set_active_business"),
    *("summarize_day", "summarize_period"),
    *("debug_auth", "debug_expire_oauth_tokens", "debug_refresh_profile"),
    *("memory_save", "memory_search", "memory_list", "memory_delete"),
    *("find_tools", "describe_tool", "call_read_tool", "call_write_tool"),
)
RESERVED = frozenset((*_ADDRESSES, "patchbay", *(part for name in _OUR_TOOLS for part in _beginnings(name))))


def free_slug(db: Session, workspace_id: str, name: str) -> str:
    """A slug by the server's name, that nothing in the workspace has or had and still needs."""
    wanted = slug_of(name)
    taken = _taken(db, workspace_id)
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        ending = f"_{number}"
        slug = wanted[: LONGEST - len(ending)].rstrip("_") + ending
    return slug


def is_reserved(slug: str) -> bool:
    """Whether no server may have it, in any workspace."""
    return slug in RESERVED or services_of(None).find_entry(slug) is not None


def _taken(db: Session, workspace_id: str) -> Collection[str]:
    """Slugs in use. A removed server keeps its own until its access is revoked."""
    taken = {entry.slug for entry in services_of(None).catalogue} | RESERVED
    for model in (McpServer, Connection, PendingRevocation):
        query = select(col(model.slug)).where(col(model.workspace_id) == workspace_id).distinct()
        taken.update(db.exec(query).all())
    return taken - removal.reclaimable(db, workspace_id)
