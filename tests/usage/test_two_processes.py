"""Limits are one number for all processes, and an operator's change takes effect at once in each."""

import contextlib
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import clock
from tests.support import services
from tests.support.companies import call, company
from tests.support.product import run_product
from tests.support.waiting import AT_MOST_SECONDS
from tests.usage.conftest import forget_counters

pytestmark = pytest.mark.xdist_group("two-processes")


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.needs_redis)])
def product(request, tmp_path):
    with_redis = request.param == "redis"
    with run_product(
        tmp_path / "instance", **({"REDIS_URL": services.REDIS} if with_redis else {})
    ) as running:
        yield running
        if with_redis:
            forget_counters(workspace_of(running))


@contextlib.contextmanager
def operator(product):
    """The operator changes a workspace, as the administration page does."""
    with (
        contextlib.closing(sqlite3.connect(product.instance / "patchbay.db", timeout=AT_MOST_SECONDS)) as db,
        db,
    ):
        yield db


def workspace_of(product):
    with operator(product) as db:
        return db.execute("SELECT id FROM workspaces").fetchone()[0]


def test_exactly_as_many_calls_are_let_in_as_the_operator_says_now(product):
    token = company(product, "busy")
    today = clock.now().date()

    def set_day(calls):
        with operator(product) as db:
            db.execute("UPDATE workspaces SET tier = 'enterprise', per_day = ?", (calls,))

    def let_in(times):
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: call(product, token, "hub_list_connections"), range(times)))
        for status, headers, body in answers:
            assert status in {200, 429}
            if status == 429:
                assert body["error"]["data"]["code"] == "RATE_LIMITED" and int(headers["Retry-After"]) > 0
        return Counter(status for status, _, _ in answers)

    set_day(40)
    first = let_in(60)
    set_day(50)
    second = let_in(30)
    set_day(None)
    third = let_in(5)
    if clock.now().date() == today:  # at midnight the count starts again
        assert (first[200], second[200], third[200]) == (40, 10, 5)
    with operator(product) as db:
        db.execute("UPDATE workspaces SET deactivated_at = '2026-01-01 00:00:00'")
    envelope = call(product, token, "hub_list_connections")[2]["result"]["structuredContent"]
    assert envelope["error"]["code"] == "WORKSPACE_INACTIVE"
