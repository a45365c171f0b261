"""Consents, stored per client and redirect host. A person is asked again when the coverage changes."""

import json

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import clock
from app.crypto import digest, new_id
from app.oauth_server import redirects, scopes
from app.oauth_server.models import Client, Consent


def is_remembered(db: Session, user_id: str, client: Client, redirect_uri: str, scope: str) -> bool:
    """True when the person allowed this client, as it describes itself now, at least this scope there."""
    found = _find(db, user_id, client.client_id, redirect_uri)
    if found is None or found.client_digest != _describe(client):
        return False
    return all(scopes.covers(scopes.split(found.scope), name) for name in scopes.split(scope))


def is_client_allowed(db: Session, user_id: str, client: Client, redirect_uri: str) -> bool:
    """True when the person allowed this client there before, with any scope."""
    found = _find(db, user_id, client.client_id, redirect_uri)
    return found is not None and found.client_digest == _describe(client)


def remember(db: Session, user_id: str, client: Client, redirect_uri: str, scope: str) -> None:
    """Stores an "Allow". Scopes allowed earlier for the same description of the client stay allowed."""
    described = _describe(client)
    consent = _find(db, user_id, client.client_id, redirect_uri) or Consent(
        id=new_id("cns"),
        user_id=user_id,
        client_id=client.client_id,
        redirect_host=redirects.host_of(redirect_uri),
        client_digest=described,
        allowed_at=clock.now(),
    )
    before = scopes.split(consent.scope) if consent.client_digest == described else frozenset()
    consent.scope = scopes.join(before | scopes.split(scope))
    consent.client_digest, consent.allowed_at = described, clock.now()
    db.add(consent)


def forget(db: Session, user_id: str, client_id: str) -> None:
    """Deletes the consent, so the person is asked again: they ended what the client had."""
    db.execute(delete(Consent).where(col(Consent.user_id) == user_id, col(Consent.client_id) == client_id))


def forget_all(db: Session, user_id: str) -> None:
    """Deletes every consent of a person: they ended the access of all their clients."""
    db.execute(delete(Consent).where(col(Consent.user_id) == user_id))


def _find(db: Session, user_id: str, client_id: str, redirect_uri: str) -> Consent | None:
    return db.scalars(
        select(Consent).where(
            col(Consent.user_id) == user_id,
            col(Consent.client_id) == client_id,
            col(Consent.redirect_host) == redirects.host_of(redirect_uri),
        )
    ).first()


def _describe(client: Client) -> str:
    """A digest of what the consent page displayed about the client and where it may return to."""
    return digest(json.dumps([client.name, sorted(client.redirect_uris), client.details.get("client_uri")]))
