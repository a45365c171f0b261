"""The log lines and counts about one connection. Each line names service, connection and workspace, and never
holds a token or a part of one.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import event
from sqlmodel import Session

from app import logs, metrics
from app.connectors.connector import Connector
from app.vault.models import Connection

# How a refresh ended. "ended": the service ended the access. "refused": it refused, and did not say why.
SUCCESS, ENDED, REFUSED, UNREACHABLE = "success", "ended", "refused", "unreachable"
MISCONFIGURED, UNREADABLE = "misconfigured", "unreadable"
OUTCOMES = (SUCCESS, ENDED, REFUSED, UNREACHABLE, MISCONFIGURED, UNREADABLE)

log = logging.getLogger("app.vault.connections")


class _BelongsToConnection(Protocol):
    """A row about a connection that may be gone."""

    connection_id: str
    workspace_id: str
    slug: str


def fields_of(connection: Connection) -> dict[str, str]:
    """The fields that every line about a connection has."""
    return {
        "service": connection.slug,
        "connection": connection.id,
        "workspace": connection.workspace_id,
    }


def note(level: int, sentence: str, connection: Connection, **fields: Any) -> None:
    """Log one line about a connection."""
    logs.event(log, level, sentence, **fields_of(connection), **fields)


def note_removed(level: int, sentence: str, row: _BelongsToConnection, **fields: Any) -> None:
    """Log one line about a connection that is gone, by the row that remains of it."""
    logs.event(
        log,
        level,
        sentence,
        service=row.slug,
        connection=row.connection_id,
        workspace=row.workspace_id,
        **fields,
    )


def after_commit(db: Session, write: Callable[[], None]) -> None:
    """Write a line once the transaction has committed; never if it is rolled back."""
    event.listen(db, "after_commit", lambda _session: write(), once=True)


class RefreshLog:
    """The lines of one refresh, and its count. Made when the refresh begins.

    `why` says what caused it: the token expires, the API rejected it, or somebody requested it.
    """

    def __init__(
        self, connector: Connector, connection: Connection, generation: int, failures: int, why: str
    ) -> None:
        self._connector, self._connection, self._why = connector, connection, why
        self._generation, self._failures = generation, failures
        self._started = time.monotonic()
        note(logging.DEBUG, "Token refresh begins", connection, reason=why, generation=generation)

    def succeeded(self) -> None:
        """New tokens are stored."""
        metrics.REFRESHES.labels(self._connector.metrics_name, SUCCESS).inc()
        self._note(logging.INFO, "Token refreshed", reason=self._why, generation=self._generation + 1)
        if self._failures:
            sentence = "Token refreshes resumed: the pause is over"
            note(logging.INFO, sentence, self._connection, failures=self._failures)

    def failed(self, outcome: str, sentence: str, pause: float | None = None) -> None:
        """No new tokens came. `pause`: seconds in which the service is not called again."""
        metrics.REFRESHES.labels(self._connector.metrics_name, outcome).inc()
        self._note(
            logging.WARNING, f"Token refresh failed: {sentence}", reason=outcome, generation=self._generation
        )
        if pause is not None and not self._failures:
            note(
                logging.INFO,
                "Token refreshes paused: the service is left alone for a while",
                self._connection,
                reason=outcome,
                seconds=pause,
            )

    def _note(self, level: int, sentence: str, *, reason: str, generation: int) -> None:
        took = round((time.monotonic() - self._started) * 1000)
        note(level, sentence, self._connection, reason=reason, generation=generation, milliseconds=took)
