"""The state of a connection. `state` and `last_error` change here and nowhere else.

    connected         → end_access     → reconnect_needed   the service refused our refresh token: it is over
    connected         → suspend        → reconnect_needed   the service takes nothing from us: why is unclear
    reconnect_needed  → begin_trial    → reconnect_needed   suspended, and its pause is over: one call may try
    reconnect_needed  → mark_connected → connected          new tokens are stored, or the API took our token

A suspended connection has `try_again_at`; one that has ended has none. Two things suspend:

- The API rejects a token that was fresh, even for the question whose account it is (`access.py`). Without
  this, every call would cost a request, a refresh and another request, and be told to reconnect while the hub
  says "connected". The first pause is a minute, then it doubles up to an hour.
- The token endpoint refuses to renew, without a code that says why (`is_refused_for_good`).

Both may be an outage that looks like a refusal, so the tokens stay, and whatever works again heals by itself.

A refusal counts only for the generation of tokens that is still stored. One that arrives after a reconnect is
about older tokens and changes nothing. A rejection of tokens that were renewed meanwhile says nothing about
the newer ones. Five of them in a row, with no success between them, do: under steady calls somebody has
always just renewed. `last_error` is the sentence that people and AI clients read.

"RECONNECT_NEEDED although just reconnected": the generation is compared in `end_access` and `suspend`. Their
callers are `claims.py` (a refresh), `refresh.py` (a rejected token) and `access.check` (the service answers,
but reaches nothing).
"""

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from app import audit, clock, database
from app.connectors.connector import Connector
from app.vault import connection_log, credentials, failures, state_events
from app.vault.models import Connection, Credential
from app.web import times

CONNECTED, RECONNECT_NEEDED = "connected", "reconnect_needed"
_REFUSALS, _REFUSED_FOR = 3, timedelta(hours=1)
_OVERTAKEN = 5  # rejections of tokens that were renewed meanwhile, with no success between them
_LONGEST_REASON = 500
_FIRST_PAUSE, _LAST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_TRIAL = timedelta(seconds=25)  # for one call to find out; as long as a claim


def mark_connected(db: Session, row: Connection, credential: Credential) -> None:
    """It works. Both rows are locked, in the transaction that stores new tokens or ends a trial."""
    if row.state != CONNECTED:
        state_events.announce_recovered(db, row)
    row.state, row.last_error, row.try_again_at = CONNECTED, None, None
    row.broken_at = None
    credential.rejections = 0


def has_ended(connection: Connection) -> bool:
    """Whether only its person can restore the access."""
    return connection.state != CONNECTED and connection.try_again_at is None


def may_try(connection: Connection, at: datetime, *, at_once: bool = False) -> bool:
    """Whether a call may use it: it works, or it is suspended and its pause is over (`at_once`: or not)."""
    if connection.state == CONNECTED:
        return True
    if connection.try_again_at is None:
        return False
    return at_once or not clock.is_ahead(connection.try_again_at, _LAST_PAUSE, at=at)


def begin_trial(db: Session, connection: Connection, *, at_once: bool = False) -> bool:
    """Let this call find out whether a suspended connection works again. One call at a time may."""
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None or row.state == CONNECTED:
        return row is not None
    now = database.current().now(db)
    if not may_try(row, now, at_once=at_once):
        return False
    row.try_again_at = now + _TRIAL
    return True


def recover(db: Session, row: Connection, credential: Credential) -> None:
    """It works without its person's help: a suspension is over, or a late answer held the living token."""
    if row.state != CONNECTED:
        audit.record(db, "connection.recovered", **audit.about(row), **row.audit_details())
        _log(db, logging.INFO, "Connection works again", row, generation=credential.generation)
    mark_connected(db, row, credential)


def end_trial(db: Session, connection: Connection) -> None:
    """The API took the token: the connection works again, unless it has ended meanwhile."""
    credential, row = credentials.locked(db, connection)
    if credential is not None and row is not None and not has_ended(row):
        recover(db, row, credential)


def end_access(db: Session, connection: Connection, generation: int, reason: str) -> Credential | None:
    """The service refused the tokens of that generation: only a person can restore the access.

    Returns the locked credential. Returns None if nothing changed: newer tokens are stored, the access had
    ended already, or the connection is gone.
    """
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None or credential.generation != generation or has_ended(row):
        return None
    _log(db, logging.INFO, "Access ended: reconnect needed", row, reason=reason, generation=generation)
    _need_reconnect(db, row, reason, may_recover=False)
    row.try_again_at = None
    return credential


def suspend(db: Session, connection: Connection, generation: int, reason: str) -> str | None:
    """The API rejects the tokens of that generation, though they are fresh. Returns the stored reason.

    Returns None if that is no news about the stored tokens (newer ones are stored) or the connection is gone.
    """
    credential, row = credentials.locked(db, connection)
    if credential is None or row is None:
        return None
    if credential.generation != generation and not _is_overtaken_again(row, credential):
        return None
    now = database.current().now(db)
    if row.state == CONNECTED:
        credential.rejections = 1
        pause(db, row, reason, credential.rejections, now)
    elif row.try_again_at is not None and row.try_again_at <= now + _TRIAL:
        credential.rejections += 1
        pause(db, row, reason, credential.rejections, now)
    return row.last_error or reason


