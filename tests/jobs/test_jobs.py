"""Jobs run in the web processes, one process at a time, and go on after a kill, a failure or a long run."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from app import background, clock, database
from app.approvals.models import Approval
from app.errors import ProviderUnavailable
from app.jobs import leases, runner
from app.jobs.leases import PeriodicJob
from app.jobs.models import JobState
from app.jobs.runner import JobRunner
from tests.conftest import both_databases, live_environment
from tests.support.databases import ROOT
from tests.support.product import run_product
from tests.support.waiting import AT_MOST_SECONDS, until

MINUTE = timedelta(minutes=1)


def row(name):
    with database.reading() as db:
        return db.get(JobState, name)


@pytest.fixture
def ran():
    return []


@pytest.fixture
def job(app, ran):
    return PeriodicJob("sweep", MINUTE, lambda: ran.append(1) or len(ran))


def test_every_job_that_must_happen_is_one_of_the_product(app):
    jobs = background.jobs(app.extensions["patchbay"], app.extensions["mailer"])
    names = {each.name for each in jobs}
    assert len(names) == len(jobs)
    assert names >= {
        *("connections keepalive", "token revocations", "usage rollup", "usage retention"),
        *("notifications", "reminders", "expired approvals", "expired sessions and codes", "webhook log"),
        *("removed MCP servers", "MCP tool lists"),
    }
    for each in jobs:
        runner.run_now(each)
        assert row(each.name).succeeded_at is not None and row(each.name).error == "", each.name


@both_databases
def test_of_many_processes_one_runs_a_job_per_period(job, ran, database_kind):
    for period in range(1, 4):
        start = threading.Barrier(6)

        def look(start=start):
            start.wait()
            runner.run_if_due(job)

        crew = [threading.Thread(target=look) for _ in range(6)]
        for each in crew:
            each.start()
        for each in crew:
            each.join()
        assert len(ran) == period
        clock.shift(MINUTE)


@both_databases
def test_a_job_that_runs_is_not_run_by_another_and_is_taken_over_after_a_kill(
    job, ran, monkeypatch, database_kind
):
    held = leases.claim(job)
    assert held is not None and leases.claim(job, at_once=True) is None
    assert leases.due([job]) == []
    with database.transaction() as db:  # its holder was killed, and the lease passed
        db.get(JobState, job.name).claimed_until = database.current().now(db) - timedelta(seconds=1)
    assert runner.run_if_due(job) == 1
    leases.succeed(held, 9_999.0)  # the first holder was only slow: it overwrites nothing
    assert row(job.name).seconds < 9_999.0


def test_a_lease_is_renewed_for_as_long_as_the_job_runs(job, monkeypatch):
    monkeypatch.setattr(leases, "_RENEW_SECONDS", 0.01)
    held = leases.claim(job)
    before = row(job.name).claimed_until
    with leases.renewing(held):
        until(lambda: row(job.name).claimed_until > before)


def test_a_failing_job_is_logged_once_waits_longer_each_time_and_stops_no_other(app, ran, caplog):
    def fail():
        raise ProviderUnavailable("Xero is unavailable.")

    broken, other = (
        PeriodicJob("broken", MINUTE, fail),
        PeriodicJob("other", MINUTE, lambda: ran.append(1) or 1),
    )
    pauses = []
    caplog.set_level(logging.INFO)
    for _ in range(5):
        runner.run_if_due(broken)
        pauses.append(row("broken").next_at - clock.now())
        runner.run_if_due(other)
        clock.shift(pauses[-1] + timedelta(seconds=61))
    assert row("broken").failures == 5 and row("broken").error == "Xero is unavailable."
    assert len(ran) == 5
    assert pauses[0] <= timedelta(seconds=31) < pauses[2] < pauses[4] <= timedelta(minutes=5)
    assert caplog.text.count("the job broken failed") == 1
    assert runner.run_now(broken, lambda: 7) == 7
    assert row("broken").failures == 0 and row("broken").error == ""
    assert "the job broken works again after 5 failures" in caplog.text


def test_an_unexpected_failure_is_a_sentence_without_its_data(app, caplog):
    def fail():
        raise KeyError("hidden-token")

    runner.run_if_due(PeriodicJob("broken", MINUTE, fail))
    assert "hidden" not in row("broken").error and "KeyError" in row("broken").error
    assert "Traceback" in caplog.text, "the log says where"


def test_a_long_job_delays_no_short_one(app, ran):
    over, short = threading.Event(), threading.Event()
    jobs = [
        PeriodicJob("long", MINUTE, lambda: over.wait(AT_MOST_SECONDS) or 1),
        PeriodicJob("short", MINUTE, lambda: short.set() or 1),
    ]
    crew = JobRunner(jobs)
    leases.register(jobs)
    clock.shift(MINUTE)
    threads = crew.look()
    try:
        assert short.wait(AT_MOST_SECONDS) and not over.is_set()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert row("long").succeeded_at is not None


def test_a_moment_of_a_wrong_clock_does_not_stop_a_job(job, ran):
    runner.run_if_due(job)
    with database.transaction() as db:
        state = db.get(JobState, job.name)
        state.next_at = clock.now() + timedelta(days=300)
        state.claimed_until = clock.now() + timedelta(days=300)
    assert runner.run_if_due(job) == 2


def test_a_job_of_another_release_is_forgotten_after_days(app, job):
    leases.register([job, PeriodicJob("old", MINUTE, lambda: 0)])
    leases.register([job])
    assert row("old") is not None, "the other release may still run it"
    clock.shift(timedelta(days=3))
    leases.register([job])
    assert row("old") is None and row("sweep") is not None


def test_the_health_page_shows_each_job_and_warns_of_what_is_overdue(app, people, sign_in, job):
    dana = sign_in(people.dana)
    assert "Not running" in dana.get("/admin/health").text

    def fail():
        raise ProviderUnavailable("Xero is unavailable.")

    broken = PeriodicJob("broken", MINUTE, fail)
    leases.register([job, broken])
    runner.run_now(job)
    page = dana.get("/admin/health").text
    assert "Sweep" in page and "2 jobs, listed below" in page
    runner.run_if_due(broken) or runner.run_if_due(broken)
    clock.shift(MINUTE)
    runner.run_if_due(broken)
    assert "broken: Xero is unavailable." in dana.get("/admin/health").text
    clock.shift(timedelta(hours=1))
    page = dana.get("/admin/health").text
    assert re.search(r"Overdue</span>", page) and "The web processes run them" in page


def test_a_command_runs_the_same_job_and_records_it(app, people):
    for words, name in (
        (["connections", "keepalive"], "connections keepalive"),
        (["usage", "rollup"], "usage rollup"),
        (["notifications", "send"], "notifications"),
    ):
        before = clock.now()
        assert app.test_cli_runner().invoke(args=words).exit_code == 0
        assert row(name).succeeded_at >= before, words


def test_expired_approvals_end_although_nobody_looks(app, people):
    at = clock.now()
    with database.transaction() as db:
        db.add(
            Approval(
                id="apr_1",
                workspace_id=people.northwind.id,
                user_id=people.alice.id,
                grant_id="grt_1",
                connection_id="con_1",
                slug="xero",
                service="Xero",
                account="Demo",
                tool="create_invoice",
                title="Create invoice",
                arguments_sealed="",
                idempotency_key="k",
                until=at + MINUTE,
                created_at=at,
            )
        )
    clock.shift(2 * MINUTE)
    [job] = [each for each in background.jobs(app.extensions["patchbay"], None) if "approvals" in each.name]
    assert runner.run_now(job) == 1
    with database.reading() as db:
        assert db.get(Approval, "apr_1").state == "expired"


HOLD = """
import sys, time
from app.factory import create_app
from app.jobs import runner
from app.jobs.leases import PeriodicJob
from datetime import timedelta
create_app()
def work():
    print("working", flush=True)
    time.sleep(600)
    return 1
