"""The counters of tool calls in /metrics, per tool and outcome. They name no person and no workspace."""

import functools

from prometheus_client import Counter, Histogram

from app.connectors.services import services_of
from app.usage.models import Call

_CALLS = Counter("patchbay_tool_calls", "Tool calls by tool and outcome.", ["tool", "outcome"])
_SECONDS = Histogram(
    "patchbay_tool_call_seconds",
    "Total time of tool calls.",
    ["slug"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_OWN_SECONDS = Histogram(
    "patchbay_tool_call_own_seconds",
    "Time of tool calls spent outside the service.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1),
)


# One of a pair of labels is found by a lock and a look-up in each of Prometheus' own; they are few.
_calls_of = functools.cache(_CALLS.labels)
_seconds_of = functools.cache(_SECONDS.labels)


def count(call: Call) -> None:
    """Count one finished call."""
    # Services that workspaces brought share one name, so that the number of series is bounded.
    is_custom = bool(call.slug) and services_of(None).find(call.slug) is None
    tool, slug = ("custom", "custom") if is_custom else (call.tool, call.slug or "hub")
    _calls_of(tool, call.outcome).inc()
    _seconds_of(slug).observe(call.total_ms / 1000)
    _OWN_SECONDS.observe(max(0.0, call.total_ms - call.upstream_ms) / 1000)
