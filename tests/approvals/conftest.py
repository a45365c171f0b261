"""An AI client, and Acme on a connection that asks before writing; its writes are counted."""

from types import SimpleNamespace

import pytest

from app import database
from app.oauth_server import grants
from tests.support.mcp_client import (  # noqa: F401
    acme_service,
    alice,
    asking,
    client_of,
    connect,
    letters,
    oauth_client_of,
    written,
)

_LONGER_THAN_ANY_WAIT = 60 * 86_400


@pytest.fixture
def token_for(app, people):
    """A token of that person that outlives every waiting request."""

    def _token(user, scopes="tools:read tools:write"):
        member = SimpleNamespace(user=user, workspace=people.northwind)
        with app.app_context(), database.transaction() as db:
            return grants.issue_personal_token(db, member, "test client", scopes, _LONGER_THAN_ANY_WAIT)

    return _token
