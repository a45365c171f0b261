"""What `make chaos` does to a running installation. Each fault ends by itself, and names what it did."""

import contextlib
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bench import chaos_load, house
from bench.chaos_server_faults import SERVER_FAULTS, change, hang, rotate

_HOLD_SECONDS = 3.0
_FLOOD = 64
_BACKGROUND_THREADS = 3  # at least so many has a worker that serves; one that starts has none
_START_SECONDS = 300


class Installation(Protocol):
    """What a fault needs of the running installation."""

    url: str
    target: chaos_load.Target
    answers: chaos_load.Answers

    def pids(self) -> list[int]:
        """The masters' process ids."""

    def restart(self, number: int) -> None:
        """Start an instance that has ended again, and wait until it is ready."""

    def end(self, number: int, sign: signal.Signals) -> None:
        """End an instance with its workers."""


def workers_of(master: int) -> list[int]:
    """Return the process ids of a master's workers."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
    return []


def _serves(worker: int) -> bool:
    with contextlib.suppress(OSError):
        return len(list(Path(f"/proc/{worker}/task").iterdir())) > _BACKGROUND_THREADS
    return False


def wait_for_workers(master: int) -> list[int]:
    """Return the process ids of a master's workers once all of them serve. They start one by one."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        serving = [worker for worker in workers_of(master) if _serves(worker)]
        if len(serving) == house.WORKERS:
            return serving
        time.sleep(0.1)
    raise SystemExit("the workers did not start")


def kill_workers(installation: Installation) -> str:
    """kill -9 one worker of each instance while the other serves; the master starts another."""
    for first, *_others in [wait_for_workers(master) for master in installation.pids()]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
    time.sleep(1)
    return "kill -9 of a worker"


def kill_instance(installation: Installation) -> str:
    """kill -9 a whole instance, and start it again."""
    installation.end(1, signal.SIGKILL)
    installation.restart(1)
    return "kill -9 of an instance"


def roll(installation: Installation) -> str:
    """Stop and start one instance after the other, as a deploy does."""
    for number in range(len(installation.target.ports)):
        installation.end(number, signal.SIGTERM)
        installation.restart(number)
    return "rolling restart"


def flood(installation: Installation) -> str:
    """Many more callers at once."""
    with chaos_load.Load(installation.target, _FLOOD, installation.answers):
        time.sleep(_HOLD_SECONDS)
    return "flood of 64 callers"


def lock_sqlite(installation: Installation) -> str:
    """Another program holds the file."""
    path = installation.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as program:
        program.execute("BEGIN IMMEDIATE")
        time.sleep(_HOLD_SECONDS)
        program.rollback()
    return "locked file"


def fill_disk(installation: Installation) -> str:
    """No process of the product can write to any file."""
    pids = [pid for master in installation.pids() for pid in (master, *workers_of(master))]
    before = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            before[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    time.sleep(_HOLD_SECONDS)
    for pid, limits in before.items():
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    return "full disk"


def lock_table(installation: Installation) -> str:
    """Another program holds a table that every call writes to."""
    with psycopg.connect(installation.url) as program:
        program.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        time.sleep(_HOLD_SECONDS)
        program.rollback()
    return "locked table"


def end_backends(installation: Installation) -> str:
    """What a restart of the server does to everybody, for two seconds."""
    with psycopg.connect(installation.url, autocommit=True) as admin:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(0.2)
    return "database restart"


Fault = Callable[[Any], str]
# Those of servers come first: what a kill ends for good says nothing about them. Kills come before what keeps
# rows waiting in memory: a process that is killed with them loses them.
FAULTS: dict[str, tuple[Fault, ...]] = {
    "sqlite": (*SERVER_FAULTS, kill_workers, kill_instance, roll, lock_sqlite, fill_disk, flood),
    "postgres": (*SERVER_FAULTS, kill_workers, kill_instance, roll, lock_table, end_backends, flood),
}
SHORT = {hang, rotate, change, kill_workers, lock_sqlite, lock_table, kill_instance}
