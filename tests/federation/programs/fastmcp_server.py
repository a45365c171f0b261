"""A FastMCP server with its in-memory OAuth provider: `python fastmcp_server.py PORT`."""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

port = int(sys.argv[1])
provider = InMemoryOAuthProvider(
    base_url=f"http://localhost:{port}",
    client_registration_options=ClientRegistrationOptions(
        enabled=True, valid_scopes=["read", "write"], default_scopes=["read", "write"]
    ),
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=["read"],
)
server: FastMCP = FastMCP("Ledger", version="3.1", auth=provider)
entries = [{"id": 1, "text": "Rent"}, {"id": 2, "text": "Paper"}]


@server.tool(annotations={"readOnlyHint": True, "title": "List entries"})
def list_entries() -> list[dict]:
    """List the entries of the ledger."""
    return entries


@server.tool(annotations={"title": "Add an entry"})
def add_entry(text: str) -> dict:
    """Write an entry into the ledger."""
    entries.append({"id": len(entries) + 1, "text": text})
    return entries[-1]


@server.resource("ledger://entries")
def all_entries() -> str:
    """Every entry, a line each."""
    return "\n".join(entry["text"] for entry in entries)


server.run(transport="http", host="127.0.0.1", port=port, log_level="error", show_banner=False)
