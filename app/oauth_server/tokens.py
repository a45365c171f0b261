"""Stores token responses. Only digests are stored; the clear tokens exist in the response alone."""

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6750 import BearerTokenGenerator
from sqlalchemy import select, update
from sqlmodel import Session, col

from app import clock
from app.accounts.models import User
from app.config import Settings
from app.crypto import digest, new_token
from app.database import reading
from app.oauth_server.callers import ACCESS_PREFIX
from app.oauth_server.models import AccessToken, Client, Grant, RefreshToken
from app.web import current
from app.workspaces.models import Membership

REFRESH_PREFIX = "pbr_"
_NOTED_EVERY = timedelta(hours=1)


def generator(settings: Settings) -> BearerTokenGenerator:
    """Generates token responses (RFC 6749 section 5.1). Authlib's default lifetime here is ten days."""
    return BearerTokenGenerator(
        lambda **_: new_token(ACCESS_PREFIX), lambda **_: new_token(REFRESH_PREFIX), settings.oauth_token_ttl
    )


def live_grant(grant_id: str) -> Grant | None:
    """The grant, or None when it ended, its person was disabled, or they left the workspace."""
    query = (
        select(Grant)
        .join(User, col(User.id) == col(Grant.user_id))
        .join(
            Membership,
            (col(Membership.user_id) == col(Grant.user_id))
            & (col(Membership.workspace_id) == col(Grant.workspace_id)),
        )
        .where(col(Grant.id) == grant_id, col(Grant.revoked_at).is_(None), col(User.disabled_at).is_(None))
    )
    with reading() as db:
        grant = db.scalars(query).first()
    return (
        grant if grant is not None and (grant.expires_at is None or grant.expires_at > clock.now()) else None
    )


def store(db: Session, grant: Grant, answer: dict[str, Any], *, generation: int, refresh_scope: str) -> None:
    """Stores the access and the refresh token of a response.

    A refresh token has the whole scope of its grant, even when the access token was requested with less.
    """
    settings = current.settings()
    at = clock.now()
    family_ends = grant.expires_at or at + timedelta(seconds=settings.oauth_refresh_ttl)
    access_ends = at + timedelta(seconds=settings.oauth_token_ttl)
    refresh_ends = at + timedelta(seconds=settings.oauth_refresh_ttl)
    db.add(
        AccessToken(
            token_digest=digest(answer["access_token"]),
            grant_id=grant.id,
            scope=answer["scope"],
            created_at=at,
            expires_at=min(access_ends, family_ends),
        )
    )
    db.add(
        RefreshToken(
            token_digest=digest(answer["refresh_token"]),
            grant_id=grant.id,
            generation=generation,
            scope=refresh_scope,
            created_at=at,
            expires_at=min(refresh_ends, family_ends),
        )
    )


def note_use(db: Session, client_id: str | None) -> None:
    """Records a client's use, at most once per hour: one row serves every person of a big client."""
    at = clock.now()
    stale = col(Client.last_used_at).is_(None) | (col(Client.last_used_at) < at - _NOTED_EVERY)
    db.execute(update(Client).where(col(Client.client_id) == client_id, stale).values(last_used_at=at))
