"""What /metrics counts, brought about by what really happens."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from app import clock, database, mail, metrics
from app.approvals.models import Approval
from app.connectors.services import services_of
from app.errors import ProviderUnavailable, ReconnectNeeded, ToolError, TooManyRequests
from app.jobs import runner
from app.jobs.leases import PeriodicJob
from app.jobs.models import JobState
from app.mcp_server.calls.concurrency import FairSemaphore
from app.usage import ledger
from app.usage.models import Call
from app.usage.tiers import Limits
from app.vault import access
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.support.catalogue import sourced_from
from tests.support.product import free_port
from tests.support.statements import statements  # noqa: F401
from tests.support.waiting import AT_MOST_SECONDS, until
from tests.vault.conftest import expire
from tests.vault.provider import cut, status


@pytest.fixture
def change(value):
    """`by = change("…_total", label="x")`, and later `by() == 1`: how much a counter has moved since."""

    def _change(name, **labels):
        before = value(name, **labels)
        return lambda: value(name, **labels) - before

    return _change


def refresh(settings, connection):
    expire(connection)
    with database.transaction() as db:
        db.get(Credential, connection.id).cooldown_until = None
    TokenVault(settings, connection).bearer()


def test_refreshes_are_counted_by_service_and_outcome(connect, provider, settings, change):
    connection = connect()
    outcomes = ("success", "unreachable", "refused", "misconfigured", "ended")
    by = {each: change("patchbay_refreshes_total", service="strict", outcome=each) for each in outcomes}
    refresh(settings, connection)
    for fault in (
        status(503),
        status(400, {"error": "invalid_request"}, "application/json"),
        status(401, {"error": "invalid_client"}, "application/json"),
    ):
        provider.faults = [fault]
        with pytest.raises(ProviderUnavailable):
            refresh(settings, connection)
    provider.refresh.clear()
    with pytest.raises(ReconnectNeeded):
        refresh(settings, connection)
    assert {each: by[each]() for each in outcomes} == dict.fromkeys(outcomes, 1)


FAULTS = {
    "server_error": status(500),
    "rate_limited": status(429, b"", "application/json", Retry_After="900"),
    "client_error": status(404),
    "no_answer": cut,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_requests_to_a_service_are_timed_and_its_errors_counted(connect, provider, settings, change, kind):
    api = access.open_api(settings, connect())
    errors = change("patchbay_upstream_errors_total", service="strict", kind=kind)
    requests = change("patchbay_upstream_seconds_count", service="strict")
    provider.api_faults = [FAULTS[kind]] * 3
    with pytest.raises(ToolError):
        api.request("GET", "/me")
    assert (errors(), requests()) == (1, 1)


def test_a_401_and_a_service_nobody_listens_at_are_errors_too(connect, provider, settings, change):
    api = access.open_api(settings, connect())
    provider.forget_access_tokens()
    unauthorized = change("patchbay_upstream_errors_total", service="strict", kind="unauthorized")
    api.get("/me")
    assert unauthorized() == 1
    unreachable = change("patchbay_upstream_errors_total", service="strict", kind="unreachable")
    api.base_url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ToolError):
        api.request("GET", "/me")
    assert unreachable() == 1


def test_a_limit_is_counted_each_time_and_logged_once_per_window(app, people, change, log, early):
    by = change("patchbay_limits_hit_total", kind="calls_per_minute")
    limits = Limits(per_minute=2, per_day=None)
    for n in range(7):
        try:
            ledger.admit(people.northwind.id, limits)
        except TooManyRequests:
            assert n >= 2
    assert by() == 5
    line = log.one("Limit reached")
    assert (line["kind"], line["workspace"], line["level"]) == (
        "calls_per_minute",
        people.northwind.id,
        "INFO",
    )
    clock.shift(timedelta(minutes=1))
    for _ in range(4):
        try:
            ledger.admit(people.northwind.id, limits)
        except TooManyRequests:
            pass
    assert len(log.named("Limit reached")) == 2


def test_each_workspace_has_its_own_line(app, people, log, early):
    for workspace in (people.northwind, people.contoso):
        with pytest.raises(TooManyRequests):
            ledger.admit(workspace.id, Limits(per_minute=0, per_day=None))
    assert [each["workspace"] for each in log.named("Limit reached")] == [
        people.northwind.id,
        people.contoso.id,
    ]


def test_calls_under_way_and_waiting_are_gauges(app, value, change, log):
    permits = FairSemaphore(4, 2, patience_seconds=AT_MOST_SECONDS)
    metrics.add_sampler("calls", permits.sample)
    by = change("patchbay_limits_hit_total", kind="concurrent_calls")
    with ExitStack() as held:
        held.enter_context(permits.acquire("wsp", "a"))
        held.enter_context(permits.acquire("wsp", "b"))
        ended = []

        def wait():
            with pytest.raises(TooManyRequests), permits.acquire("wsp", "c", is_gone=lambda: leave.is_set()):
                pass
            ended.append(True)

        leave = threading.Event()
        waiting = threading.Thread(target=wait)
        waiting.start()
        until(lambda: value("patchbay_calls_waiting"))
        assert (value("patchbay_calls_running"), value("patchbay_calls_waiting")) == (2, 1)
        leave.set()
        waiting.join()
    assert (value("patchbay_calls_running"), value("patchbay_calls_waiting")) == (0, 0)
    assert ended and by() == 1 and log.one("Limit reached")["kind"] == "concurrent_calls"


def test_the_pool_is_a_gauge(app, value):
    idle = value("patchbay_db_pool_in_use", pool="main")
    with database.reading() as db:
        db.connection()
        assert value("patchbay_db_pool_in_use", pool="main") == idle + 1
    assert (
        value("patchbay_db_pool_in_use", pool="main") == idle < value("patchbay_db_pool_limit", pool="main")
    )


def test_connections_are_counted_by_service_and_state(connect, provider, settings, value):
    _working, suspended, ended = (connect(key=f"account-{n}") for n in range(3))
    with database.transaction() as db:
        for connection, try_again_at in ((suspended, clock.now()), (ended, None)):
            row = db.merge(connection)
            row.state, row.try_again_at = "reconnect_needed", try_again_at
    states = ("connected", "suspended", "reconnect_needed")
    assert [value("patchbay_connections", service="strict", state=each) for each in states] == [1, 1, 1]


def test_a_failed_sign_in_is_counted(app, people, visitor, change):
    by = change("patchbay_sign_ins_failed_total", how="password")
    visitor.get("/login")
    visitor.submit("/login", {"email": "alice@example.com", "password": "wrong-password-1"})
    assert by() == 1


def test_mail_is_counted_by_outcome(app, change):
    sent, failed, retried = (
        change("patchbay_mails_total", outcome=each) for each in ("sent", "failed", "retried")
    )
    app.extensions["mailer"].send("kim@example.com", "Hello", "Hello")
    assert (sent(), failed()) == (1, 0)
    away = mail.Mailer(f"smtp://127.0.0.1:{free_port()}", "hub@example.com", None, pauses=(0.01,))
    away.send("kim@example.com", "Hello", "Hello")
    away._delivery._pool.shutdown(wait=True)
    until(lambda: not away._delivery._paused)
    assert retried() == 1


def test_approvals_that_wait_are_gauges(app, people, value):
    at = clock.now()
    for n in range(2):
        with database.transaction() as db:
            db.add(
                Approval(
                    id=f"apr_{n}",
                    workspace_id=people.northwind.id,
                    user_id=people.alice.id,
                    grant_id="g",
                    connection_id="c",
                    slug="xero",
                    service="Xero",
                    account="A",
                    tool="t",
                    title="T",
                    arguments_sealed="",
                    idempotency_key=str(n),
                    until=at + timedelta(hours=1),
                    created_at=at - timedelta(hours=n),
                )
            )
    assert value("patchbay_approvals_waiting") == 2
    assert 3_600 <= value("patchbay_approvals_oldest_seconds") < 3_660


def test_a_background_job_that_does_not_run_is_a_gauge(app, value):
    job = PeriodicJob("sweep", timedelta(minutes=1), lambda: 1)
    runner.run_now(job)
    assert value("patchbay_job_overdue", task="sweep") == 0
    assert 0 <= value("patchbay_job_success_age_seconds", task="sweep") < 60
    with database.transaction() as db:
        db.get(JobState, "sweep").next_at = clock.now() - timedelta(hours=1)
    assert value("patchbay_job_overdue", task="sweep") == 1


def test_a_service_that_a_workspace_brought_has_no_series_of_its_own(
    connect, provider, people, settings, change, value
):
    """Whatever people call their services, the number of series does not grow."""
    own = replace(services_of(None).get("strict"), slug="mine", workspace_id=people.northwind.id, tools=())
    call = Call(
        at=clock.now(),
        workspace_id=people.northwind.id,
        user_id=people.alice.id,
        grant_id="g",
        client_name="c",
        tool="mine_anything",
        slug="mine",
        outcome="ok",
        total_ms=1.0,
    )
    by = change("patchbay_tool_calls_total", tool="custom", outcome="ok")
    with sourced_from(type("Source", (), {"connectors_of": lambda self, workspace_id: [own]})()):
        assert own.metrics_name == "custom"
        ledger.record(call)
    assert by() == 1
    assert value("patchbay_tool_calls_total", tool="mine_anything") == 0


def test_no_label_names_a_workspace_a_person_or_a_connection(connect, settings, people, app):
    connection = connect()
    refresh(settings, connection)
    access.open_api(settings, connection).get("/me")
    with pytest.raises(TooManyRequests):
        ledger.admit(people.northwind.id, Limits(per_minute=0, per_day=None))
    text = app.test_client().get("/metrics").text
    for secret in (people.northwind.id, people.alice.id, "alice@example.com", connection.id, "The Account"):
        assert secret not in text


def test_reading_the_gauges_costs_a_few_queries_and_none_again_at_once(
    app,
    statements,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setattr(metrics, "_FRESH_SECONDS", AT_MOST_SECONDS)
    client = app.test_client()
    for collector in metrics._collectors.values():
        collector._fresh_until = 0.0
    with statements() as first:
        client.get("/metrics")
    with statements() as second:
        client.get("/metrics")
    queries = [each for each in first if not each.startswith("BEGIN")]
    assert 0 < len(queries) <= len(metrics._collectors) and not second


def test_a_gauge_that_cannot_be_read_is_left_out(app, value, monkeypatch):
    def fail():
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(metrics, "_collectors", dict(metrics._collectors))
    metrics.add_collector("broken", fail)
    assert value("patchbay_database_up") == 1
