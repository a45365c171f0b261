"""How often something may happen in a window of time, counted exactly in the database.

One INSERT … ON CONFLICT counts and checks in a single step, so parallel attempts on several hosts share one
budget. Callers take from budgets in the same order everywhere (the order of their rules), and count before
they check: an attempt that is refused afterwards has still been counted.
"""

import ipaddress
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from app import audit, limit_log, rate_windows
from app.accounts.keyed_hash import keyed_digest
from app.config import Settings
from app.errors import TooManyRequests

_TAKE = text(
    "INSERT INTO budgets (key, window_start, count) VALUES (:key, :start, 1) "
    "ON CONFLICT (key, window_start) DO UPDATE SET count = budgets.count + 1 WHERE budgets.count < :limit "
    "RETURNING count"
)
_GIVE_BACK = text(
    "UPDATE budgets SET count = count - 1 WHERE key = :key AND window_start = :start AND count > 0"
)
_FORGET = text("DELETE FROM budgets WHERE key = :key AND window_start = :start")


@dataclass(frozen=True)
class Rule:
    """At most `limit` times per window of `seconds`. Stored keys contain the name: renaming resets counts."""

    name: str
    limit: int
    seconds: int


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
    """One count in one window, so that it can be given back."""

    rule: Rule
    key: str
    window_start: int


def take(db: Session, settings: Settings, rule: Rule, *who: str) -> Taken:
    """Count one more. Raises BudgetSpent in a full window; the transaction then undoes earlier takes."""
    window = rate_windows.current(rule.seconds)
    key = f"{rule.name}:{keyed_digest(settings, rule.name, *who)[:40]}"
    count = db.execute(_TAKE, {"key": key, "start": window.start, "limit": rule.limit}).scalar_one_or_none()
    if count is None:
        if rule.limit > 1:  # one of 1 is no limit, but what makes something happen once
            limit_log.note(rule.name.replace(" ", "-"), rule.seconds)
        raise BudgetSpent(rule, window.seconds_left)
    if count == rule.limit > 1:
        # Once per window, when it fills: a flood of refusals does not flood the trail.
        audit.record(db, "budget.spent", subject=rule.name)
    return Taken(rule, key, window.start)


def give_back(db: Session, taken: Taken) -> None:
    """Undo one `take`: the attempt was legitimate."""
    db.execute(_GIVE_BACK, {"key": taken.key, "start": taken.window_start})


def forget(db: Session, taken: Taken) -> None:
    """Reset the window: the person has proved who they are."""
    db.execute(_FORGET, {"key": taken.key, "start": taken.window_start})


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
