"""Revoke tokens at their service after a disconnect: at once, then with growing pauses until confirmed."""

import logging
import random
import threading
from datetime import timedelta

from sqlalchemy import delete, select
from sqlmodel import col

from app import audit, clock, database
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import Unavailable, Undecipherable
from app.jobs.leases import PeriodicJob
from app.vault import connection_log, credentials, seal, session_endings, token_endpoint
from app.vault.models import Connection, PendingRevocation
from app.vault.token_endpoint import TokenSet

JOB = "token revocations"
_EVERY = timedelta(minutes=1)
_MOST_ATTEMPTS = 12
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 30.0, 6 * 3600.0
_LEASE = timedelta(seconds=60)

log = logging.getLogger(__name__)


def run_due(settings: Settings, limit: int = 50) -> int:
    """Try what is due, at most `limit`. Returns how many tokens are settled now."""
    return sum(_try(settings, row) for row in _claim_due(limit))


def job(settings: Settings) -> PeriodicJob:
    """What the web processes do by themselves: try every minute what a service has not confirmed."""
    return PeriodicJob(JOB, _EVERY, lambda: run_all_due(settings))


def run_all_due(settings: Settings) -> int:
    """Try everything that is due, in batches. Returns how many tokens are settled now."""
    settled, at_once = 0, 50
    while rows := _claim_due(at_once):
        settled += sum(_try(settings, row) for row in rows)
    return settled


def run_soon(settings: Settings) -> None:
    """Try what is due in a thread of its own. Call it after the commit of a disconnect."""
    threading.Thread(target=_run_quietly, args=(settings,), name="revocation", daemon=True).start()


def _run_quietly(settings: Settings) -> None:
    session_endings.end_noted(settings)  # with the tokens that are revoked then
    try:
        run_due(settings)
    except Unavailable:
        log.warning("revoking waits: the database is away")  # the rows are still due


def add(settings: Settings, connection: Connection, tokens: TokenSet) -> None:
    """Revoke tokens that arrived for a connection that is gone."""
    connector = services_of(connection.workspace_id).get(connection.slug)
    if connector.auth_of(tokens.auth_method).revoke_url is None:
        return
    access = connector.auth.revokes == "access" or tokens.refresh_token is None
    row = credentials.pending_revocation(
        connection, "access_token_sealed" if access else "refresh_token_sealed"
    )
    token = tokens.access_token if access else tokens.refresh_token or ""
    seal.seal(settings.vault_keys, row, "token_sealed", token)
    with database.transaction() as db:
        db.add(row)
    run_soon(settings)


def _claim_due(limit: int) -> list[PendingRevocation]:
    """Rows to try now. Their next attempt is postponed first, so that no two processes try one row."""
    at = clock.now()
    with database.transaction() as db:
        due = (
            select(PendingRevocation)
            .where(col(PendingRevocation.next_try_at) <= at)
            .order_by(col(PendingRevocation.next_try_at))
        )
        rows = list(db.execute(due.limit(limit).with_for_update(skip_locked=True)).scalars())
        for row in rows:
            row.attempts += 1
            row.next_try_at = at + _LEASE
    return rows


def _try(settings: Settings, row: PendingRevocation) -> bool:
    connector = services_of(row.workspace_id).find(row.slug)
    if connector is None or not _is_needed(settings, connector, row):
        return _forget(row, "connection.revocation_not_needed")
    if _revoke(settings, connector, row):
        return _forget(row, "connection.revoked")
    if row.attempts >= _MOST_ATTEMPTS:
        sentence = "Revoking a token was given up"
        connection_log.note_removed(logging.WARNING, sentence, row, attempts=row.attempts)
        return _forget(row, "connection.revocation_abandoned")
    pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** (row.attempts - 1), _LAST_PAUSE_SECONDS) * random.uniform(
        0.75, 1.0
    )
    with database.transaction() as db:
        if (current := db.get(PendingRevocation, row.id)) is not None:
            current.next_try_at = clock.now() + timedelta(seconds=pause)
    return False


def _is_needed(settings: Settings, connector: Connector, row: PendingRevocation) -> bool:
    """False if revoking would end the access of another connection of the same account and project."""
    ours = addresses.resolve(connector, settings)
    if ours is None or not connector.auth.revokes_whole_account:
        return ours is not None
    with database.reading() as db:
        return not credentials.siblings(db, settings, connector, row.account_key, but=row.connection_id)


def _revoke(settings: Settings, connector: Connector, row: PendingRevocation) -> bool:
    where = addresses.resolve(connector, settings)
    if where is None:
        return False
    try:
        return token_endpoint.revoke(connector, where, seal.unseal(settings.vault_keys, row, "token_sealed"))
    except Undecipherable:
        connection_log.note_removed(logging.WARNING, "A token cannot be revoked: it does not open", row)
        return False


def _forget(row: PendingRevocation, action: str) -> bool:
    with database.transaction() as db:
        db.execute(delete(PendingRevocation).where(col(PendingRevocation.id) == row.id))
        audit.record(db, action, workspace_id=row.workspace_id, subject=row.connection_id, slug=row.slug)
    return True
