"""Longer waits for a connection or a lock of the database, for tests of what many do at once."""

from collections.abc import Callable
from typing import Any

from app import database
from tests.support import waiting

_LOCK_MILLISECONDS = database._LOCK_SECONDS * 1000


def make_database_patient(replace: Callable[[Any, str, Any], None] = setattr) -> None:
    """Whoever waits in this process waits as long as a slow machine needs, once a database is bound anew."""
    seconds = waiting.AT_MOST_SECONDS
    for name in ("_POOL_SECONDS", "_LOCK_SECONDS", "_WRITER_SECONDS", "_SHORTEST_BUSY_SECONDS"):
        replace(database, name, seconds)
    options = database._POSTGRES_OPTIONS.replace(
        f"lock_timeout={_LOCK_MILLISECONDS:.0f}ms", f"lock_timeout={seconds:.0f}s"
    )
    assert options != database._POSTGRES_OPTIONS
    replace(database, "_POSTGRES_OPTIONS", options)
