"""Imitated services of their own for each module, and one sign-in per service."""

from collections.abc import Callable, Iterator

import pytest

from app.connectors.connector import Connector
from tests.oracles.recording import sign_in
from tests.support.processes import run_sandbox
from tests.support.signed_in import SignedIn


@pytest.fixture(scope="module")
def oracle_sandbox() -> Iterator[str]:
    """A process of its own: targets write, and a second consent ends the first at some services."""
    with run_sandbox() as url:
        yield url


@pytest.fixture(scope="module")
def connection_to(oracle_sandbox: str) -> Callable[[Connector], SignedIn]:
    """The connection to a service, made once."""
    made: dict[str, SignedIn] = {}

    def connect(connector: Connector) -> SignedIn:
        if connector.slug not in made:
            made[connector.slug] = sign_in(connector, oracle_sandbox)
        return made[connector.slug]

    return connect
