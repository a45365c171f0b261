"""Calls a company makes over some weeks, the same for the same seed, inserted into the ledger's own table."""

import random
import uuid
from datetime import timedelta

import pytest
import redis

from app import clock, database
from app.usage.models import CallRow
from tests.support import services
from tests.support.statements import sent, statements  # noqa: F401

TOOLS = (("xero_list_invoices", "xero"), ("gmail_search_messages", "gmail"), ("memory_search", ""))
OUTCOMES = ("ok", "ok", "ok", "ok", "APPROVAL_NEEDED", "TIMEOUT", "RATE_LIMITED")
CLIENTS = ("Claude", "Cursor", "")


def a_call(**given):
    columns = {
        "at": clock.now(),
        "workspace_id": "wsp_northwind",
        "user_id": "usr_alice",
        "grant_id": "grt_1",
        "client_name": "Claude",
        "tool": "xero_list_invoices",
        "slug": "xero",
        "outcome": "ok",
        "total_ms": 200.0,
        "upstream_ms": 197.0,
    }
    return CallRow(**{**columns, **given})


def some_calls(seed, count, *, days=40, **given):
    """Plausible calls of alice and bob over the last `days`, in random order of time."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        tool, slug = dice.choice(TOOLS)
        upstream = dice.lognormvariate(5, 0.8) if slug else 0.0
        columns = {
            "at": clock.now() - timedelta(seconds=dice.uniform(0, days * 86_400)),
            "user_id": dice.choice(["usr_alice", "usr_bob"]),
            "client_name": dice.choice(CLIENTS),
            "tool": tool,
            "slug": slug,
            "outcome": dice.choice(OUTCOMES),
            "total_ms": upstream + dice.uniform(0.6, 6),
            "upstream_ms": upstream,
            "bytes": dice.randrange(20_000),
        }
        made.append(a_call(**{**columns, **given}))
    return made


@pytest.fixture
def write(app):
    """`write(calls)` stores and returns them."""

    def _write(calls):
        with database.transaction() as db:
            db.add_all(calls)
        return calls

    return _write


@pytest.fixture
def noon():
    """The middle of a month and of a day, so that neither ends during a test."""
    at = clock.now()
    clock.shift(at.replace(day=15, hour=12, minute=30, second=5) - at)


@pytest.fixture
def redis_workspace():
    """A workspace whose counters in Redis are removed afterwards."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    forget_counters(name)


def forget_counters(workspace_id):
    """Remove what Redis has counted for that workspace."""
    client = redis.Redis.from_url(services.REDIS)
    for key in client.scan_iter(f"patchbay:calls:{workspace_id}:*"):
        client.delete(key)


@pytest.fixture
def redis_of_its_own():
    """A Redis URL with no counters of these workspaces, before and after."""

    def clear():
        for workspace_id in ("wsp_northwind", "wsp_contoso"):
            forget_counters(workspace_id)

    clear()
    yield services.REDIS
    clear()
