"""What `forks.py` imports once for all processes it makes."""

import alembic.command  # noqa: F401

import tests.support.killed_upgrade
import tests.vault.worker  # noqa: F401
from app import factory

factory.import_models()
