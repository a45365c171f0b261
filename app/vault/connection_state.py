"""The state of a connection. `state` and `last_error` change here and nowhere else.

    connected         → end_access     → reconnect_needed   the service refused: our access is over
    reconnect_needed  → mark_connected → connected          new tokens are stored: a refresh, or a reconnect

A refusal counts only for the generation of tokens that is still stored. One that arrives after a reconnect is
about older tokens and changes nothing. `last_error` is the sentence that people and AI clients read.

"RECONNECT_NEEDED although just reconnected": the generation is compared in `end_access`. Its two callers are
`claims.end_access` (a refresh) and `access.check` (the service answers, but reaches nothing).
"""

from datetime import datetime

from sqlmodel import Session

from app import audit
from app.connectors.connector import Connector
from app.errors import ReconnectNeeded
from app.vault import credentials
from app.vault.models import Connection, Credential

CONNECTED, RECONNECT_NEEDED = "connected", "reconnect_needed"


def mark_connected(row: Connection) -> None:
    """New tokens are stored. `row` is the locked connection, in the transaction that stores them."""
    row.state, row.last_error = CONNECTED, None


def end_access(db: Session, connection: Connection, generation: int, reason: str) -> Credential | None:
    """The service refused the tokens of that generation: only a person can restore the access.

    Returns the locked credential. Returns None if nothing changed: newer tokens are stored, the access had
    ended already, or the connection is gone.
    """
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None:
        return None
    if credential.generation != generation or row.state != CONNECTED:
        return None
    row.state, row.last_error = RECONNECT_NEEDED, reason
    audit.record(db, "connection.reconnect_needed", **audit.about(row), **row.audit_details(), reason=reason)
    return credential


def require_connected(connection: Connection, name: str) -> None:
    """Raises ReconnectNeeded, with the stored reason, unless the connection works."""
    if connection.state != CONNECTED:
        raise ReconnectNeeded(connection.last_error or f"{name} needs to be reconnected.")


def why_refused(
    connector: Connector,
    connection: Connection,
    credential: Credential,
    *,
    at: datetime,
    interrupted_at: datetime | None,
) -> str:
    """Why a refresh was refused at that moment, and what to do, as one sentence.

    `interrupted_at` is when an earlier refresh of this generation got no answer: the service may have rotated
    the token then, and that is the true reason.
    """
    name, form = connector.name, connector.find_form(connection.auth_method)
    if form is not None and not (form.renewals and interrupted_at):
        what = "sign-in" if form.authorization_seconds else form.noun
        ended = f"{name} does not accept the {what} of this connection any more; we learned it on {_day(at)}."
        return f"{ended} Please reconnect {name}."
    if interrupted_at is not None:
        return (
            f"On {_day(interrupted_at)} a renewal was interrupted while {name} was issuing a new token, "
            f"and {name} does not accept the previous one any more. Please reconnect {name}."
        )
    if not credential.refresh_token_sealed:
        return (
            f"{name} gave a sign-in that cannot be renewed, and it ended on {_day(at)}. "
            f"Please reconnect {name}."
        )
    return f"{name} ended this sign-in; we learned it on {_day(at)}. Please reconnect {name}."


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"
