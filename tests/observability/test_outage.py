"""The database is away: every answer says when to come back, and the log stays readable."""

import logging

import pytest

from app import clock, logs
from app.web import problems
from tests.support.product import free_port

REQUESTS = 40


@pytest.fixture
def environ(environ):
    """PostgreSQL where nobody listens: a real refusal from the driver."""
    return environ | {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none"}


@pytest.fixture
def quiet(log, monkeypatch):
    """The log at INFO, with no traceback written yet."""
    logging.getLogger().setLevel("INFO")
    monkeypatch.setattr(logs, "_traces", clock.Throttle(60))
    return log


def test_an_outage_is_one_line_per_request_and_one_traceback(app, quiet):
    client = app.test_client()
    for n in range(REQUESTS):
        answer = client.get("/oauth/authorize?client_id=x", headers={"X-Request-Id": f"r{n}"})
        assert answer.status_code == 503
    lines = quiet.named("Unavailable: ")
    assert [line["correlation_id"] for line in lines] == [f"r{n}" for n in range(REQUESTS)]
    assert all((line["reason"], line["status"]) == ("OperationalError", 503) for line in lines)
    assert sum("trace" in entry for entry in quiet.entries) == 1
    assert len(quiet.text) < REQUESTS * 1_000 + 20_000


def test_at_debug_every_failure_has_its_traceback(app, log):
    for _ in range(3):
        app.test_client().get("/oauth/authorize?client_id=x")
    assert [("trace" in line) for line in log.named("Unavailable: ")] == [True] * 3


def test_a_defect_of_ours_has_its_traceback_each_time(app, quiet):
    app.add_url_rule("/defect", view_func=lambda: 1 / 0)
    for _ in range(3):
        assert app.test_client().get("/defect").status_code == 500
    assert [("ZeroDivisionError" in line["trace"]) for line in quiet.named("unhandled error")] == [True] * 3


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ready", {}),
        ("/oauth/authorize?client_id=x", {}),
        ("/oauth/authorize?client_id=x", {"HX-Request": "true"}),
        ("/status", {"Authorization": "Bearer pbp_" + "x" * 43}),
    ],
    ids=["ready", "a page", "a fragment", "JSON"],
)
def test_a_503_says_when_to_come_back(app, quiet, path, headers):
    answer = app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(problems.RETRY_AFTER_SECONDS))


def test_an_ai_client_is_told_too(app, quiet):
    answer = app.test_client().post("/mcp", json={}, headers={"Authorization": "Bearer pbp_" + "x" * 43})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert quiet.one("answered 503: ")["reason"] == "OperationalError"


def test_liveness_does_not_depend_on_it(app):
    assert app.test_client().get("/health").status_code == 200


def test_metrics_are_served_without_it_and_count_it(app, value, quiet):
    before = value("patchbay_unavailable_total", cause="database")
    app.test_client().get("/oauth/authorize?client_id=x")
    assert value("patchbay_unavailable_total", cause="database") == before + 1
    assert value("patchbay_database_up") == 0
