"""The installation's health: its checks, its services and the workers on this machine."""

import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from app import clock, database
from app.accounts.login import SignedIn
from app.admin import job_check, mcp_servers_check, queries, trail_check
from app.admin.health_checks import CHECKS, Check, keys
from app.admin.job_check import JobStatus
from app.admin.queries import ConnectionCounts
from app.config import VERSION, Settings
from app.connectors.services import services_of
from app.errors import Unavailable
from app.mail import Mailer
from app.vault import failures, rewrap

_PROC = Path("/proc")


@dataclass(frozen=True)
class ServiceHealth:
    """The connections and failed refreshes of one service."""

    name: str
    connections: ConnectionCounts
    refused: int
    unreachable: int


@dataclass(frozen=True)
class Process:
    """One worker on this machine."""

    pid: int
    since: datetime
    megabytes: int
    here: bool


@dataclass(frozen=True)
class HealthPage:
    """The health page."""

    checks: list[Check]
    sealed: Mapping[str, int]  # values by key id, "" for a missing key
    services: list[ServiceHealth] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    jobs: list[JobStatus] = field(default_factory=list)
    host: str = ""
    version: str = VERSION
    python: str = ""


def load(settings: Settings) -> HealthPage:
    """All checks, run now. Works without the database too: the page says so."""
    more = (job_check.check, mcp_servers_check.check, trail_check.check)
    checks = [check(settings) for check in (*CHECKS, *more)]
    sealed: dict[str, int] = {}
    services: list[ServiceHealth] = []
    try:
        with database.reading() as db:
            for tally in rewrap.census(db, settings.vault_keys):
                for key_id, count in tally.by_key.items():
                    sealed[key_id] = sealed.get(key_id, 0) + count
            counts = {each.slug: each for each in queries.every_connection_by_service_unsafe(db)}
            failed = failures.of_last_day(db)
        services = _services(counts, failed)
        checks.append(keys(settings, sealed))
    except Unavailable:
        checks.append(Check("Keys", "bad", "Unknown", advice="The database is unavailable."))
    return HealthPage(
        checks,
        sealed,
        services,
        processes(),
        job_check.load(),
        socket.gethostname(),
        python=platform.python_version(),
    )


def send_test_mail(mailer: Mailer, operator: SignedIn, settings: Settings) -> str:
    """Mails the requesting operator, and returns a sentence about where it goes."""
    to = operator.user.email
    words = f"You asked for this test email on {settings.public_url}/admin/health. Email works.\n"
    mailer.send(to, f"Test email from {settings.brand_name}", words)
    if settings.mail_url:
        return f"Sent to {to}. If it doesn't arrive within minutes, look for “was not sent” in the log."
    return (
        "MAIL_URL is not set, so nothing was sent."
        if settings.production
        else f"Stored in the development mailbox for {to}."
    )


def _services(
    counts: Mapping[str, ConnectionCounts], failed: Mapping[str, Mapping[str, int]]
) -> list[ServiceHealth]:
    """Services with connections or failures, those with failures first."""
    names = {connector.slug: connector.name for connector in services_of(None)}
    found = [
        ServiceHealth(
            names.get(slug, slug),
            counts.get(slug, ConnectionCounts(slug, 0, 0, 0)),
            failed.get(slug, {}).get(failures.REFUSED, 0),
            failed.get(slug, {}).get(failures.UNREACHABLE, 0),
        )
        for slug in {**counts, **failed}
    ]
    return sorted(found, key=lambda each: (-each.refused - each.unreachable, each.name))


def processes() -> list[Process]:
    """The workers of this installation on this machine: processes with the same command under the same
    parent.
    """
    own = os.getpid()
    command, parent = _read(own, "cmdline"), _parent_of(own)
    siblings = [int(each.name) for each in _PROC.glob("[0-9]*")] if command else []
    found = [
        pid
        for pid in siblings
        if pid == own or (_parent_of(pid) == parent and _read(pid, "cmdline") == command)
    ]
    return [_process(pid, pid == own) for pid in sorted(found)]


def _process(pid: int, here: bool) -> Process:
    pages = (_read(pid, "statm").split() or ["0", "0"])[1]
    try:
        age = clock.timestamp() - (_PROC / str(pid)).stat().st_ctime
    except OSError:
        age = 0.0
    megabytes = int(pages) * os.sysconf("SC_PAGE_SIZE") // 1_048_576
    return Process(pid, clock.now() - timedelta(seconds=age), megabytes, here)


def _parent_of(pid: int) -> str:
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return fields[1] if len(fields) > 1 else ""


def _read(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text(errors="replace")
    except OSError:
        return ""
