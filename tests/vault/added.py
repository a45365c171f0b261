"""An MCP server that a workspace added, whose authorization server is the service of these tests."""

import contextlib
from collections.abc import Iterator
from typing import Any

from app import clock, crypto, database
from app.config import Settings
from app.federation.changes import touch
from app.federation.models import McpServer
from app.federation.oauth_facts import OAuthFacts
from app.vault import seal
from tests.support.mcp_upstreams import Upstream, serve_notebook
from tests.vault.provider import CLIENT, Provider

SLUG, NAME = "added", "Added"


@contextlib.contextmanager
def serve(settings: Settings, workspace_id: str, provider: Provider) -> Iterator[Upstream]:
    """The server runs, takes the service's access tokens, and is added to the workspace."""
    with serve_notebook() as upstream:
        upstream.takes = lambda token: token in provider.access and not provider.takes_no_token
        facts = OAuthFacts(
            issuer=provider.url,
            authorization_endpoint=f"{provider.url}/authorize",
            token_endpoint=f"{provider.url}/token",
            revocation_endpoint=f"{provider.url}/revoke",
            resource=upstream.url,
            scopes=("read",),
        )
        given: dict[str, Any] = {"client_kind": "pasted", "client_issuer": facts.issuer}
        server = McpServer(
            id=crypto.new_id("mcs"),
            workspace_id=workspace_id,
            slug=SLUG,
            name=NAME,
            url=upstream.url,
            added_at=clock.now(),
            access="oauth",
            oauth=facts.to_json(),
            client_id=CLIENT[0],
            **given,
        )
        seal.seal(settings.vault_keys, server, "client_secret_sealed", CLIENT[1])
        with database.transaction() as db:
            db.add(server)
            touch(db, workspace_id)
        yield upstream
