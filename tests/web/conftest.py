"""Everybody at the pages, and an AI client at the endpoint."""

from tests.support.mcp_client import client_of, token_for  # noqa: F401
