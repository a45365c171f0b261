"""Fills an empty database with workspaces that have MCP servers, and prints a token of each, as JSON.

Run as a process of its own with the product's environment: `python -m bench.seed_servers URL HANGING_URL`.
"one" has the server at that URL twice: as one whose tool changes something, and as one whose tool reads.
"crowd" has the reading one among 1,000; "beside" has it beside one that never answers. "many" has servers
that are only listed, "none" has none.
"""

import json
import os
import sys
from datetime import timedelta

from app import clock, config, crypto, database
from app.connectors.spec import Account
from app.factory import create_app
from app.federation import source
from app.federation.definitions import digest_of, pinned_part
from app.federation.models import McpServer, McpServerTool, McpToolList
from app.vault import store
from app.vault.token_endpoint import TokenSet
from bench.federation import SERVERS, TOOLS
from bench.seed import company

CROWD = 999
PING = {"name": "ping", "description": "Answer.", "inputSchema": {"type": "object", "properties": {}}}
READING = {**PING, "annotations": {"readOnlyHint": True}}


def main() -> None:
    """Five workspaces."""
    settings = config.load(os.environ)
    app = create_app(settings)
    url, hanging = sys.argv[1:3]
    many = [
        (f"crm{number}", f"http://127.0.0.1:9/{number}", [_tool(number, each) for each in range(TOOLS)])
        for number in range(SERVERS)
    ]
    crowd = [(f"crm{number}", f"http://127.0.0.1:9/{number}", [_tool(number, 1)]) for number in range(CROWD)]
    servers = {
        "none": [],
        "one": [("remote", url, [PING]), ("reading", url, [READING])],
        "many": many,
        "crowd": [("reading", url, [READING]), *crowd],
        "beside": [("reading", url, [READING]), ("hung", hanging, [READING])],
    }
    tokens = {name: company(app, settings, name) for name in servers}
    for name, own in servers.items():
        with database.transaction() as db:
            ids = [_add(db, name, *each) for each in own]
        source.count_at_once(f"wsp_{name}")
        with database.transaction() as db:
            for (slug, *_), server_id in zip(own, ids, strict=True):
                _connect(db, settings, name, slug, server_id)
    print(json.dumps(tokens))


def _tool(server: int, number: int) -> dict[str, object]:
    """A definition as large as usual ones."""
    texts = {"type": "string", "description": "The name of the company, or a part of it."}
    return {
        "name": f"find_records_{number}",
        "title": f"Find records {number}",
        "description": f"Find the records of kind {number} in CRM {server}. Use it to look up an id before "
        "you change a record. The newest come first.",
        "inputSchema": {
            "type": "object",
            "properties": {"company": texts, "limit": {"type": "integer", "minimum": 1, "maximum": 100}},
        },
        "annotations": {"readOnlyHint": True},
    }


def _add(db, name: str, slug: str, url: str, tools) -> str:  # type: ignore[no-untyped-def]
    """A server of the workspace with these tools approved. Gives its id."""
    at, workspace = clock.now(), f"wsp_{name}"
    server = McpServer(
        id=crypto.new_id("mcp"), workspace_id=workspace, slug=slug, name=slug, url=url, added_at=at
    )
    server.revision, server.checked_at = "2026-07-28", at
    db.add(server)
    db.flush()
    for tool in tools:
        row = McpServerTool(
            server_id=server.id,
            name=tool["name"],
            workspace_id=workspace,
            verb=tool["name"],
            first_seen_at=at,
        )
        row.state, row.definition, row.digest = "approved", pinned_part(tool), digest_of(tool)
        row.reads_only = bool(tool.get("annotations"))
        db.add(row)
    source.touch(db, workspace)
    return server.id


def _connect(db, settings, name: str, slug: str, server_id: str) -> None:  # type: ignore[no-untyped-def]
    """Its person's connection, whose list was read just now."""
    at, workspace = clock.now(), f"wsp_{name}"
    connection = store.connect(
        db,
        workspace_id=workspace,
        owner_id=f"usr_{name}",
        slug=slug,
        account=Account(key=server_id, name=slug),
        tokens=TokenSet("none", auth_method="key", has_no_expiry=True),
        scopes="",
        keys=settings.vault_keys,
    )
    connection.permission = "write"
    db.flush()
    good = {"fetched_at": at, "expires_at": at + timedelta(hours=1)}
    db.add(McpToolList(connection_id=connection.id, workspace_id=workspace, **good))


if __name__ == "__main__":
    main()
