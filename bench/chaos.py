"""`make chaos`: two instances under load while things break, on loopback only; then a table of what held.

Options: --minutes N (of faults on each database, default 2; each fault happens at least once), --database
sqlite|postgres, --short (three faults, once). On PostgreSQL the
clock of the second instance is two hours behind. Status 1 if a promise did not hold.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from app.config import THREADS_IN_ALL
from bench import chaos_checks, chaos_server_checks, house
from bench.chaos_checks import Promise
from bench.chaos_faults import FAULTS, SHORT, Fault
from bench.chaos_load import Answers, Load, Target, call
from bench.chaos_server_faults import ServersSeen
from bench.chaos_upstream import Drifter
from bench.house import ROOT

_CALLERS = 8
_PAUSE_SECONDS = 1.0
_OFF_SECONDS = -7_200
_START_SECONDS = 300


class House:
    """Two instances over one database, with the imitated services beside them."""

    def __init__(self, kind: str, url: str, folder: Path) -> None:
        self.kind, self.url, self.folder = kind, url, folder
        self.sandbox_port = house.free_port()
        ports = (house.free_port(), house.free_port())
        self.environ = {
            **house.product_environ(ports[0], url, self.sandbox_port),
            "PUBLIC_URL": f"http://localhost:{ports[0]}",
            "INSTANCE_DIR": str(folder),
            "HOST_CLOCK_OFF": str(_OFF_SECONDS),
            "WEB_THREADS": "16",
            "LOG_LEVEL": "ERROR",
            "MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1,localhost",
        }
        self.drifter, self.servers = Drifter(), ServersSeen()
        self._run("alembic", "upgrade", "head")
        self.sandbox_state = folder / "sandbox.db"
        self._sandbox = subprocess.Popen(
            [
                *(sys.executable, "-m", "app.sandbox", "--port", str(self.sandbox_port)),
                *("--state", str(self.sandbox_state)),
            ],
            cwd=ROOT,
            env=self.environ,
            stderr=subprocess.DEVNULL,
        )
        house.wait_for(self.sandbox_port, "/_ready", _START_SECONDS)
        tokens = json.loads(self._run("bench.seed", "--connect", "freshbooks").splitlines()[-1])
        self._run("bench.chaos_added", f"{self.drifter.url}/mcp")
        with chaos_checks.open_database(url) as db:
            db.execute(text("UPDATE connections SET permission = 'write'"))
            db.commit()
        self.target = Target(ports, f"localhost:{ports[0]}", (tokens["token"], tokens["other"]))
        self.answers = Answers()
        self._instances: dict[int, subprocess.Popen[bytes]] = {}
        for number in range(len(ports)):
            self._start(number)
        for port in ports:
            house.wait_for(port, "/ready", _START_SECONDS)

    def _run(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def _start(self, number: int) -> None:
        behind = number == 1 and self.kind == "postgres"
        app = "bench.wrong_clock:app" if behind else "wsgi:app"
        command = house.gunicorn(app, self.target.ports[number], THREADS_IN_ALL * 16)
        self._instances[number] = subprocess.Popen(
            [*command, "--graceful-timeout", "5"],
            cwd=ROOT,
            env=self.environ,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def workspaces(self) -> int:
        """How many workspaces added the servers."""
        return len(self.target.tokens)

    def reconnect(self) -> None:
        """The workspaces' people press Reconnect at Drifter."""
        self._run("bench.chaos_added", "--reconnect")

    def pids(self) -> list[int]:
        """The masters' process ids."""
        return [instance.pid for instance in self._instances.values()]

    def restart(self, number: int) -> None:
        """Start an instance that has ended again, and wait until it is ready."""
        self.answers.starting = True
        self._start(number)
        house.wait_for(self.target.ports[number], "/ready", _START_SECONDS)
        self.answers.starting, self.answers.started_at = False, time.monotonic()

    def end(self, number: int, sign: signal.Signals) -> None:
        """End an instance with its workers. They are a process group of their own."""
        instance = self._instances[number]
        with contextlib.suppress(ProcessLookupError):
            if sign == signal.SIGKILL:
                os.killpg(instance.pid, sign)
            else:
                instance.send_signal(sign)
        try:
            instance.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(instance.pid, signal.SIGKILL)
            instance.wait()

    def expire(self) -> int:
        """Let the access tokens of the service expire. Returns how many did."""
        address = f"http://127.0.0.1:{self.sandbox_port}/_levers/freshbooks/expire"
        request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(json.load(answer)["expired"])

    def close(self) -> None:
        """End everything that was started."""
        for number in self._instances:
            self.end(number, signal.SIGTERM)
        self._sandbox.terminate()
        self._sandbox.wait(60)
        self.drifter.close()


