"""How many connections to the database this host may open: DATABASE_CONNECTIONS, divided by its processes."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import ConfigError

# What one process can use. No thread holds a connection while it waits for a service, so a few serve all.
_PER_PROCESS = 24
_LEAST_PER_PROCESS = 4
_MOST = 2_000


@dataclass(frozen=True)
class Connections:
    """The most connections of this host, and of each of its web processes."""

    of_host: int
    of_process: int


def connections(environ: Mapping[str, str], processes: int) -> Connections:
    """Return the connections for that many web processes. Raises ConfigError."""
    written = environ.get("DATABASE_CONNECTIONS", "")
    if not written:
        return Connections(_PER_PROCESS * processes, _PER_PROCESS)
    least = _LEAST_PER_PROCESS * processes
    if not written.isascii() or not written.isdigit() or not least <= int(written) <= _MOST:
        raise ConfigError(
            f"DATABASE_CONNECTIONS must be a whole number from {least} ({_LEAST_PER_PROCESS} for each "
            f"process of WEB_CONCURRENCY) to {_MOST:,}, not {written!r}."
        )
    return Connections(int(written), int(written) // processes)
