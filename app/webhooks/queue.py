"""What is due, who sends it, and what comes after: claims and schedules, agreed on through the database.

A claim is a lease on an endpoint. Whoever holds it sends one delivery; others find the endpoint taken. The
claim of a process that died expires, and the delivery is repeated under the same webhook-id.
"""

import random
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, nulls_first, or_, select, update
from sqlmodel import Session, col

from app import audit, clock, database
from app.config import Settings
from app.database import reading, transaction
from app.errors import Undecipherable
from app.vault.seal import unseal
from app.webhooks.addresses import host_of
from app.webhooks.models import (
    DELIVERED,
    FAILED,
    PENDING,
    TEST,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from app.workspaces.models import Workspace

# The waits between tries, as Standard Webhooks recommends. Each is a little longer at random, so that what
# failed together is not repeated together.
SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
LEASE = timedelta(seconds=60)  # several times as long as a request may take
TURNED_OFF_AFTER = timedelta(days=3)  # of failures only
_JITTER = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
_LONGEST_RETRY_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class DueEndpoint:
    """An endpoint that something is due for."""

    id: str
    workspace_id: str


@dataclass(frozen=True)
class Work:
    """One delivery whose endpoint this process has claimed. `signing_secrets`: the present one first."""

    endpoint_id: str
    workspace_id: str
    url: str
    signing_secrets: tuple[str, ...]
    delivery_id: str
    event_id: str
    body: str
    token: str


@dataclass(frozen=True)
class SendResult:
    """How one attempt ended. `error` is "" for success; `retry_after` is what the receiver asks for."""

    at: datetime
    status: int | None
    milliseconds: int
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == 410


def due_endpoints(most: int, *, but: Collection[str] = ()) -> list[DueEndpoint]:
    """Endpoints nobody is sending to that something is due for, the one served longest ago first."""
    at = clock.now()
    is_due = exists().where(
        col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id),
        col(WebhookDelivery.state) == PENDING,
        col(WebhookDelivery.next_at) <= at,
    )
    with reading() as db:
        query = (
            select(col(WebhookEndpoint.id), col(WebhookEndpoint.workspace_id))
            .join(Workspace, col(Workspace.id) == col(WebhookEndpoint.workspace_id))
            .where(
                col(Workspace.deactivated_at).is_(None),
                col(WebhookEndpoint.disabled_at).is_(None),
                col(WebhookEndpoint.id).not_in(but),
                or_(col(WebhookEndpoint.paused_until).is_(None), col(WebhookEndpoint.paused_until) <= at),
                _is_free(database.current().now(db)),
                is_due,
            )
            .order_by(nulls_first(col(WebhookEndpoint.tried_at)), col(WebhookEndpoint.id))
        )
        return [DueEndpoint(*row) for row in db.execute(query.limit(most))]


def claim(settings: Settings, endpoint_id: str, delivery_id: str | None = None) -> Work | None:
    """Claim an endpoint for its delivery that is due the longest, or for that one, due or not.

    Returns None if another process has it, it is turned off, or there is nothing to send.
    """
    with transaction() as db:
        at, now = clock.now(), database.current().now(db)
        token = secrets.token_hex(16)
        taken = update(WebhookEndpoint).where(
            col(WebhookEndpoint.id) == endpoint_id,
            col(WebhookEndpoint.disabled_at).is_(None),
            _is_free(now),
        )
        values = {"claim": token, "claimed_until": now + LEASE, "tried_at": at}
        if not db.execute(taken.values(values)).rowcount:  # type: ignore[attr-defined]
            return None
        endpoint = db.get_one(WebhookEndpoint, endpoint_id, populate_existing=True)
        wanted = (
            (col(WebhookDelivery.id) == delivery_id,)
            if delivery_id
            else (col(WebhookDelivery.next_at) <= at,)
        )
        query = select(WebhookDelivery).where(
            col(WebhookDelivery.endpoint_id) == endpoint_id, col(WebhookDelivery.state) == PENDING, *wanted
        )
        order = (col(WebhookDelivery.next_at), col(WebhookDelivery.created_at), col(WebhookDelivery.id))
        delivery = db.scalars(query.order_by(*order).limit(1)).first()
        if delivery is None:
            endpoint.claim = endpoint.claimed_until = None
            return None
        return Work(
            endpoint.id,
            endpoint.workspace_id,
            endpoint.url,
            _signing_secrets(settings, endpoint, at),
            delivery.id,
            delivery.event_id,
            delivery.body,
            token,
        )


