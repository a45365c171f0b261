"""`python -m app.sandbox --port 8001 --state instance/sandbox.db`: runs the imitated services."""

import argparse
import socket
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from app.sandbox.server import create_app


class _Process(BaseApplication):  # type: ignore[misc]
    """gunicorn with one worker, whose threads share the sandbox's state."""

    def __init__(self, options: dict[str, Any], state_file: Path | None) -> None:
        self.options = options
        self.state_file = state_file
        super().__init__()

    def load_config(self) -> None:
        """Set our options; a gunicorn.conf.py in the folder is ignored."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, created inside the worker."""
        return create_app(self.state_file)


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def main() -> None:
    """Serve until a signal arrives."""
    arguments = argparse.ArgumentParser(
        prog="python -m app.sandbox", description="Imitations of the services, for development and tests."
    )
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument(
        "--state", type=Path, help="SQLite file that keeps sign-ins and records; left out: nothing is kept"
    )
    arguments.add_argument("--host", help="address to listen on; left out: this machine only")
    given = arguments.parse_args()
    hosts = [given.host] if given.host else ["127.0.0.1", *(["[::1]"] if _has_ipv6() else [])]
    options = {
        "bind": [f"{host}:{given.port}" for host in hosts],
        "workers": 1,
        "worker_class": "gthread",
        "threads": 128,  # some of them may be held up by the lever `hang`
        "worker_connections": 2000,
        "keepalive": 75,
        "timeout": 0,  # requests may hang on purpose
        "graceful_timeout": 1,
        "loglevel": "warning",
        "proc_name": "patchbay-sandbox",
        "control_socket_disable": True,
    }
    _Process(options, given.state).run()


if __name__ == "__main__":
    main()