@contextlib.contextmanager
def running(kind: str) -> Iterator[House]:
    """An installation on an empty database of that kind, removed afterwards."""
    with house.databases(kind) as url, tempfile.TemporaryDirectory(prefix="patchbay-chaos-") as folder:
        installation = House(kind, url, Path(folder))
        try:
            yield installation
        finally:
            installation.close()


def storm(
    installation: House, faults: tuple[Fault, ...], seconds: float
) -> tuple[list[Promise], Counter[str]]:
    """Load and faults for that long, each fault at least once; then what must hold."""
    done, expiries = Counter[str](), 0
    with chaos_checks.open_database(installation.url) as db:
        before = chaos_checks.usage_rows(db)
    with Load(installation.target, _CALLERS, installation.answers) as answers:
        _wait_for_a_write(answers)  # the faults may end both connections
        until, number = time.monotonic() + seconds, 0
        while number < len(faults) or time.monotonic() < until:
            expiries += installation.expire()
            done[faults[number % len(faults)](installation)] += 1
            number += 1
            time.sleep(_PAUSE_SECONDS)
        ended = time.monotonic()
    healed = chaos_server_checks.healed(installation.target, answers, ended)
    for port in installation.target.ports:  # a claim of a killed process is taken over by the next call
        for token in installation.target.tokens:
            call(installation.target, port, token, "freshbooks_list_clients", {}, answers)
    kills = sum(times for name, times in done.items() if "kill" in name or "restart" in name)
    with chaos_checks.open_database(installation.url) as db:
        promises = [
            chaos_checks.writes(answers, installation.sandbox_state),
            chaos_checks.rows(answers, db, before),
            chaos_checks.audit(installation.environ),
            *chaos_checks.connections(db),
            chaos_checks.refreshes(installation.sandbox_port, expiries, kills * 2),
            _answers(answers),
            *chaos_server_checks.promises(answers, installation.drifter, installation.servers, kills * 2),
            healed,
        ]
    return promises, done


def _wait_for_a_write(answers: Answers) -> None:
    end = time.monotonic() + _START_SECONDS
    while not answers.written and time.monotonic() < end:
        time.sleep(0.05)


def _answers(answers: Answers) -> Promise:
    """Nobody got an HTTP 500, hung, or was refused without being told when to come back."""
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(answers.outcomes.items()))
    figure = f"{counts}; slowest {answers.slowest:.1f} s"
    if answers.problems:
        figure += f"; {len(answers.problems)} wrong: {answers.problems[0]}"
    return Promise("every caller is answered or told when to come back", figure, not answers.problems)


def main() -> None:
    """Run, print the table, and exit with status 1 if a promise did not hold."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--database", choices=tuple(FAULTS), action="append")
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    held = True
    for kind in given.database or tuple(FAULTS):
        faults = tuple(fault for fault in FAULTS[kind] if fault in SHORT or not given.short)
        with running(kind) as installation:
            promises, done = storm(installation, faults, 0 if given.short else given.minutes * 60)
        print(f"\n{kind}: " + ", ".join(f"{times} × {name}" for name, times in done.items()))
        print("| What must hold | Measured | |\n|---|---|---|")
        for promise in promises:
            held = held and promise.held
            verdict = "held" if promise.held else "BROKEN"
            print(f"| {promise.name} | {promise.figure} | {verdict} |", flush=True)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
