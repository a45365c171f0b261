"""What operators do with AI clients: list them with their use, block and unblock them.

A blocked client is refused everywhere it is looked up: at the authorization and token endpoints, and for
every bearer token (`oauth_server.rfc6749_client.find`, `oauth_server.callers`). Nothing is deleted, so
unblocking restores it.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app import audit, clock
from app.admin import queries
from app.admin.queries import RowPage
from app.database import reading, transaction
from app.errors import NotFound
from app.oauth_server import client_documents, client_pins, redirects
from app.oauth_server.models import Client

KINDS = {"registered": "Registered", "document": "Metadata document", "pinned": "Built in"}


@dataclass(frozen=True)
class ClientRow:
    """An AI client as operators see it."""

    client: Client
    grants: int

    @property
    def hosts(self) -> list[str]:
        """The hosts it redirects people to."""
        return list(dict.fromkeys(redirects.host_of(uri) for uri in self.client.redirect_uris))

    @property
    def kind(self) -> str:
        """Its kind, in words."""
        return KINDS.get(self.client.kind, self.client.kind)


def load_page(search: str, after: str, kind: str) -> RowPage[ClientRow]:
    """The clients behind `after` that match. Unused built-in ones are at the end of the last page."""
    with reading() as db:
        found = queries.every_ai_client_unsafe(db, search, after, kind)
        with_unused = not found.after and kind in {"", "pinned"}
        return found.map(lambda rows: _rows(db, [*rows, *(_unused(db, search) if with_unused else [])]))


def load(client_id: str) -> ClientRow:
    """One AI client. Raises NotFound."""
    with reading() as db:
        return _rows(db, [_get(db, client_id)])[0]


def set_blocked(client_id: str, by: str, blocked: bool) -> None:
    """Blocks or unblocks an AI client, from the next request on. Raises NotFound."""
    with transaction() as db:
        client = _get(db, client_id, lock=True)
        if (client.blocked_at is not None) == blocked:
            return
        client.blocked_at = clock.now() if blocked else None
        db.add(client)
        deed = "client.blocked" if blocked else "client.unblocked"
        audit.record(db, deed, user_id=by, subject=client.client_id, client=client.name)


def _get(db: Session, client_id: str, *, lock: bool = False) -> Client:
    known = (
        db.get(Client, client_id, with_for_update=lock or None)
        if client_id.isprintable() and len(client_id) <= 512
        else None
    )
    found = known or client_documents.pinned(client_id)
    if found is None:
        raise NotFound()
    return found


def _unused(db: Session, search: str) -> list[Client]:
    """Built-in clients without a row."""
    known = set(db.scalars(select(col(Client.client_id)).where(col(Client.client_id).in_(client_pins.ids()))))
    copies = (client_documents.pinned(client_id) for client_id in client_pins.ids() if client_id not in known)
    words = search.strip().casefold()
    return [copy for copy in copies if copy and words in f"{copy.name} {copy.client_id}".casefold()]


def _rows(db: Session, found: list[Client]) -> list[ClientRow]:
    grants = queries.grants_of_unsafe(db, [client.client_id for client in found])
    return [ClientRow(client, grants.get(client.client_id, 0)) for client in found]