def finish(work: Work, result: SendResult) -> str:
    """Record an attempt, release the claim and schedule what comes next.

    Returns why the endpoint was turned off, or "". If it was deleted meanwhile there is nothing to record.
    """
    with transaction() as db:
        endpoint = lock(db, work.endpoint_id)
        delivery = db.get(WebhookDelivery, work.delivery_id) if endpoint else None
        if endpoint is None or delivery is None:
            return ""
        is_ours = endpoint.claim == work.token
        if is_ours:
            endpoint.claim = endpoint.claimed_until = None
        db.add(
            WebhookAttempt(
                delivery_id=delivery.id,
                at=result.at,
                status=result.status,
                milliseconds=result.milliseconds,
                error=result.error,
            )
        )
        if not result.error:
            delivery.state, delivery.next_at = DELIVERED, None
            endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
            return ""
        if not is_ours or delivery.state != PENDING:
            return ""  # another process has taken over
        return _failed(db, endpoint, delivery, result)


def lock(db: Session, endpoint_id: str) -> WebhookEndpoint | None:
    """Lock an endpoint's row and return it, or None if it is gone. Events can still be stored for it."""
    query = select(WebhookEndpoint).where(col(WebhookEndpoint.id) == endpoint_id)
    found: WebhookEndpoint | None = db.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    ).first()
    return found


def turn_off(db: Session, endpoint: WebhookEndpoint, reason: str = "") -> None:
    """Send nothing more to a locked endpoint. What still waits counts as failed, and can be sent again."""
    endpoint.disabled_at, endpoint.disabled_reason = clock.now(), reason
    endpoint.claim = endpoint.claimed_until = None
    waiting = update(WebhookDelivery).where(
        col(WebhookDelivery.endpoint_id) == endpoint.id, col(WebhookDelivery.state) == PENDING
    )
    db.execute(waiting.values(state=FAILED, next_at=None))


def turn_on(endpoint: WebhookEndpoint) -> None:
    """Send to a locked endpoint again, as if it had never failed."""
    endpoint.disabled_at, endpoint.disabled_reason = None, ""
    endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None


def secret_of(settings: Settings, endpoint: WebhookEndpoint) -> str:
    """The present secret of an endpoint. Raises Undecipherable."""
    return unseal(settings.vault_keys, endpoint, "secret_sealed")


def _failed(db: Session, endpoint: WebhookEndpoint, delivery: WebhookDelivery, result: SendResult) -> str:
    at = clock.now()
    delivery.tries += 1
    is_last = delivery.type == TEST or delivery.tries > len(SCHEDULE)
    retry_after = min(result.retry_after or timedelta(), _LONGEST_RETRY_AFTER)
    if is_last:
        delivery.state, delivery.next_at = FAILED, None
    else:
        wait = SCHEDULE[delivery.tries - 1] * random.uniform(1, 1 + _JITTER)
        delivery.next_at = at + max(wait, retry_after)
    if delivery.type != TEST:
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or at
        # Its next delivery may be due now: an endpoint that times out must not occupy a sender all the time.
        pause = _FIRST_PAUSE * 2 ** min(endpoint.failures - 2, 10) if endpoint.failures > 1 else timedelta()
        endpoint.paused_until = at + max(min(pause, _LONGEST_PAUSE), retry_after)
    reason = ""
    if result.is_gone:
        reason = "The receiver answered 410 (Gone), which asks us to send nothing more."
    elif endpoint.failing_since is not None and at - endpoint.failing_since >= TURNED_OFF_AFTER:
        reason = f"Every delivery failed for {TURNED_OFF_AFTER.days} days."
    if reason:
        turn_off(db, endpoint, reason)
        host = host_of(endpoint.url)
        audit.record(db, "webhook.turned_off", **audit.about(endpoint), host=host, reason=reason)
    return reason


def _is_free(now: datetime):  # type: ignore[no-untyped-def]
    return or_(col(WebhookEndpoint.claimed_until).is_(None), col(WebhookEndpoint.claimed_until) <= now)


def _signing_secrets(settings: Settings, endpoint: WebhookEndpoint, at: datetime) -> tuple[str, ...]:
    """The secrets that sign now. Empty if none opens: the attempt then fails with a sentence."""
    columns = ["secret_sealed"]
    if endpoint.previous_secret_sealed and endpoint.previous_until and endpoint.previous_until > at:
        columns.append("previous_secret_sealed")
    try:
        return tuple(unseal(settings.vault_keys, endpoint, column) for column in columns)
    except Undecipherable:
        return ()
