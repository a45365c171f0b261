"""Services that exist in a test alone, among those of the installation."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.connectors import services
from app.connectors.connector import Connector, Planned
from app.connectors.services import Services, ServiceSource


def install(*entries: Connector | Planned, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    """Give every workspace these services too, or in place of those of the same slug."""
    by_slug = {entry.slug: entry for entry in services.services_of(None).catalogue}
    changed = Services((by_slug | {entry.slug: entry for entry in entries}).values())
    if monkeypatch is None:  # for good: in a process of the test's own
        services._installed = changed
    else:
        monkeypatch.setattr(services, "_installed", changed)


@contextmanager
def sourced_from(*sources: ServiceSource) -> Iterator[None]:
    """The services of these sources are there as long as this lasts, and those of no other.

    Those of the product are registered by whichever test built the application first in this process.
    """
    others = services._sources
    for other in others:
        services.remove_source(other)
    for source in sources:
        services.add_source(source)
    try:
        yield
    finally:
        for source in sources:
            services.remove_source(source)
        for other in others:
            services.add_source(other)
