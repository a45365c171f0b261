"""Settings of services that operators change: effective in every process within seconds, without a restart.

Values in the table override the environment, as one more mapping, so users of `Settings.service` see no
difference. The table is read into memory and read again after a few seconds: the first call then reads it for
all, and no other call waits for that.
"""

import dataclasses
import logging
import threading
import time
from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app import database
from app.admin.models import ConnectorApp
from app.config import Settings
from app.connectors import availability
from app.crypto import KeyRing
from app.errors import Unavailable, Undecipherable
from app.vault import seal

log = logging.getLogger(__name__)
_SECONDS = 2.0


class LiveServices(Mapping[str, str]):
    """The environment's settings of services, overridden by the operators'."""

    def __init__(self, environment: Mapping[str, str], keys: KeyRing) -> None:
        self._environment = environment
        self._keys = keys
        self._values: Mapping[str, str] = environment
        self._lock = threading.Lock()
        self._again_at: float | None = None  # None: never read

    def __getitem__(self, name: str) -> str:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """The value, without the cost of a KeyError: most settings are not set."""
        return self._current().get(name, default)

    def snapshot(self) -> Mapping[str, str]:
        """All current values; the same object until they are read again."""
        return self._current()

    def refresh(self) -> None:
        """Reads the table now. Retains the last values if the database is unavailable."""
        with self._lock:
            self._read()

    def _current(self) -> Mapping[str, str]:
        if self._again_at is None:
            with self._lock:
                if self._again_at is None:
                    self._read()
        elif time.monotonic() >= self._again_at and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._values

    def _read(self) -> None:
        try:
            with database.reading() as db:
                rows = list(db.scalars(select(ConnectorApp)))
            self._values = self._over_environment(rows)
        except (Unavailable, DBAPIError):  # away, or not migrated yet
            log.warning("the connector apps set on /admin could not be read")
        self._again_at = time.monotonic() + _SECONDS

    def _over_environment(self, rows: list[ConnectorApp]) -> Mapping[str, str]:
        values = dict(self._environment)
        for row in rows:
            values[availability.setting(row.slug, "OFFER")] = row.offer
            if row.badge is not None:
                values[availability.setting(row.slug, "BADGE")] = row.badge
            if row.client_id:
                client_id, secret = (f"{row.slug.upper()}_{name}" for name in ("CLIENT_ID", "CLIENT_SECRET"))
                values[client_id] = row.client_id
                try:
                    values[secret] = seal.unseal(self._keys, row, "client_secret_sealed")
                except Undecipherable:
                    log.error(
                        "the client secret of %s does not open: set it again on /admin/connectors", row.slug
                    )
                    values.pop(secret, None)
        return values


def over(settings: Settings) -> Settings:
    """The same settings, with those of services overridden by the operators'."""
    return dataclasses.replace(settings, services=LiveServices(settings.services, settings.vault_keys))


def refresh(settings: Settings) -> None:
    """Reads the operators' settings now, in this process; the others follow within seconds."""
    if isinstance(settings.services, LiveServices):
        settings.services.refresh()
