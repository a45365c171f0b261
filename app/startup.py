"""What is checked once before the web server starts."""

from app import config, environment
from app.config import Settings
from app.connectors import configuration


def check() -> Settings:
    """Return the settings. Raises ConfigError with one sentence that names what stops the start."""
    settings = config.load(environment.read())
    configuration.check(settings)
    return settings
