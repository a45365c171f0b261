"""The hosts that run this installation, and what each noticed about the network before it.

Each web process says every minute that its host is there. So two hosts on one SQLite file are found, which
would corrupt it; a host that was replaced by another is not taken for one. The same beat stores that a proxy
forwards requests although none is trusted, for the health page of every process.
"""

import logging
import socket
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from app import clock, database, exposure
from app.admin.models import RunningHost
from app.config import Settings
from app.errors import Unavailable

log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0
_ALIVE = timedelta(seconds=150)
_FORGOTTEN = timedelta(days=1)
_OVERLAP = timedelta(seconds=30)  # a host that ends while its successor starts
TWO_HOSTS = (
    "Several hosts use one SQLite file ({names}), which can corrupt it: stop all but one, or set "
    "DATABASE_URL to PostgreSQL."
)
UNTRUSTED_PROXY = (
    "Requests come through a proxy, but TRUSTED_PROXIES is 0, so everyone seems to have the proxy's address "
    "and shares its limits: set TRUSTED_PROXIES to the number of proxies in front."
)
_noticed = threading.Event()  # a forwarded request, since the last beat of this process
_warned = threading.Event()


def name_of_this() -> str:
    """The name of the host this process runs on."""
    return socket.gethostname()[:255]


def beat(*, started_at: datetime) -> list[str]:
    """Say that this host is there, and what it noticed. Returns the other hosts that have been there since
    `started_at`, with SQLite only. Raises Unavailable, DBAPIError.
    """
    now = clock.now()
    values = {"seen_at": now} | ({"untrusted_proxy_at": now} if _noticed.is_set() else {})
    _noticed.clear()
    with database.transaction() as db:
        db.execute(
            database.upsert_into(RunningHost)
            .values(name=name_of_this(), **values)
            .on_conflict_do_update(index_elements=["name"], set_=values)
        )
        db.execute(delete(RunningHost).where(col(RunningHost.seen_at) < now - _FORGOTTEN))
        if not database.current().is_sqlite:
            return []
        return list(
            db.exec(
                select(RunningHost.name)
                .where(
                    col(RunningHost.name) != name_of_this(),
                    col(RunningHost.seen_at) > max(started_at + _OVERLAP, now - _ALIVE),
                )
                .order_by(RunningHost.name)
            )
        )


def on_one_sqlite_file() -> list[str]:
    """The hosts that use this SQLite file now, if there are several. Raises Unavailable, DBAPIError."""
    if not database.current().is_sqlite:
        return []
    with database.reading() as db:
        since = clock.now() - _ALIVE
        seen = list(db.exec(select(RunningHost).where(col(RunningHost.seen_at) > since)))
    # Of two that followed each other, the earlier one is silent for longer than a beat.
    latest = max((row.seen_at for row in seen), default=since)
    alive = sorted(row.name for row in seen if latest - row.seen_at < timedelta(seconds=_EVERY_SECONDS + 15))
    return alive if len(alive) > 1 else []


def sees_untrusted_proxy() -> bool:
    """Whether a request came through a proxy that is not trusted, within a day. Raises Unavailable,
    DBAPIError.
    """
    if _noticed.is_set():
        return True
    with database.reading() as db:
        since = clock.now() - _FORGOTTEN
        return (
            db.exec(select(RunningHost.name).where(col(RunningHost.untrusted_proxy_at) > since)).first()
            is not None
        )


def watch_for_proxies(app: Flask, settings: Settings) -> None:
    """Notice requests that a proxy forwards, while no proxy is trusted. The first is a warning in the log.

    Not a hook of Flask's: calls of tools do not pass through it (app/mcp_server/entry.py).
    """
    if settings.proxy_count:
        return
    application = app.wsgi_app

    def watched(environ: dict[str, Any], start_response: Any) -> Any:
        if not _noticed.is_set() and exposure.shows_untrusted_proxy(environ):
            _noticed.set()
            if not _warned.is_set():
                _warned.set()
                log.warning("%s", UNTRUSTED_PROXY)
        return application(environ, start_response)

    app.wsgi_app = watched  # type: ignore[method-assign]


def forget() -> None:
    """Notice the next forwarded request as if it was the first, for tests."""
    _noticed.clear()
    _warned.clear()


def start() -> threading.Thread:
    """Say every minute that this host is there. Call it once per web process, after the fork."""
    thread = threading.Thread(target=_run, name="hosts", daemon=True)
    thread.start()
    return thread


def _run() -> None:
    started_at, warned = clock.now(), False
    while True:
        try:
            others = beat(started_at=started_at)
            if others and not warned:
                warned = True
                log.error("%s", TWO_HOSTS.format(names=", ".join([name_of_this(), *others])))
        except (Unavailable, DBAPIError):
            log.debug("the host could not be noted", exc_info=True)
        time.sleep(_EVERY_SECONDS)
