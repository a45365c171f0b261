"""The health page's check of connections to the database: in use, allowed, and what the server gives."""

from sqlalchemy import text

from app import database
from app.admin.check import Check
from app.config import Settings
from app.errors import Unavailable

# Left for what does not share the pool: the release command (2), a cron job, and somebody with psql.
_ROOM = 5
_NAME = "Database connections"
# The smallest of the limits of the server, this database and this role; -1 is none.
_SERVER = text(
    """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           LEAST(
               current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int,
               (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
               (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
           )
    """
)


def check(settings: Settings) -> Check:
    """Whether what this host may open fits what the database gives."""
    bound = database.current()
    in_use = bound.connections_in_use()
    if bound.is_sqlite:
        facts = f"{in_use} of {settings.web_threads} in use by this process"
        return Check(_NAME, "good", "Enough", facts)
    share = settings.database_connections
    own = f"{in_use} of {share.of_process} in use by this process · {share.of_host} for this host"
    try:
        with database.reading() as db:
            everybody, limit = db.execute(_SERVER).one()
    except Unavailable:
        return Check(_NAME, "bad", "Unknown", own, "Check the database server and its connections.")
    facts = f"{own} · {everybody} of {limit} open at the server"
    if share.of_host + _ROOM <= limit:
        return Check(_NAME, "good", "Enough", facts)
    return Check(
        _NAME,
        "warning",
        "More than the database allows",
        facts,
        f"Set DATABASE_CONNECTIONS to {max(0, limit - _ROOM)} or fewer, divided by the number of hosts; or "
        "take a larger database.",
    )
