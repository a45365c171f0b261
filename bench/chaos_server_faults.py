"""What `make chaos` does at MCP servers that a workspace added, while the product itself is left alone."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import text

from bench import chaos_checks, chaos_load
from bench.chaos_upstream import Drifter

_HANG_SECONDS, _SHORT_SECONDS = 6.0, 3.0
_NOTICED_WITHIN_SECONDS = 90.0
_HELD = "SELECT count(*) FROM mcp_server_tools WHERE name = 'turn' AND state = 'held'"
_TO_RECONNECT = "SELECT count(*) FROM connections WHERE slug = 'drifter' AND state <> 'connected'"


@dataclass
class ServersSeen:
    """What was done at the servers, and when. Moments are monotonic."""

    windows: list[tuple[float, float]] = field(default_factory=list)  # only servers were at fault
    hangs: list[tuple[float, float]] = field(default_factory=list)
    held: list[tuple[float, float]] = field(default_factory=list)  # a changed tool was held for everybody
    unnoticed: int = 0  # changes, or lost registrations, that nobody noticed in time
    expiries: int = 0


class Installation(Protocol):
    """What these faults need of the running installation."""

    url: str
    sandbox_port: int
    target: chaos_load.Target
    answers: chaos_load.Answers
    drifter: Drifter
    servers: ServersSeen

    @property
    def workspaces(self) -> int:
        """How many workspaces added the servers."""

    def reconnect(self) -> None:
        """Their people press Reconnect at Drifter."""


@contextlib.contextmanager
def _window(installation: Installation) -> Iterator[None]:
    began = time.monotonic()
    yield
    installation.servers.windows.append((began, time.monotonic()))


def hang(installation: Installation) -> str:
    """It takes requests and answers none."""
    with _window(installation):
        began = time.monotonic()
        installation.drifter.hang(True)
        time.sleep(_HANG_SECONDS)
        installation.drifter.hang(False)
        installation.servers.hangs.append((began, time.monotonic()))
    return "server that hangs"


def lie(installation: Installation) -> str:
    """It answers another request than the one that was sent, with a result that its schema forbids."""
    with _window(installation), _behaving(installation, "lies"):
        time.sleep(_SHORT_SECONDS)
    return "server that lies"


def flood(installation: Installation) -> str:
    """Each answer has thousands of notifications and a result of 5 MB."""
    with _window(installation), _behaving(installation, "floods"):
        time.sleep(_SHORT_SECONDS)
    return "server that floods"


def forget_sessions(installation: Installation) -> str:
    """It restarts, again and again."""
    with _window(installation):
        until = time.monotonic() + _SHORT_SECONDS
        while time.monotonic() < until:
            installation.drifter.forget_sessions()
            time.sleep(0.2)
    return "server that forgets sessions"


def rotate(installation: Installation) -> str:
    """Its access tokens end while calls are under way; each refresh replaces the refresh token."""
    with _window(installation):
        for _ in range(3):
            installation.servers.expiries += installation.drifter.expire()
            time.sleep(1)
    return "server that ends tokens"


def change(installation: Installation) -> str:
    """It changes what a tool says, until that tool is held in every workspace; then it changes it back."""
    servers = installation.servers
    with _behaving(installation, "is_changed"):
        if _wait(installation, _HELD, installation.workspaces):
            began = time.monotonic()
            time.sleep(_SHORT_SECONDS)
            servers.held.append((began, time.monotonic()))
        else:
            servers.unnoticed += 1
    if not _wait(installation, _HELD, 0):
        servers.unnoticed += 1
    return "server that changes a tool"


def forget_clients(installation: Installation) -> str:
    """It forgets our registration and every token; then people connect again, who must do nothing else."""
    installation.drifter.forget_clients()
    if not _wait(installation, _TO_RECONNECT, installation.workspaces):
        installation.servers.unnoticed += 1
    installation.reconnect()
    return "server that forgets its clients"


def spoil_crm(installation: Installation) -> str:
    """Harbour CRM: failures, cut answers, lies, floods, and a restart."""
    with _window(installation):
        _pull(installation, "fail", status=502, body="html", rpc="tools/call", times=4)
        _pull(installation, "cut", rpc="tools/call", times=2)
        _pull(installation, "drop", rpc="tools/call add_note", when="after", times=2)
        for how in ("lie", "flood"):
            _pull(installation, "spoil", how=how)
            time.sleep(1)
        _pull(installation, "forget_sessions")
        time.sleep(1)
    return "trouble at Harbour CRM"


Fault = Callable[[Any], str]
SERVER_FAULTS: tuple[Fault, ...] = (
    *(hang, lie, flood, forget_sessions, rotate, change, spoil_crm, forget_clients),
)


@contextlib.contextmanager
def _behaving(installation: Installation, what: str) -> Iterator[None]:
    setattr(installation.drifter.behaviour, what, True)
    try:
        yield
    finally:
        setattr(installation.drifter.behaviour, what, False)


def _wait(installation: Installation, query: str, count: int) -> bool:
    """Whether the query counts so many in time."""
    until = time.monotonic() + _NOTICED_WITHIN_SECONDS
    with chaos_checks.open_database(installation.url) as db:
        while time.monotonic() < until:
            found = db.execute(text(query)).scalar_one()
            db.rollback()
            if found == count:
                return True
            time.sleep(0.1)
    return False


def _pull(installation: Installation, lever: str, **given: Any) -> None:
    address = f"http://127.0.0.1:{installation.sandbox_port}/_levers/harbour_crm/{lever}"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(given).encode(), headers)
    urllib.request.urlopen(request, timeout=60).close()
