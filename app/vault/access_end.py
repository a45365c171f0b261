"""When a connection's access ends if nothing is done, and how long before that somebody must act.

    signin_ends_at   the service's word, else its documented lifetime or idle time
    hard_ends_at     the moment that no refresh moves (QuickBooks: five years after the consent)

A third of the life left is time to act, whatever the life is: keep-alive refreshes then (`keepalive.py`), and
the card warns, a week ahead at most. With sixty days that is twenty and seven days, with one day eight hours.
"""

from datetime import datetime, timedelta

from app.connectors.connector import Connector
from app.vault.models import Connection
from app.vault.token_answers import TokenSet

_LONGEST_WARNING = timedelta(days=7)
_UNKNOWN_LIFE = timedelta(days=60)  # of a row that was written before the life was stored
UNKNOWN_TIME_TO_ACT = _UNKNOWN_LIFE / 3
_SHORT_LIFE = timedelta(hours=1)  # in which a minute matters
_PROLONGED_BY = timedelta(minutes=1)  # a shorter move is the same end, counted from another moment


def set_end(
    row: Connection,
    connector: Connector,
    tokens: TokenSet,
    at: datetime,
    *,
    before: datetime | None,
    renewed: bool,
) -> None:
    """Note when the access ends that these tokens opened at that moment.

    `before` is the end known so far, if it still counts; `renewed` is False for a new authorization.
    """
    if tokens.hard_expires_in is not None:
        row.hard_ends_at = _steady(row.hard_ends_at, at + timedelta(seconds=tokens.hard_expires_in), at)
    elif not renewed:
        row.hard_ends_at = None
    ends_at = _end(connector, row.auth_method, tokens, at, before, renewed=renewed)
    if row.hard_ends_at is not None:
        ends_at = min(ends_at, row.hard_ends_at) if ends_at else row.hard_ends_at
    ends_at = _steady(before, ends_at, at)
    if ends_at is None:
        row.signin_life_seconds = None
    elif before is None or row.signin_life_seconds is None or ends_at > before + _PROLONGED_BY:
        row.signin_life_seconds = int((ends_at - at).total_seconds())
    row.signin_ends_at = ends_at


def _steady(before: datetime | None, ends_at: datetime | None, at: datetime) -> datetime | None:
    """The end known so far if the new one is the same, counted from another moment.

    Some services say with every refresh how many seconds are left. Nobody is reminded twice of one end.
    """
    if before is None or ends_at is None or ends_at - at < _SHORT_LIFE:
        return ends_at
    return before if abs(ends_at - before) <= _PROLONGED_BY else ends_at


def _end(
    connector: Connector,
    auth_method: str,
    tokens: TokenSet,
    at: datetime,
    before: datetime | None,
    *,
    renewed: bool,
) -> datetime | None:
    # A refresh that works after the documented end shows that the end does not hold here, as for a Google app
    # that is not in testing.
    fixed = before if before is None or before > at else None
    if (form := connector.find_form(auth_method)) is not None:
        if form.authorization_seconds is None:
            return None
        return (
            at + timedelta(seconds=form.authorization_seconds)
            if form.authorization_slides or not renewed
            else fixed
        )
    auth = connector.auth_of(auth_method)
    if tokens.refresh_expires_in is not None:
        return at + timedelta(seconds=tokens.refresh_expires_in)
    if auth.authorization_days is not None:
        # Refreshing does not prolong it; only a new authorization with a new refresh token does.
        is_new = not renewed and (tokens.refresh_token is not None or before is None)
        return at + timedelta(days=auth.authorization_days) if is_new else fixed
    if auth.idle_days is not None:
        return at + timedelta(days=auth.idle_days)
    return fixed if renewed else None


def can_be_prolonged(connector: Connector, connection: Connection) -> bool:
    """Whether refreshing moves the end of the access: not where it ends on a fixed day."""
    ends_at, hard_ends_at = connection.signin_ends_at, connection.hard_ends_at
    if ends_at is None or (hard_ends_at is not None and hard_ends_at <= ends_at):
        return False
    form = connector.find_form(connection.auth_method)
    if form is None:
        auth = connector.auth_of(connection.auth_method)
        return auth.authorization_days is None and (auth.rotates or auth.idle_days is not None)
    return form.authorization_slides


def time_to_act(connection: Connection) -> timedelta:
    """How long before its end the access should be refreshed: a third of its life."""
    life = connection.signin_life_seconds
    return timedelta(seconds=life) / 3 if life else UNKNOWN_TIME_TO_ACT


def warning_from(connection: Connection) -> datetime | None:
    """From when the card warns of the end. None if no end is known."""
    if connection.signin_ends_at is None:
        return None
    return connection.signin_ends_at - min(time_to_act(connection), _LONGEST_WARNING)


def ends_in(connection: Connection, now: datetime) -> str:
    """When the access ends, such as "in 5 days"; "" before there is a warning.

    Also "" once that moment has passed while calls still work: then it did not hold, and the state tells.
    """
    ends_at, first = connection.signin_ends_at, warning_from(connection)
    if ends_at is None or first is None or not first <= now < ends_at:
        return ""
    left = ends_at - now
    hours = int(left.total_seconds() // 3600)
    if left.days > 1:
        return f"in {left.days} days"
    return f"in {hours} hours" if hours > 1 else "within the hour"
