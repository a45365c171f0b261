"""The log of an endpoint: its deliveries of the last 30 days with every attempt, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, tuple_, update
from sqlmodel import Session, col

from app import clock
from app.database import reading, transaction
from app.webhooks.models import (
    DELIVERED,
    FAILED,
    PENDING,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

RETENTION = timedelta(days=30)
_PAGE_SIZE = 25
_AT_ONCE = 5_000
_STATES = {PENDING: ("Waiting", ""), DELIVERED: ("Delivered", "good"), FAILED: ("Failed", "error")}


@dataclass(frozen=True)
class LoggedDelivery:
    """A delivery with its attempts, oldest first."""

    delivery: WebhookDelivery
    attempts: Sequence[WebhookAttempt]

    @property
    def words(self) -> str:
        """Its state in one word."""
        if self.delivery.state == PENDING and self.attempts:
            return "Retrying"
        return _STATES[self.delivery.state][0]

    @property
    def kind(self) -> str:
        """How the state is drawn: good, warning, error, or ""."""
        return "warning" if self.words == "Retrying" else _STATES[self.delivery.state][1]


@dataclass(frozen=True)
class LogPage:
    """One page of the log. `before` leads to the next one, or is ""; `version` changes with what it shows."""

    rows: Sequence[LoggedDelivery]
    before: str

    @property
    def version(self) -> str:
        """Changes when a delivery is added, tried or decided."""
        return ".".join(
            [
                f"{len(self.rows)}",
                self.rows[0].delivery.id if self.rows else "",
                str(sum(len(row.attempts) for row in self.rows)),
                "".join(row.delivery.state[0] for row in self.rows),
            ]
        )


def load(endpoint_id: str, *, before: str = "") -> LogPage:
    """The newest deliveries, or those older than the delivery with the id `before`."""
    query = select(WebhookDelivery).where(col(WebhookDelivery.endpoint_id) == endpoint_id)
    position = tuple_(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
    with reading() as db:
        if before:
            last = db.scalars(query.where(col(WebhookDelivery.id) == before)).first()
            if last is not None:
                query = query.where(position < tuple_(last.created_at, last.id))
        newest = query.order_by(col(WebhookDelivery.created_at).desc(), col(WebhookDelivery.id).desc())
        found = list(db.scalars(newest.limit(_PAGE_SIZE + 1)))
        listed = found[:_PAGE_SIZE]
        attempts = _attempts(db, [row.id for row in listed])
    rows = [LoggedDelivery(row, attempts.get(row.id, [])) for row in listed]
    return LogPage(rows, listed[-1].id if len(found) > _PAGE_SIZE else "")


def prune() -> int:
    """Delete deliveries older than 30 days, and secrets that sign no more. Returns how many deliveries."""
    at, total = clock.now(), 0
    old = select(col(WebhookDelivery.id)).where(col(WebhookDelivery.created_at) < at - RETENTION)
    while True:
        with transaction() as db:
            gone = db.execute(delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(old.limit(_AT_ONCE))))
            count: int = gone.rowcount  # type: ignore[attr-defined]
        total += count
        if count < _AT_ONCE:
            break
    over = update(WebhookEndpoint).where(col(WebhookEndpoint.previous_until) <= at)
    with transaction() as db:
        db.execute(over.values(previous_secret_sealed=None, previous_until=None))
    return total


def _attempts(db: Session, delivery_ids: Sequence[str]) -> dict[str, list[WebhookAttempt]]:
    query = select(WebhookAttempt).where(col(WebhookAttempt.delivery_id).in_(delivery_ids))
    found: dict[str, list[WebhookAttempt]] = {}
    for attempt in db.scalars(query.order_by(col(WebhookAttempt.number))):
        found.setdefault(attempt.delivery_id, []).append(attempt)
    return found
