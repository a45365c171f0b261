"""The lines the product logs, as an operator reads them, and the metrics, as Prometheus reads them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import limit_log, logs, metrics
from tests.mcp_client.closing import closed_later  # noqa: F401
from tests.support.mcp_client import client_of, token_for  # noqa: F401
from tests.vault.conftest import add_server, connect, environ, fill_in, provider  # noqa: F401


class Log:
    """What the product's own handler wrote, in JSON at first."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

        self.use("json")

    def use(self, log_format: str) -> None:
        """Write in that format from now on."""
        logs.configure(log_format, "DEBUG")
        [handler] = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def named(self, beginning: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["message"].startswith(beginning)]

    def one(self, beginning: str) -> dict[str, Any]:
        [entry] = self.named(beginning)
        return entry


@pytest.fixture
def log(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Everything the application logs from now on, at DEBUG."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr(limit_log, "_last", {})
    yield Log()
    root.handlers[:], root.level = before


Values = Callable[..., float]


@pytest.fixture
def value(app: Any) -> Values:
    """`value("patchbay_refreshes_total", service="strict")` is the sum of the samples that match, as scraped
    now. Counters are compared with what they were before: other tests have moved them.
    """

    def _value(name: str, **labels: str) -> float:
        for collector in metrics._collectors.values():
            collector._fresh_until = 0.0
        answer = app.test_client().get("/metrics")
        assert answer.status_code == 200
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    return _value
