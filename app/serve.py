"""`make run`: migrates the database, starts the sandbox and the web server, stops both together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from sqlalchemy import create_engine

from app import config, environment, startup, url_settings
from app.admin import start_checks
from app.child_processes import end_with_parent
from app.config import ROOT, Settings
from app.connectors import configuration
from app.errors import ConfigError
from app.web.command_errors import database_trouble, explain

_READY_SECONDS = 60


def main() -> int:
    """Run until interrupted. Returns the exit status."""
    try:
        variables = environment.read()
        variables.setdefault("PORT", "8000")
        settings = config.load(_with_sandbox(variables))
        configuration.check(settings)
    except (ConfigError, OSError) as error:
        print(f"Patchbay cannot start: {explain(error)}", file=sys.stderr)
        return 1
    variables = _with_sandbox(variables)
    if not _is_free(settings.port):
        print(
            f"Patchbay cannot start: port {settings.port} is in use. Set PORT to another one.",
            file=sys.stderr,
        )
        return 1
    if not _is_migrated(settings) and _migrate(variables):
        print(
            "Patchbay cannot start: the database could not be migrated; see the lines above.", file=sys.stderr
        )
        return 1
    end_with_us = end_with_parent()
    variables[startup.ANNOUNCED] = "1"
    children = [
        subprocess.Popen(command, cwd=ROOT, env=variables, start_new_session=True, preexec_fn=end_with_us)
        for command in _commands(settings)
    ]
    try:
        return _watch(children, settings, start_checks.workers_in(variables))
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(children)


def _is_migrated(settings: Settings) -> bool:
    """Whether the database is at this release's migration. Trouble with it is the migration's to report."""
    engine = create_engine(settings.database_url)
    try:
        return not database_trouble(engine)
    finally:
        engine.dispose()


def _migrate(variables: Mapping[str, str]) -> int:
    """Upgrade the database in a process of its own, as operators do. Returns its exit status."""
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    return subprocess.run(command, cwd=ROOT, env=variables).returncode


def _commands(settings: Settings) -> list[list[str]]:
    web = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    if settings.sandbox_url is None:
        return [web]
    port = str(url_settings.parse("SANDBOX_URL", settings.sandbox_url).port or 80)
    state = str(settings.instance_dir / "sandbox.db")
    return [[sys.executable, "-m", "app.sandbox", "--port", port, "--state", state], web]


def _with_sandbox(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with a free port for the sandbox: the next after ours that is not in use."""
    given = dict(variables)
    if (
        given.get("ENV") == "production"
        or given.get("SANDBOX", "1") in {"0", "false", "no", "off"}
        or given.get("SANDBOX_URL")
    ):
        return given
    port = int(given["PORT"]) + 1 if given["PORT"].isdigit() else 8001
    while not _is_free(port) and port < 65535:
        port += 1
    given["SANDBOX_URL"] = f"http://localhost:{port}"
    return given


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _watch(children: list[subprocess.Popen[bytes]], settings: Settings, workers: int) -> int:
    """Print the banner once ready, then wait; if one child ends, all end."""
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    announced, started = False, time.monotonic()
    while True:
        for child in children:
            if (status := child.poll()) is not None:
                print("Patchbay stopped: one of its processes ended; see the lines above.", file=sys.stderr)
                return status or 1
        if not announced and _answers(settings.port):
            announced = True
            print(_banner(settings, workers), flush=True)
        if not announced and time.monotonic() - started > _READY_SECONDS:
            print("Patchbay did not become ready in a minute; see the lines above.", file=sys.stderr)
            return 1
        time.sleep(0.1 if not announced else 0.5)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _banner(settings: Settings, workers: int) -> str:
    lines = [
        "",
        startup.block(settings, workers),
        "",
        f'Open {settings.public_url} and choose "Create account". Ctrl-C stops everything.',
    ]
    if settings.sandbox_url:
        lines.append(
            f"The imitated services are at {settings.sandbox_url}; nothing sent to them leaves this machine."
        )
    return "\n".join([*lines, ""])


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + 15
    for child in children:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
