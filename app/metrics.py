"""What Prometheus reads at /metrics, except the tool calls (`app.usage.metrics`); see docs/monitoring.md.

Counters and histograms move when something happens, in memory and in this process; the collector adds the
processes up. Two kinds of gauges cost nothing per request either: a *sampler* sets those of this process (the
pool, calls under way) every few seconds and when they are read, and a *collector* reads the database, at most
once in a few seconds, when they are read.

No label holds a workspace, a person or anything that somebody chose, so the number of series is bounded.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    multiprocess,
)
from prometheus_client.registry import Collector

from app import database

log = logging.getLogger(__name__)

REFRESHES = Counter("patchbay_refreshes", "Token refreshes by service and outcome.", ["service", "outcome"])
UPSTREAM_SECONDS = Histogram(
    "patchbay_upstream_seconds",
    "Time of requests to services' APIs.",
    ["service"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
UPSTREAM_ERROR_KINDS = (
    *("unauthorized", "rate_limited", "client_error", "server_error"),
    *("timeout", "unreachable", "no_answer"),
)
UPSTREAM_ERRORS = Counter(
    "patchbay_upstream_errors", "Requests to services' APIs that failed.", ["service", "kind"]
)
LIMITS_HIT = Counter("patchbay_limits_hit", "Requests refused because a limit was reached.", ["kind"])
MAILS = Counter("patchbay_mails", "Emails by outcome: sent, retried or failed.", ["outcome"])
APPROVALS_DECIDED = Counter(
    "patchbay_approvals_decided", "Approvals by decision: approved, rejected or expired.", ["decision"]
)
SIGN_INS_FAILED = Counter("patchbay_sign_ins_failed", "Failed sign-ins of people by method.", ["how"])
UNAVAILABLE = Counter("patchbay_unavailable", "Requests answered 503 by cause.", ["cause"])
UNHANDLED_ERRORS = Counter("patchbay_unhandled_errors", "Requests and tool calls that ended in a defect.")
_POOL_IN_USE = Gauge(
    "patchbay_db_pool_in_use",
    "Database connections in use, of all processes.",
    ["pool"],
    multiprocess_mode="livesum",
)
_POOL_LIMIT = Gauge(
    "patchbay_db_pool_limit",
    "Database connections that may be in use, of all processes.",
    ["pool"],
    multiprocess_mode="livesum",
)
CALLS_RUNNING = Gauge("patchbay_calls_running", "Tool calls that hold a permit.", multiprocess_mode="livesum")
CALLS_WAITING = Gauge(
    "patchbay_calls_waiting", "Tool calls that wait for a permit.", multiprocess_mode="livesum"
)
MAILS_WAITING = Gauge(
    "patchbay_mails_waiting", "Emails that wait in memory for the mail server.", multiprocess_mode="livesum"
)

Sampler = Callable[[], None]
Collect = Callable[[], Iterable[Metric]]
_SAMPLE_SECONDS = 2.0
_FRESH_SECONDS = 5.0
# By the name of whatever registers them: an application that is built again replaces its own.
_samplers: dict[str, Sampler] = {}
_collectors: dict[str, "_CachedCollector"] = {}


def start_at_zero(services: Iterable[str], outcomes: Iterable[str]) -> None:
    """Create the series that alerts compare: `increase()` does not see the first value of a new one."""
    for service in (*services, "custom"):
        UPSTREAM_SECONDS.labels(service)
        for outcome in outcomes:
            REFRESHES.labels(service, outcome)
        for kind in UPSTREAM_ERROR_KINDS:
            UPSTREAM_ERRORS.labels(service, kind)
    for counter, values in (
        (LIMITS_HIT, ("calls_per_minute", "calls_per_day", "concurrent_calls", "address")),
        (MAILS, ("sent", "retried", "failed")),
        (APPROVALS_DECIDED, ("approved", "rejected", "expired")),
        (SIGN_INS_FAILED, ("password", "code")),
        (UNAVAILABLE, ("pool", "database", "other")),
    ):
        for each in values:
            counter.labels(each)


def add_sampler(name: str, sample: Sampler) -> None:
    """Register what sets gauges of this process. It runs often: it must not wait for anything."""
    _samplers[name] = sample


def add_collector(name: str, collect: Collect) -> None:
    """Register what reads gauges from the database, with a query or two. If it raises, they are left out."""
    _collectors[name] = _CachedCollector(name, collect)


def exposition() -> bytes:
    """The metrics of all processes of this host as Prometheus text."""
    sample()
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY) + _from_collectors()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + _from_collectors()


def sample() -> None:
    """Run every sampler once."""
    for name, run in list(_samplers.items()):
        try:
            run()
        except Exception:  # the edge: a gauge is not worth a failed scrape
            log.debug("the gauges of %s could not be set", name, exc_info=True)


def start_sampling() -> None:
    """Sample in a thread of its own. Call it once per web process: another process answers the scrape."""
    threading.Thread(target=_sample_for_ever, name="metrics", daemon=True).start()


def count_unavailable(error: BaseException) -> None:
    """Count a request that is answered 503."""
    causes = {"TimeoutError": "pool", "OperationalError": "database", "DBAPIError": "database"}
    UNAVAILABLE.labels(causes.get(type(error.__cause__).__name__, "other")).inc()


def _sample_for_ever() -> None:
    pause = threading.Event()
    while True:
        sample()
        pause.wait(_SAMPLE_SECONDS)


def _from_collectors() -> bytes:
    registry = CollectorRegistry()
    for collector in list(_collectors.values()):
        registry.register(collector)
    return generate_latest(registry)


class _CachedCollector(Collector):
    """A collector whose answer is used for a few seconds, so that scraping cannot load the database."""

    def __init__(self, name: str, collect: Collect) -> None:
        self._name, self._collect = name, collect
        self._found: list[Metric] = []
        self._fresh_until = 0.0
        self._lock = threading.Lock()

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics, or none while the database does not answer."""
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                try:
                    self._found = list(self._collect())
                except Exception:  # the edge: what cannot be read is left out, the rest is served
                    log.debug("the gauges of %s could not be read", self._name, exc_info=True)
                    self._found = []
                self._fresh_until = time.monotonic() + _FRESH_SECONDS
            return iter(self._found)


def _sample_pools() -> None:
    bound = database.current()
    pools = {"main": bound.engine.pool, "raw": bound._raw_engine.pool}
    if pools["main"] is pools["raw"]:
        del pools["raw"]
    for name, pool in pools.items():
        limit = pool.size() + pool._max_overflow  # type: ignore[attr-defined]
        _POOL_IN_USE.labels(name).set(pool.checkedout())  # type: ignore[attr-defined]
        _POOL_LIMIT.labels(name).set(limit)


add_sampler("pools", _sample_pools)
