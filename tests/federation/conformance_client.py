"""The product as the client of the official suite: `python -m tests.federation.conformance_client URL`.

A person adds the suite's server on the real pages and signs in. An AI client calls its tools through /mcp,
and the person reconnects where the answer says so, at most twice. The exit code says whether that worked.
"""

import itertools
import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask

from app import clock, config, database
from app.accounts import sessions
from app.accounts.models import User
from app.factory import create_app
from app.oauth_server import grants
from app.workspaces.models import Membership, Workspace
from tests.federation.walking import Walk
from tests.support import databases, scratch
from tests.support.keys import SECRET_KEY, VAULT_KEY
from tests.support.mcp_client import Client
from tests.support.sessions import start_session
from tests.support.visitor import Visitor

PUBLIC_URL = "https://conformance-test.local"  # where the suite expects a client's metadata document
_RECONNECTS = 2
# none, or none that can be used here
_WITHOUT_TOOLS = {"initialize", "request-metadata", "json-schema-ref-no-deref"}


def main(url: str) -> int:
    """Walk one scenario. Returns the exit code."""
    scratch.use_memory()
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(config.load(_environ(Path(folder))))
        user, workspace = _owner()
        visitor = Visitor(app)
        visitor.client.set_cookie(
            sessions.cookie_name(app.extensions["patchbay"]),
            start_session(user),
            domain="conformance-test.local",
        )
        walk = Walk(visitor, PUBLIC_URL)
        return _use(app, walk, user, workspace, url, context)


def _use(app: Flask, walk: Walk, user: User, workspace: Workspace, url: str, context: dict[str, Any]) -> int:
    pasted = {name: context[name] for name in ("client_id", "client_secret") if name in context}
    added = walk.add(url, name="Suite", **pasted)
    if added.status_code < 400 and "Please try again" in walk.person.page:
        walk.connect("suite")
    connected = "Suite connected" in walk.person.page
    print("connected" if connected else f"not connected: {walk.sentences()}")
    if not connected:
        return 1
    walk.allow_tools("suite")
    connection = walk.connection_of("suite")
    walk.post("/integrations/suite/permission", {"connection": connection, "level": "write"})
    member: Any = SimpleNamespace(user=user, workspace=workspace)
    with app.app_context(), database.transaction() as db:
        token = grants.issue_personal_token(db, member, "suite", "tools:read tools:write", 86_400)
    client = Client(app, token)
    tools = [name for name in client.tools() if name.startswith("suite_")]
    print("tools:", *tools)
    given = {f"suite_{call['name']}": call["arguments"] for call in context.get("toolCalls", ())}
    results = [_call(walk, client, name, given.get(name), connection) for name in tools]
    lists_none = os.environ.get("MCP_CONFORMANCE_SCENARIO") in _WITHOUT_TOOLS
    return 0 if all(results) and (tools or lists_none) else 1


def _call(walk: Walk, client: Client, name: str, given: dict[str, Any] | None, connection: str) -> bool:
    """Call a tool as AI clients do, with the `given` arguments or small ones; reconnect where it says so."""
    arguments = given or _arguments(client.tools()[name]["inputSchema"])
    for attempt in itertools.count():
        envelope = client.call(name, arguments)
        print(name, json.dumps(envelope)[:600])
        code = "" if envelope["success"] else envelope["error"]["code"]
        if code not in {"RECONNECT_NEEDED", "PERMISSION_DENIED"} or attempt == _RECONNECTS:
            return bool(envelope["success"])
        walk.connect("suite", connection=connection)
    raise AssertionError


def _arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Small values for what a schema requires."""
    values = {"string": "x", "integer": 1, "number": 2, "boolean": True, "array": [], "object": {}}
    required = schema.get("required", [])
    return {
        name: values[part.get("type", "string")]
        for name, part in schema.get("properties", {}).items()
        if name in required
    }


def _environ(folder: Path) -> dict[str, str]:
    return {
        "ENV": "test",
        "PORT": "8000",
        "INSTANCE_DIR": str(folder),
        "PUBLIC_URL": PUBLIC_URL,
        "DATABASE_URL": databases.new_sqlite(folder),
        "SECRET_KEY": SECRET_KEY,
        "VAULT_KEYS": f"t1:{VAULT_KEY}",
        "MCP_SERVERS_PRIVATE_HOSTS": "localhost,127.0.0.1",
    }


def _owner() -> tuple[User, Workspace]:
    at = clock.now()
    user = User(id="usr_alice", email="alice@example.com", name="Alice", created_at=at)
    workspace = Workspace(id="wsp_northwind", name="Northwind", created_at=at)
    with database.transaction() as db:
        db.add_all([user, workspace])
        db.flush()
        db.add(Membership(workspace_id=workspace.id, user_id=user.id, role="owner", created_at=at))
    return user, workspace


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
