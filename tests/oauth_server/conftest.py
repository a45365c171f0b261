import pytest

from tests.support.ai_client import AiClient


@pytest.fixture
def client_app(app, people):
    """An AI client that registered itself as public."""
    client = AiClient(app)
    assert client.register().status == 201
    return client


@pytest.fixture
def code(client_app, alice):
    """A code alice gave the client."""
    return client_app.code(alice)


@pytest.fixture
def tokens(client_app, code):
    """The token answer for that code."""
    return client_app.exchange(code)
