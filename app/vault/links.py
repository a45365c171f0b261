"""One-time links sent in a chat. They open the connect page for the person who asked, signed in as them.

The link helps nobody else: another person, another workspace, a second use and an expired link all get the
same answer.
"""

from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col

from app import clock, crypto, database
from app.errors import InvalidInput
from app.vault.models import ConnectLink

_LIFE = timedelta(minutes=30)
_GRANT = "grt_"  # begins a grant's id


class LinkGone(InvalidInput):
    """The link is unknown, used, expired, or was made for another person."""

    code = "LINK_GONE"
    message = (
        "This link has been used, has expired, or was made for another person. "
        "Ask your AI client for a new one, or connect from the integrations page."
    )


def create(
    db: Session,
    *,
    workspace_id: str,
    user_id: str,
    slug: str,
    connection_id: str | None = None,
    wants: str = "read",
    client_name: str = "",
    grant_id: str = "",
) -> str:
    """Make a link and return the id in its URL. Only the id's digest is stored. It ends in the grant of the
    AI client that asked, which the digest protects like the rest.
    """
    link_id = crypto.new_token("lnk_") + grant_id
    at = clock.now()
    db.add(
        ConnectLink(
            id_digest=crypto.digest(link_id),
            workspace_id=workspace_id,
            user_id=user_id,
            slug=slug,
            connection_id=connection_id,
            wants=wants,
            client_name=client_name[:200],
            created_at=at,
            expires_at=at + _LIFE,
        )
    )
    return link_id


def grant_of(link_id: str) -> str:
    """The id of the grant whose AI client asked for the link, or ""."""
    before, prefix, rest = link_id.rpartition(_GRANT)
    return prefix + rest if before else ""


def find(db: Session, link_id: str, user_id: str) -> ConnectLink:
    """The unused link, for the page it opens. Raises LinkGone."""
    link = db.get(ConnectLink, crypto.digest(link_id))
    if link is None or link.user_id != user_id or link.used_at is not None or link.expires_at <= clock.now():
        raise LinkGone()
    return link


def use(db: Session, link_id: str, member_user_id: str, workspace_id: str | None = None) -> ConnectLink:
    """Spend the link, once, however many tabs try. Raises LinkGone.

    Only its own person can; with `workspace_id` only in that workspace.
    """
    id_digest, at = crypto.digest(link_id), clock.now()
    mine = [
        col(ConnectLink.id_digest) == id_digest,
        col(ConnectLink.user_id) == member_user_id,
        col(ConnectLink.used_at).is_(None),
    ]
    if workspace_id is not None:
        mine.append(col(ConnectLink.workspace_id) == workspace_id)
    spent = db.execute(update(ConnectLink).where(*mine, col(ConnectLink.expires_at) > at).values(used_at=at))
    link = db.get(ConnectLink, id_digest) if spent.rowcount == 1 else None  # type: ignore[attr-defined]
    if link is None:
        raise LinkGone()
    return link


def sweep() -> None:
    """Delete links that have expired."""
    with database.transaction() as db:
        db.execute(delete(ConnectLink).where(col(ConnectLink.expires_at) < clock.now() - _LIFE))
