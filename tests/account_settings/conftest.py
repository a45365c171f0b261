"""What the people own, and the mail they receive."""

from datetime import timedelta

import pytest
from sqlmodel import col, update

from app import clock, database
from app.accounts.models import LoginSession
from app.connectors.spec import Account
from app.vault import store
from app.vault.token_endpoint import TokenSet


@pytest.fixture
def long_ago():
    """`long_ago(people.alice)`: her sign-ins are no longer recent."""

    def _age(user):
        with database.transaction() as db:
            db.exec(
                update(LoginSession)
                .where(col(LoginSession.user_id) == user.id)
                .values(proved_at=clock.now() - timedelta(hours=1))
            )

    return _age


@pytest.fixture
def connect(settings):
    """`connect(workspace, owner, "xero", visibility="personal")`: a connection with sealed tokens to revoke
    at Xero.
    """

    def _connect(workspace, owner, slug="xero", *, visibility="shared", name="Main"):
        tokens = TokenSet(
            access_token=f"access of {name}",
            refresh_token=f"refresh of {name}",
            expires_in=3600,
            scopes=None,
            refresh_expires_in=None,
            raw={},
        )
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=workspace.id,
                owner_id=owner.id,
                slug=slug,
                account=Account(key=name, name=name),
                tokens=tokens,
                scopes="",
                keys=settings.vault_keys,
            )
            connection.visibility = visibility
        return connection

    return _connect


@pytest.fixture
def no_services(monkeypatch):
    """No service confirms a revocation; returns the list of the tokens we tried to revoke."""
    from app.vault import token_endpoint

    revoked = []

    def _revoke(connector, _where, token):
        revoked.append((connector.slug, token))
        return False

    monkeypatch.setattr(token_endpoint, "revoke", _revoke)
    return revoked
