"""The yardsticks answer as many bytes as we do, and a short run of the bench ends well."""

import os
import subprocess
import sys

import pytest

from bench import house, messages
from tests.support.databases import ROOT

BYTES = 3_001


def test_the_bare_route_answers_so_many_bytes():
    answer = "yardsticks.bare.test_client().post('/json', json={'id': 1})"
    program = f"from bench import yardsticks; print(len({answer}.data))"
    environ = {**os.environ, "BENCH_ANSWER_BYTES": str(BYTES)}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, check=True
    )
    assert int(ran.stdout) == BYTES


@pytest.mark.slow
def test_the_sdks_server_answers_so_many_bytes():
    with house.sdk_server(BYTES) as (port, _):
        body = messages.once(port, messages.call("ping", {}, port, None))
    assert BYTES - 1 <= len(body) <= BYTES


@pytest.mark.slow
@pytest.mark.needs_wrk
@pytest.mark.timeout(600)
def test_a_short_run_reports_every_figure():
    """The part that uses most of the bench: all services, cookies, tokens that follow each other."""
    parts = ["--only", "pages", "--only", "statements"]
    options = [*parts, "--database", "sqlite", "--seconds", "2", "--rounds", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, text=True, timeout=580
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [line.strip() for line in ran.stdout.splitlines()]
    # each with 1 and 16 connections (a refresh with 1), and its statements
    for subject, count in {"GET /integrations": 3, "GET /usage": 3, "POST /oauth/token": 2}.items():
        assert sum(line.startswith(subject) for line in lines) == count, ran.stdout
    assert sum("statements" in line and "commits" in line for line in lines) == 6, ran.stdout