runner.run_if_due(PeriodicJob("sweep", timedelta(minutes=1), work))
"""


@both_databases
def test_a_killed_process_loses_its_job_to_another(app, job, ran, environ, monkeypatch, database_kind):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env=live_environment(**environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "working\n"
    assert leases.due([job]) == [] and runner.run_if_due(job) == 0, "it is running"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with database.transaction() as db:  # the lease's minute, without waiting for it
        state = db.get(JobState, job.name)
        assert timedelta(seconds=40) < state.claimed_until - database.current().now(db) <= leases.LEASE
        state.claimed_until -= leases.LEASE
    clock.shift(MINUTE)
    assert runner.run_if_due(job) == 1


@pytest.mark.slow
def test_the_running_product_runs_its_jobs_without_cron(tmp_path):
    with run_product(tmp_path / "instance", SANDBOX="0", SANDBOX_URL="") as product:
        bound = database.bind(f"sqlite:///{product.instance / 'patchbay.db'}")

        def names(**having):
            with bound.reading() as db:
                states = leases.list_states(db)
            return {state.name for state in states if not having or state.succeeded_at}

        until(names)
        with bound.transaction() as db:  # all are due now, not at some moment of the first half minute
            db.execute(update(JobState).values(next_at=clock.now()))
        until(lambda: names(succeeded=True) == names())
        assert len(names()) >= 8
        bound.close()
