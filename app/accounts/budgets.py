"""How often something may happen, counted exactly in the database.

A budget refills evenly, so nobody waits for the end of an hour or a day: once it is spent, the next attempt
is free as soon as its share of the time is over (the generic cell rate algorithm, GCRA). A budget is one row:
when it would be empty again. One INSERT … ON CONFLICT counts and checks in a single step, so parallel
attempts on several hosts share one budget. Callers take from budgets in the same
order everywhere (the order of their rules), and count before they check: an attempt that is refused
afterwards has still been counted.
"""

import ipaddress
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from app import audit, clock, limit_log
from app.accounts.keyed_hash import keyed_digest
from app.config import Settings
from app.errors import TooManyRequests

_SECOND = 1_000_000  # times are in microseconds since the epoch

# `window_start` is 0: the previous release counts in windows, in rows of its own.
_TAKE = text(
    "INSERT INTO budgets (key, window_start, count, empty_at) VALUES (:key, 0, 1, :soonest) "
    "ON CONFLICT (key, window_start) DO UPDATE SET "
    "count = CASE WHEN budgets.empty_at > :now THEN budgets.count + 1 ELSE 1 END, "
    "empty_at = CASE WHEN budgets.empty_at > :now THEN budgets.empty_at + :cost ELSE :soonest END "
    "WHERE budgets.empty_at <= :latest RETURNING empty_at, noted_at"
)
_EMPTY_AT = text("SELECT empty_at FROM budgets WHERE key = :key AND window_start = 0")
_NOTED = text("UPDATE budgets SET noted_at = :now WHERE key = :key AND window_start = 0")
_GIVE_BACK = text(
    "UPDATE budgets SET count = count - 1, empty_at = empty_at - :cost "
    "WHERE key = :key AND window_start = 0 AND count > 0"
)
_FORGET = text("DELETE FROM budgets WHERE key = :key AND window_start = 0")


@dataclass(frozen=True)
class Rule:
    """`burst` at once, then `limit` per `seconds`, evenly: at most `burst + limit` in any such span.

    Without `burst` it is `limit`. Stored keys contain the name: renaming resets counts. Rules that share
    name, limit and seconds share their counts; the one with the larger burst reserves the difference.
    """

    name: str
    limit: int
    seconds: int
    burst: int = 0

    @property
    def cost(self) -> int:
        """The microseconds after which one attempt is free again."""
        return -(-self.seconds * _SECOND // self.limit)

    @property
    def room(self) -> int:
        """The microseconds that a full budget takes to be empty again."""
        return self.cost * (self.burst or self.limit)


class BudgetSpent(TooManyRequests):
    """Something was tried too often. `rule` says what."""

    def __init__(self, rule: Rule, retry_after_seconds: int) -> None:
        self.rule = rule
        super().__init__(
            f"That was tried too often. Please wait {describe_wait(retry_after_seconds)}.",
            retry_after_seconds=retry_after_seconds,
        )


@dataclass(frozen=True)
class Taken:
    """One count of one budget, so that it can be given back."""

    rule: Rule
    key: str


def of(settings: Settings, rule: Rule, *who: str) -> Taken:
    """Return the count of a budget that was taken before, perhaps by another request."""
    return Taken(rule, f"{rule.name}:{keyed_digest(settings, rule.name, *who)[:40]}")


def take(db: Session, settings: Settings, rule: Rule, *who: str) -> Taken:
    """Count one more. Raises BudgetSpent if it is spent; the transaction then undoes earlier takes."""
    taken = _try(db, settings, rule, who)
    if isinstance(taken, BudgetSpent):
        if rule.limit > 1:  # one of 1 is no limit, but what makes something happen once
            limit_log.note(rule.name.replace(" ", "-"), rule.seconds)
        raise taken
    return taken


def has_room(db: Session, settings: Settings, rule: Rule, *who: str) -> bool:
    """Count one more if the budget has room for it, and return whether it had."""
    return isinstance(_try(db, settings, rule, who), Taken)


def _try(db: Session, settings: Settings, rule: Rule, who: tuple[str, ...]) -> Taken | BudgetSpent:
    taken, now = of(settings, rule, *who), int(clock.timestamp() * _SECOND)
    latest = now + rule.room - rule.cost
    values = {
        "key": taken.key,
        "now": now,
        "cost": rule.cost,
        "soonest": now + rule.cost,
        "latest": latest,
    }
    row = db.execute(_TAKE, values).first()
    if row is None:
        empty_at = db.execute(_EMPTY_AT, {"key": taken.key}).scalar_one_or_none() or latest
        return BudgetSpent(rule, max(1, -(-(empty_at - latest) // _SECOND)))
    if row.empty_at > latest and rule.room > rule.cost:
        _note(db, taken, now, row.noted_at)
    return taken


def _note(db: Session, taken: Taken, now: int, noted_at: int | None) -> None:
    """Record that a budget is spent, at most once per its span: a flood does not flood the trail."""
    if noted_at is None or noted_at <= now - taken.rule.seconds * _SECOND:
        db.execute(_NOTED, {"key": taken.key, "now": now})
        audit.record(db, "budget.spent", subject=taken.rule.name)


def give_back(db: Session, taken: Taken) -> None:
    """Undo one `take`: the attempt was legitimate."""
    db.execute(_GIVE_BACK, {"key": taken.key, "cost": taken.rule.cost})


def forget(db: Session, taken: Taken) -> None:
    """Empty the budget: the person has proved who they are."""
    db.execute(_FORGET, {"key": taken.key})


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 network an IPv6 subscriber controls."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def describe_wait(seconds: int) -> str:
    """Return a readable waiting time: "40 seconds", "12 minutes", "3 hours"."""
    amount, unit = (seconds, "second") if seconds < 90 else (-(-seconds // 60), "minute")
    if amount > 90 and unit == "minute":
        amount, unit = -(-seconds // 3600), "hour"
    return f"{amount} {unit}" + ("" if amount == 1 else "s")
