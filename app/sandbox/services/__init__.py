"""The imitated services, one module (or folder) each, named like its slug, with a `SERVICE`."""

import importlib
import pkgutil

from app.sandbox.service import Service


def find_services() -> dict[str, Service]:
    """Every service here, by slug."""
    found: dict[str, Service] = {}
    for module in pkgutil.iter_modules(__path__):
        service: Service = importlib.import_module(f"{__name__}.{module.name}").SERVICE
        found[service.slug] = service
    return found
