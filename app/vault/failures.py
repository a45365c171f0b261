"""Failed refreshes, counted per service and hour. Names no workspace and no person."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from app import clock
from app.database import upsert_into
from app.vault.models import RefreshFailure

REFUSED, UNREACHABLE = "refused", "unreachable"
_HOUR = 3_600
_RETENTION = timedelta(days=30)


def count(db: Session, slug: str, kind: str) -> None:
    """Count one failure, in the transaction that records it on the connection."""
    now = int(clock.timestamp())
    row = {"slug": slug, "hour": now // _HOUR * _HOUR, "kind": kind, "count": 1}
    statement = upsert_into(RefreshFailure).values(row)
    more = statement.on_conflict_do_update(
        index_elements=["slug", "hour", "kind"], set_={"count": col(RefreshFailure.count) + 1}
    )
    db.execute(more)
    db.execute(
        delete(RefreshFailure).where(
            col(RefreshFailure.slug) == slug, col(RefreshFailure.hour) < now - _RETENTION.total_seconds()
        )
    )


def of_last_day(db: Session) -> dict[str, dict[str, int]]:
    """Failures of the last 24 hours per service and kind."""
    since = int(clock.timestamp()) - 24 * _HOUR
    query = (
        select(col(RefreshFailure.slug), col(RefreshFailure.kind), func.sum(col(RefreshFailure.count)))
        .where(col(RefreshFailure.hour) > since - _HOUR)
        .group_by(col(RefreshFailure.slug), col(RefreshFailure.kind))
    )
    found: dict[str, dict[str, int]] = {}
    for slug, kind, total in db.execute(query):
        found.setdefault(slug, {})[kind] = int(total)
    return found
