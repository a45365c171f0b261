"""Nine weeks of invented calls: busy on weekdays, growing, with an occasional outage of a service."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, insert, select
from sqlmodel import col

from app import clock
from app.database import reading, transaction
from app.demo.company import PEOPLE, WORKSPACE_ID
from app.usage.models import CallRow

_DAYS = 63
_AT_ONCE = 1_000
_BUSY = (5, 6, 6, 6, 4, 1, 1)  # Monday to Sunday

# Tool, connector, endpoint at the service, relative frequency, and the service's usual milliseconds.
_TOOLS = (
    ("xero_list_invoices", "xero", "GET /api.xro/2.0/Invoices", 31, 236),
    ("gmail_search_messages", "gmail", "GET /gmail/v1/users/me/messages", 24, 176),
    ("gmail_get_message", "gmail", "GET /gmail/v1/users/me/messages/{id}", 12, 120),
    ("freshbooks_log_time", "freshbooks", "POST /timetracking/business/{id}/time_entries", 10, 310),
    ("freshbooks_list_invoices", "freshbooks", "GET /accounting/account/{id}/invoices/invoices", 8, 280),
    ("xero_get_profit_and_loss", "xero", "GET /api.xro/2.0/Reports/ProfitAndLoss", 5, 620),
    ("stripe_list_payments", "stripe", "GET /v1/payment_intents", 5, 190),
    ("memory_search", "", "", 4, 0),
    ("hub_list_connections", "", "", 3, 0),
)
_CLIENTS = (("Claude", 55), ("Cursor", 20), ("ChatGPT", 15), ("Claude Code", 10))
_FAILURES = (
    ("TIMEOUT", 3),
    ("RATE_LIMITED", 4),
    ("PROVIDER_UNAVAILABLE", 3),
    ("INVALID_ARGUMENTS", 3),
    ("NOT_FOUND", 2),
)
_STATUS = {"RATE_LIMITED": 429, "PROVIDER_UNAVAILABLE": 503, "NOT_FOUND": 404, "INVALID_ARGUMENTS": 400}


def write_calls(progress: Callable[[int, int], None]) -> int:
    """Store the calls unless the demo company has some. Returns the count."""
    with reading() as db:
        if db.execute(select(exists().where(col(CallRow.workspace_id) == WORKSPACE_ID))).scalar_one():
            return 0
    calls = list(_calls(random.Random(24), clock.now()))
    with transaction() as db:  # all or none: a later run would take half of them for the whole
        for done in range(0, len(calls), _AT_ONCE):
            db.execute(insert(CallRow), calls[done : done + _AT_ONCE])
            progress(min(done + _AT_ONCE, len(calls)), len(calls))
    return len(calls)


def _calls(dice: random.Random, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the rows, oldest first."""
    for ago in range(_DAYS - 1, -1, -1):
        midnight = (now - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        busy = _BUSY[midnight.weekday()] * (1 + (_DAYS - ago) / _DAYS) * dice.uniform(0.7, 1.3)
        trouble = dice.random() < 0.06
        seconds = sorted(
            min(86_399.0, max(0.0, dice.gauss(13.5, 3.2) * 3_600)) for _ in range(int(busy * 22))
        )
        for second in seconds:
            at = midnight + timedelta(seconds=second)
            if at < now:
                yield _call(dice, at, 0.12 if trouble else 0.004)


def _call(dice: random.Random, at: datetime, failing: float) -> dict[str, Any]:
    tool, slug, endpoint, _, usual = dice.choices(_TOOLS, [each[3] for each in _TOOLS])[0]
    who = dice.choices(PEOPLE, [each.share for each in PEOPLE])[0]
    client = dice.choices([name for name, _ in _CLIENTS], [share for _, share in _CLIENTS])[0]
    outcome = "ok"
    if slug and dice.random() < failing:
        outcome = dice.choices([code for code, _ in _FAILURES], [share for _, share in _FAILURES])[0]
    upstream = 20_000.0 if outcome == "TIMEOUT" else usual * dice.lognormvariate(0, 0.42)
    return {
        "at": at,
        "workspace_id": WORKSPACE_ID,
        "user_id": who.id,
        "grant_id": f"grt_demo_{who.key}",
        "client_name": client,
        "tool": tool,
        "slug": slug,
        "connection_id": None,
        "upstream_endpoint": endpoint,
        "upstream_status": None if not slug or outcome == "TIMEOUT" else _STATUS.get(outcome, 200),
        "outcome": outcome,
        "total_ms": round(upstream + dice.lognormvariate(1.0, 0.35), 2),
        "upstream_ms": round(upstream, 2),
        "bytes": int(dice.lognormvariate(7.6, 0.9)),
    }
