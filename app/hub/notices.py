"""Banners: what just happened, once at the top of the hub, in our own words only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.hub import last_handshake
from app.vault.models import Connection
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Banner:
    """A banner. `more` is a second, quieter sentence; `link` a path of ours and the words that lead there."""

    kind: Literal["good", "bad", "warning", "note"]
    sentence: str
    more: str = ""
    link: tuple[str, str] | None = None


def of_return(
    db: Session, member: Member, connections: list[Connection], query: Mapping[str, str]
) -> list[Banner]:
    """The banner after returning from a service: `?connected=`, `?denied=` or `?failed=` with its slug. None
    for an unknown slug.

    Its text comes from this browser's handshake, never from the URL.
    """
    if connector := services_of(member.workspace.id).find(query.get("connected", "")):
        mine = [c for c in connections if c.slug == connector.slug]
        handshake = last_handshake.find_last(db, member, connector.slug, "connected")
        newest = max(mine, key=lambda c: c.connected_at, default=None)
        connection = next((c for c in mine if handshake and c.id == handshake.connection_id), newest)
        if connection is None:
            return []
        account = connection.account_name or connection.label
        of_account = f": {account}" if account and account != connector.name else ""
        back = (
            (f"Go back to {handshake.client_name} and ask again. It works now.")
            if handshake and handshake.client_name
            else ""
        )
        more = " ".join(filter(None, (handshake.sentence if handshake else "", back)))
        return [
            Banner(
                "good",
                f"{connector.name} connected{of_account}",
                more,
            ),
            *_of_service(connector),
        ]
    if connector := services_of(member.workspace.id).find(query.get("denied", "")):
        handshake = last_handshake.find_last(db, member, connector.slug, "denied")
        nothing = "changed" if handshake and handshake.connection_id else "connected"
        return [
            Banner(
                "note",
                f"You didn't allow access at {connector.name}. Nothing was {nothing}.",
                handshake.sentence if handshake else "",
            )
        ]
    if connector := services_of(member.workspace.id).find(query.get("failed", "")):
        handshake = last_handshake.find_last(db, member, connector.slug, "failed")
        return [
            Banner(
                "bad",
                f"{connector.name} connection failed. Please try again.",
                handshake.sentence if handshake else "",
            )
        ]
    return []


def _of_service(connector: Connector) -> list[Banner]:
    """What waits on the page of a service that the workspace brought itself."""
    if not connector.notice or not connector.manage_path:
        return []
    link = (connector.manage_path, f"Review {connector.name}")
    return [Banner("warning", f"{connector.name}: {connector.notice}", link=link)]
