"""What is logged and counted of the requests to a service's API."""

import logging
from collections.abc import Mapping

from app import logs, metrics
from app.connectors.api_rules import ApiRules
from app.outbound import OutboundError, OutboundTimeout

log = logging.getLogger("app.connectors.api")


def count(rules: ApiRules, status: int | None, error: BaseException | None, seconds: float) -> None:
    """Count one request that was sent: `status` of its answer, or the error instead."""
    metrics.UPSTREAM_SECONDS.labels(rules.metrics_name).observe(seconds)
    if (kind := _kind_of_failure(status, error)) is not None:
        metrics.UPSTREAM_ERRORS.labels(rules.metrics_name, kind).inc()


def _kind_of_failure(status: int | None, error: BaseException | None) -> str | None:
    if isinstance(error, OutboundTimeout):
        return "timeout"
    if isinstance(error, OutboundError):
        return "unreachable" if not error.sent else "no_answer"
    if status is None or status < 400:
        return None
    named = {401: "unauthorized", 429: "rate_limited"}
    return named.get(status, "server_error" if status >= 500 else "client_error")


def refreshed(about: Mapping[str, str]) -> None:
    """The 401 led to a new token."""
    _note(logging.INFO, "Token refresh successful - retrying original request", about)


def retry_succeeded(about: Mapping[str, str]) -> None:
    """The service took the new token."""
    _note(logging.INFO, "Retry request successful after token refresh", about)


def refresh_failed(about: Mapping[str, str], reason: str) -> None:
    """The 401 stands: no new token came, or the service rejects that one too."""
    _note(logging.INFO, "Automatic refresh failed - returning 401 error", about, reason)


def _note(level: int, sentence: str, about: Mapping[str, str], reason: str = "") -> None:
    """Nothing for a request that belongs to no connection: its token has no successor."""
    if about:
        logs.event(log, level, sentence, **about, reason=reason)
