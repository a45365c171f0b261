"""An AI client at the endpoint and Acme, whose writes are counted, on a connection that asks before writing."""

from tests.mcp_server.conftest import acme_service, alice, asking, client_of, connect, letters, token_for, written  # noqa: F401
