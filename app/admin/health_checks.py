"""The checks of the health page, each with advice when it fails.

A check of another subject has a module of its own and one entry in `CHECKS`.
"""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import database, url_settings
from app.admin import pool_check, start_checks
from app.admin.check import Check, Tone
from app.config import Settings
from app.errors import Unavailable
from app.notifications import mail_health
from app.web import health
from app.web.times import exact

__all__ = ["CHECKS", "Check", "Tone", "keys"]
_NO_MAIL = "Set MAIL_URL: without it nobody can create an account or sign in with a code."


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
    import redis  # only where it is used: app/url_settings.py

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


def keys(settings: Settings, sealed: Mapping[str, int]) -> Check:
    """Whether every sealed value has its key. `sealed`: values by key id, "" for a missing key."""
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


def _size(count: int) -> str:
    if count < 1_048_576:
        return f"{count / 1024:,.0f} KB"
    return f"{count / 1_048_576:,.1f} MB" if count < 1_073_741_824 else f"{count / 1_073_741_824:,.1f} GB"


# In the order of the page.
CHECKS: tuple[Callable[[Settings], Check], ...] = (
    *start_checks.CHECKS,
    lambda _settings: _database(),
    pool_check.check,
    lambda _settings: _migrations(),
    _redis,
    _mail,
)
