"""The short form of `make chaos`: kills and a lock under load, and everything that must hold."""

import subprocess
import sys

import pytest

from tests.support import databases, services

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(660)]


def test_what_must_hold_holds_after_kills_and_a_lock():
    kind = "postgres" if services.has_postgres() else "sqlite"
    ran = subprocess.run(
        [sys.executable, "-m", "bench.chaos", "--short", "--database", kind],
        cwd=databases.ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("| held |") == 13 and "BROKEN" not in ran.stdout
