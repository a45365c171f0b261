"""Which migration a database is at and which this release needs, without Alembic.

Importing Alembic takes a tenth of a start, and these two facts are all that a start, `/ready` and a command
need of it.
"""

import functools
import re

from sqlalchemy import Connection, inspect

from app.config import ROOT

_VERSIONS = ROOT / "migrations" / "versions"
_NAMED = re.compile(r"""^(down_)?revision\b[^=\n]*= *["'](\w+)["']""", re.MULTILINE)


@functools.cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """Every migration this release has, and those that another one follows."""
    named = [each for path in _VERSIONS.glob("*.py") for each in _NAMED.findall(path.read_text())]
    return (
        frozenset(revision for is_before, revision in named if not is_before),
        frozenset(revision for is_before, revision in named if is_before),
    )


def newest_revision() -> str:
    """Return the migration this release needs, read from its files once."""
    known, followed = _revisions()
    (newest,) = known - followed
    return newest


def known_revisions() -> frozenset[str]:
    """Return every migration this release has."""
    return _revisions()[0]


def revision_of(connection: Connection) -> str | None:
    """Return the migration of a database, None if it has no tables yet. Raises SQLAlchemyError."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
