"""What is checked once before the web server starts."""

from app import config, environment
from app.config import Settings
from app.connectors import configuration


def check() -> Settings:
    """Return the settings. Raises ConfigError with one sentence that names what stops the start."""
    settings = config.load(environment.read())
    configuration.check(settings)
    _check_database(settings)
    return settings


def _check_database(settings: Settings) -> None:
    # Imported here: the metrics of these packages need to know first where their files are.
    from app import factory
    from app.backup import at_start

    factory.import_models()
    at_start.check(settings)