def _is_overtaken_again(row: Connection, credential: Credential) -> bool:
    """Count a rejection of tokens that were renewed meanwhile. True once there were enough in a row."""
    if row.state != CONNECTED:
        return False
    credential.rejections += 1
    return credential.rejections >= _OVERTAKEN


def pause(db: Session, row: Connection, reason: str, times: int, now: datetime) -> None:
    """Suspend a locked connection for the time that this many times in a row deserve."""
    if row.state == CONNECTED:
        failures.count(db, row.slug, failures.REFUSED)
        _log(db, logging.INFO, "Connection suspended: reconnect needed", row, reason=reason)
    _need_reconnect(db, row, reason, may_recover=True)
    row.try_again_at = now + min(_FIRST_PAUSE * 2 ** min(times - 1, 10), _LAST_PAUSE)


def _need_reconnect(db: Session, row: Connection, reason: str, *, may_recover: bool) -> None:
    is_news = row.state == CONNECTED
    row.state, row.last_error = RECONNECT_NEEDED, reason[:_LONGEST_REASON]
    if is_news:
        row.broken_at = database.current().now(db)
        audit.record(
            db, "connection.reconnect_needed", **audit.about(row), **row.audit_details(), reason=reason
        )
        state_events.announce_broken(db, row, row.last_error, may_recover=may_recover)


def _log(db: Session, level: int, sentence: str, row: Connection, **fields: object) -> None:
    connection_log.after_commit(db, partial(connection_log.note, level, sentence, row, **fields))


def is_refused_for_good(
    row: Connection, credential: Credential, now: datetime, *, is_token_rejected: bool
) -> bool:
    """Whether unexplained refusals of the token endpoint are enough to ask the person to reconnect.

    They are once the access token is of no use and the service has refused three times over at least an hour,
    or once the time has passed after which the access is known to end.
    """
    if credential.expires_at is not None and credential.expires_at > now and not is_token_rejected:
        return False
    if row.signin_ends_at is not None and row.signin_ends_at <= now:
        return True
    return (
        credential.refusals >= _REFUSALS
        and credential.refused_since is not None
        and now - credential.refused_since >= _REFUSED_FOR
    )


def why_refused(
    connector: Connector,
    connection: Connection,
    credential: Credential,
    *,
    at: datetime,
    interrupted_at: datetime | None,
    because: str = "",
) -> str:
    """Why a refresh was refused at that moment, and what to do, as one sentence.

    `because` are the service's own words about it, as sentences of ours.

    `interrupted_at` is when an earlier refresh of this generation got no answer: where the service rotates
    refresh tokens it may have done so then, and that is the true reason.
    """
    name, form = connector.name, connector.find_form(connection.auth_method)
    if form is not None and not (form.renewals and interrupted_at):
        what = "login" if form.authorization_seconds else form.noun
        ended = f"{name} no longer accepts the {what} of this connection (since {_day(at)})."
        return f"{ended} Reconnect {name}."
    auth = connector.auth_of(connection.auth_method)
    if because:
        return _ended(name, at, because)
    if interrupted_at is not None and (form is not None or auth.rotates):
        return (
            f"On {_day(interrupted_at)} renewing the access was interrupted while {name} issued a new token, "
            f"and {name} no longer accepts the previous one. Reconnect {name}."
        )
    if not credential.refresh_token_sealed:
        if credential.expires_at is None or credential.expires_at > at:
            return _ended(name, at, auth.ends_because)
        return f"{name} granted access that can't be renewed, and it ended on {_day(at)}. Reconnect {name}."
    return _ended(name, at, auth.ends_because)


def _ended(name: str, at: datetime, because: str) -> str:
    learned = f"{name} ended our access on {_day(at)}."
    return " ".join(filter(None, (learned, because, f"Reconnect {name}.")))


def why_rejected(
    connector: Connector, connection: Connection, credential: Credential, *, at: datetime
) -> str:
    """Why a connection is suspended whose fresh token the API rejects, and what to do.

    While it is suspended already, the stored sentence, which names the day on which this began.
    """
    if connection.state != CONNECTED and connection.last_error:
        return connection.last_error
    if not credentials.can_be_renewed(connector, connection, credential):
        return why_refused(connector, connection, credential, at=at, interrupted_at=None)
    return (
        f"Since {_day(at)} {connector.name} accepts no token of this connection, not even one it has just "
        f"issued. Reconnect {connector.name}; until then a call tries again from time to time."
    )


def why_not_renewed(name: str, cause: str, since: datetime) -> str:
    """Why a connection is suspended that the token endpoint does not renew, and what to do.

    `cause` is the sentence about its last answer.
    """
    return (
        f"{cause.removesuffix(' Please try again later.')} This has been so since {_day(since)}. "
        f"Reconnect {name}; until then a call tries again from time to time."
    )


def _day(at: datetime) -> str:
    """The moment in UTC; pages and emails show it in their reader's zone."""
    return times.in_words(at)
