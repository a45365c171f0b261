"""The handshake that a banner is about."""

from sqlmodel import Session, col, select

from app.hub.models import Handshake
from app.workspaces.guard import Member


def find_last(db: Session, member: Member, slug: str, outcome: str) -> Handshake | None:
    """This browser's latest handshake with the service that had this outcome, for the banner, or None."""
    handshakes = select(Handshake).where(
        col(Handshake.session_digest) == member.session.id_digest,
        col(Handshake.workspace_id) == member.workspace.id,
        col(Handshake.slug) == slug,
        col(Handshake.outcome) == outcome,
    )
    return db.exec(handshakes.order_by(col(Handshake.used_at).desc()).limit(1)).first()
