"""What is checked and printed once before the web server starts."""

import json
import os
from collections.abc import Mapping

from app import config, environment
from app.admin import start_checks
from app.config import VERSION, Settings
from app.connectors import configuration

# Set by `make run` for the web server it starts, since it prints the block itself once all is ready.
ANNOUNCED = "PATCHBAY_START_ANNOUNCED"


def check() -> Settings:
    """Return the settings. Raises ConfigError with one sentence that names what stops the start."""
    settings = config.load(environment.read())
    configuration.check(settings)
    _check_database(settings)
    return settings


def announce(settings: Settings, environ: Mapping[str, str] | None = None) -> None:
    """Print how the installation is set up and what would hurt, once per start: one block, or with
    LOG_FORMAT=json one line. The launcher that printed it already is not repeated.
    """
    variables = os.environ if environ is None else environ
    if variables.get(ANNOUNCED) != "1":
        print(block(settings, start_checks.workers_in(variables)), flush=True)


def block(settings: Settings, workers: int) -> str:
    """The block `announce` prints."""
    facts, warnings = start_checks.facts(settings, workers), start_checks.warnings(settings)
    if settings.log_format == "json":
        lines = {each.name.lower().replace(" ", "_"): each.value for each in facts}
        return json.dumps({"message": "starting", "version": VERSION, **lines, "warnings": warnings})
    width = max(len(each.name) for each in facts) + 2
    return "\n".join(
        [
            f"{settings.brand_name} {VERSION}",
            *(f"  {each.name:<{width}}{each.value}" for each in facts),
            *(f"  WARNING: {each}" for each in warnings),
        ]
    )


def _check_database(settings: Settings) -> None:
    # Imported here: the metrics of these packages need to know first where their files are.
    from app import factory
    from app.backup import at_start

    factory.import_all()
    at_start.check(settings)
