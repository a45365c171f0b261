"""What the database itself says about this start: are its keys here, is it a mere copy of a backup."""

import logging

from sqlalchemy.exc import DBAPIError

from app import database
from app.config import Settings
from app.errors import ConfigError, Unavailable
from app.vault import key_proofs
from app.web.command_errors import database_trouble

log = logging.getLogger(__name__)

UNFINISHED = 0x50424B  # SQLite's `user_version` of a backup: its sessions and tokens are not ended yet


def check(settings: Settings) -> None:
    """Raise ConfigError if VAULT_KEYS does not open this database, or if it is a backup put there by hand.

    Says nothing of a database that is away or not migrated: `/ready` does, for as long as that lasts. Leaves
    no open connection behind, which the workers would inherit.
    """
    bound = database.bind(settings.database_url, pool_size=1)
    try:
        if database_trouble(bound.engine):
            return
        if is_unfinished(bound):
            raise ConfigError(
                "This database is a copy of a backup, with the sessions and tokens of that time. End them "
                "with: flask --app wsgi restore --finish."
            )
        if found := key_proofs.ensure(settings.vault_keys):
            raise ConfigError(found)
    except (Unavailable, DBAPIError):
        log.debug("the keys could not be checked: the database is away")
    finally:
        bound.close()


def is_unfinished(bound: database.Database) -> bool:
    """Whether a SQLite database is a copy of a backup that nobody has finished restoring."""
    if not bound.is_sqlite:
        return False
    with bound.engine.connect() as connection:
        return bool(connection.exec_driver_sql("PRAGMA user_version").scalar() == UNFINISHED)
