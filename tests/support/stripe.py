"""Stripe for the connector's tests: a key pasted at an imitation of its own."""

import pytest

from app.connectors.stripe import CONNECTOR
from tests.support.processes import Levers, run_sandbox
from tests.support.signed_in import SignedIn


@pytest.fixture(scope="module")
def stripe_url():
    """A process of its own, since its tests put Stripe back to its first day."""
    with run_sandbox() as url:
        yield url


@pytest.fixture
def byrd(stripe_url):
    """Byrd Ltd by a restricted key, on Stripe's first day."""
    Levers(stripe_url, "stripe")("reset")
    return SignedIn(CONNECTOR, stripe_url)


def requests_of(there):
    """What Stripe was asked so far."""
    return there.levers.log()["requests"]
