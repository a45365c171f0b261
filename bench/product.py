"""The product on an empty database, under the same gunicorn as the yardsticks."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.config import THREADS_IN_ALL
from bench import house, processes
from bench.house import ROOT
from bench.messages import Chain
from bench.rounds import Subject


@dataclass(frozen=True)
class Running:
    """The product under load. `seeded` is what `bench.seed` printed; `pid` is gunicorn's master."""

    kind: str
    port: int
    sandbox_port: int
    seeded: dict[str, Any]
    pid: int
    environ: dict[str, str]
    database_cpu: Callable[[], float] | None

    @property
    def token(self) -> str:
        """A bearer token of the first workspace."""
        return str(self.seeded["token"])

    def subject(self, name: str, request: bytes | Chain) -> Subject:
        """The product answering that request."""
        return Subject(name, self.port, request, self.pid, self.database_cpu)

    def workers(self) -> list[int]:
        """The processes that serve requests."""
        return processes.children(self.pid)


@contextlib.contextmanager
def run(kind: str, *services: str, refresh_tokens: int = 0) -> Iterator[Running]:
    """Start it on an empty database of that kind ("sqlite" or "postgres"), seeded, with these services
    connected to the sandbox.
    """
    port, sandbox_port = house.free_port(), house.free_port()
    with house.databases(kind) as url, contextlib.ExitStack() as stack:
        environ = house.product_environ(port, url, sandbox_port)
        _run("alembic", "upgrade", "head", environ=environ)
        if services:
            state = ["--state", environ["INSTANCE_DIR"] + "/sandbox.db"]
            sandbox = [sys.executable, "-m", "app.sandbox", "--port", str(sandbox_port), *state]
            stack.enter_context(house.process(sandbox, environ))
            house.wait_for(sandbox_port, "/_ready")
        options = ["--connect", *services, "--refresh-tokens", str(refresh_tokens)]
        seeded = json.loads(_run("bench.seed", *options, environ=environ).splitlines()[-1])
        web = stack.enter_context(
            house.process(house.gunicorn("wsgi:app", port, THREADS_IN_ALL * house.THREADS), environ)
        )
        house.wait_for(port, "/ready")
        database_cpu = None if kind == "sqlite" else lambda: _postgres_cpu(url)
        yield Running(kind, port, sandbox_port, seeded, web.pid, environ, database_cpu)


def statements(environ: dict[str, str], requests: dict[str, list[bytes]]) -> dict[str, dict[str, int]]:
    """What the last request of each list sends to the database: `statements`, `commits` and, on PostgreSQL,
    `round trips`. A process of its own answers them all; those before the last warm it up.
    """
    given = json.dumps({name: [each.decode() for each in some] for name, some in requests.items()})
    counted: dict[str, dict[str, int]] = json.loads(
        _run("bench.statements", environ=environ, given=given).splitlines()[-1]
    )
    return counted


def _run(module: str, *arguments: str, environ: dict[str, str], given: str | None = None) -> str:
    command = [sys.executable, "-m", module, *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, input=given, text=True
    )
    return ended.stdout


def _postgres_cpu(url: str) -> float:
    """Seconds of CPU of the processes that serve connections to this database, if they run on this machine.

    The rest of the server (log writer, checkpoints) works for other databases as well.
    """
    import psycopg

    with psycopg.connect(url) as connection:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return processes.cpu_of([pid for (pid,) in connection.execute(query)], named="postgres")
