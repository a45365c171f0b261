"""The whole product as its users run it, once for all journeys, and people with real browsers."""

import sqlite3

import pytest

from tests.support.browser import Person
from tests.support.processes import Levers
from tests.support.waiting import AT_MOST_SECONDS


@pytest.fixture
def arrive(product, chromium):
    """`arrive("anna")` is somebody who has never been here; `arrive("anna", javascript=False)` somebody
    careful.
    """
    people = []

    def _arrive(name="anna", **how):
        people.append(Person(chromium, product.url, name, **how))
        return people[-1]

    yield _arrive
    for person in people:
        person.context.close()


@pytest.fixture
def sandbox_levers(product):
    """`sandbox_levers("xero")`: what happens inside the service."""
    return lambda slug: Levers(product.sandbox_url, slug)


@pytest.fixture
def expire_access_tokens(product):
    """Our access tokens are over, as after a day; refresh tokens live on."""

    def _expire():
        with sqlite3.connect(product.instance / "patchbay.db", timeout=AT_MOST_SECONDS) as database:
            database.execute("UPDATE oauth_access_tokens SET expires_at = created_at")

    return _expire
