"""The imitated services, one module (or folder) each, named like its slug, with a `SERVICE`."""

import importlib
import pkgutil

from app.sandbox.service import ImitatedService


def find_services() -> dict[str, ImitatedService]:
    """Every service here, by slug."""
    found: dict[str, ImitatedService] = {}
    for module in pkgutil.iter_modules(__path__):
        service: ImitatedService = importlib.import_module(f"{__name__}.{module.name}").SERVICE
        found[service.slug] = service
    return found
