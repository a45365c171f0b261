"""The installation's health: the checks of `/ready` and more, each with advice when it fails."""

import os
import platform
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import clock, database, url_settings
from app.accounts.login import SignedIn
from app.admin import queries
from app.admin.queries import ConnectionCounts
from app.config import VERSION, Settings
from app.connectors.services import services_of
from app.errors import Unavailable
from app.mail import Mailer
from app.notifications import mail_health
from app.vault import failures, rewrap
from app.web import health
from app.web.times import exact

Tone = Literal["good", "warning", "bad", ""]
_PROC = Path("/proc")
_NO_MAIL = "Set MAIL_URL: without it nobody can create an account or sign in with a code."


@dataclass(frozen=True)
class Check:
    """One check. `advice` says what to do when it fails."""

    name: str
    tone: Tone
    state: str
    facts: str = ""
    advice: str = ""


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
    host: str = ""
    version: str = VERSION
    python: str = ""


def load(settings: Settings) -> HealthPage:
    """All checks, run now. Works without the database too: the page says so."""
    checks = [_database(), _migrations(), _redis(settings), _mail(settings)]
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
        checks.append(_keys(settings, sealed))
    except Unavailable:
        checks.append(Check("Keys", "bad", "Unknown", advice="The database is unavailable."))
    return HealthPage(
        checks, sealed, services, processes(), socket.gethostname(), python=platform.python_version()
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


def _database() -> Check:
    bound = database.current()
    kind = "SQLite" if bound.is_sqlite else "PostgreSQL"
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    try:
        with database.reading() as db:
            db.execute(text("SELECT 1"))  # opens the connection, so that the next query alone is timed
            began = time.perf_counter()
            db.execute(text("SELECT 1"))
            took = (time.perf_counter() - began) * 1000
            size_bytes: int = db.execute(
                text(size if bound.is_sqlite else "SELECT pg_database_size(current_database())")
            ).scalar_one()
    except Unavailable:
        return Check(
            "Database",
            "bad",
            "Unavailable",
            kind,
            "Check the database server, its connections and its disk.",
        )
    tone: Tone = "good" if took < 50 else "warning"
    return Check(
        "Database",
        tone,
        "Available" if tone == "good" else "Slow",
        f"{kind} · {took:.1f} ms · {_size(size_bytes)}",
    )


def _migrations() -> Check:
    present, needed = health.revisions()
    if present == needed:
        return Check("Migrations", "good", "Up to date", f"at {needed}")
    return Check(
        "Migrations", "bad", "Behind", f"at {present or 'none'}, needed {needed}", "Run: alembic upgrade head"
    )


def _redis(settings: Settings) -> Check:
    if not settings.redis_url:
        return Check("Redis", "", "Not used", "The database counts limits.")
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            began = time.perf_counter()
            client.ping()
            took = (time.perf_counter() - began) * 1000
    except redis.RedisError:
        return Check(
            "Redis",
            "warning",
            "Unavailable",
            advice="The database counts limits until Redis is back.",
        )
    return Check("Redis", "good", "Available", f"{took:.1f} ms")


def _mail(settings: Settings) -> Check:
    failing = _failing_mail(settings)
    if failing is not None:
        return failing
    if settings.mail_url:
        return Check(
            "Email",
            "good",
            "Set up",
            f"through {url_settings.parse('MAIL_URL', settings.mail_url).host}, from {settings.mail_from}",
        )
    if settings.production:
        return Check(
            "Email",
            "bad",
            "Not set up",
            advice=_NO_MAIL,
        )
    return Check("Email", "", "Development mailbox", "Email is stored at /dev/mailbox and not sent.")


def _failing_mail(settings: Settings) -> Check | None:
    """Since when notifications can't be emailed, why, and how many wait. None while mail works."""
    try:
        state = mail_health.present()
    except (Unavailable, DBAPIError):  # away, or not migrated yet
        return None
    if state.failing_since is None:
        return None
    waiting = f"{state.waiting:,} notice{' waits' if state.waiting == 1 else 's wait'}"
    return Check(
        "Email",
        "bad",
        "Not working" if settings.mail_url else "Not set up",
        f"Failing since {exact(state.failing_since)}: {state.reason}. {waiting}.",
        ("Correct MAIL_URL or the mail server." if settings.mail_url else _NO_MAIL)
        + " Pending notices are then sent automatically, or now with: flask --app wsgi notifications send",
    )


def _keys(settings: Settings, sealed: Mapping[str, int]) -> Check:
    first = settings.vault_keys.sealing_id
    gone, old = sealed.get("", 0), sum(count for key, count in sealed.items() if key not in {"", first})
    if gone:
        advice = (
            "Put the missing key back into VAULT_KEYS, or those connections must be reconnected. "
            "`keys check` names them."
        )
        return Check(
            "Keys",
            "bad",
            "A key is missing",
            f"{gone:,} values are encrypted with a missing key.",
            advice,
        )
    if old:
        return Check(
            "Keys",
            "warning",
            "Rotation unfinished",
            f"{old:,} values are encrypted with an older key.",
            "Run: flask --app wsgi keys rotate",
        )
    return Check(
        "Keys", "good", "All keys present", f"{sum(sealed.values()):,} values encrypted with {first}"
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


def _size(count: int) -> str:
    if count < 1_048_576:
        return f"{count / 1024:,.0f} KB"
    return f"{count / 1_048_576:,.1f} MB" if count < 1_073_741_824 else f"{count / 1_073_741_824:,.1f} GB"
