"""MCP servers of a workspace, written as rows: for tests of what comes after adding and connecting."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlmodel import select

from app import clock, config, crypto, database, workspace_versions
from app.connectors.spec import Account
from app.federation import source
from app.federation.definitions import digest_of, pinned_part
from app.federation.models import McpServer, McpServerTool, McpToolList
from app.vault import store
from app.vault.models import Connection
from app.vault.token_endpoint import TokenSet
from app.workspaces.models import Workspace
from tests.support import loops


def listed(url: str, key: str = "") -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """What the official SDK's client sees of a server: its revision, what it says of itself, its tools."""

    async def look() -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=60)
        async with http, Client(streamable_http_client(url, http_client=http)) as client:
            tools = (await client.list_tools(cache_mode="bypass")).tools
            info = client.server_info
            definitions = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
            return client.protocol_version, info.model_dump(mode="json", exclude_none=True), definitions

    return loops.run(look())  # type: ignore[no-any-return]


def add_server(
    workspace_id: str,
    url: str,
    *,
    slug: str = "notebook",
    name: str = "Notebook",
    access: str = "none",
    key: str = "",
    accept_hints: bool = True,
    definitions: Sequence[dict[str, Any]] | None = None,
) -> str:
    """A server with every tool that it lists now, approved. Gives its id.

    `accept_hints`: an admin accepted each `readOnlyHint`.
    """
    revision, info, tools = listed(url, key)
    at = clock.now()
    server = McpServer(
        id=crypto.new_id("mcs"),
        workspace_id=workspace_id,
        slug=slug,
        name=name,
        url=url,
        added_at=at,
        access=access,
        revision=revision,
        info={"serverInfo": info},
        checked_at=at,
    )
    rows = [
        McpServerTool(
            server_id=server.id,
            name=tool["name"],
            workspace_id=workspace_id,
            verb=tool["name"].replace("-", "_").lower(),
            state="approved",
            definition=pinned_part(tool),
            digest=digest_of(tool),
            reads_only=accept_hints and bool(tool.get("annotations", {}).get("readOnlyHint")),
            first_seen_at=at,
            decided_at=at,
        )
        for tool in (tools if definitions is None else definitions)
    ]
    with database.transaction() as db:
        db.add(server)
        db.flush()
        db.add_all(rows)
        source.touch(db, workspace_id)
        version = db.exec(select(Workspace.services_version).where(Workspace.id == workspace_id)).one()
    workspace_versions.note(workspace_id, version)
    return server.id


def connect_server(
    settings: config.Settings,
    user: Any,
    workspace_id: str,
    *,
    slug: str = "notebook",
    name: str = "Notebook",
    token: str = "none",
    auth_method: str = "key",
    **columns: Any,
) -> Connection:
    """A connection of that person to a server that was added, with `columns` such as `permission`."""
    with database.transaction() as db:
        connection = store.connect(
            db,
            workspace_id=workspace_id,
            owner_id=user.id,
            slug=slug,
            account=Account(key=f"{slug}:{user.id}:{token}", name=name),
            tokens=TokenSet(token, auth_method=auth_method, has_no_expiry=True),
            scopes="",
            keys=settings.vault_keys,
        )
        for column, value in columns.items():
            setattr(connection, column, value)
    return connection


def list_is_good(connection: Connection) -> None:
    """The connection's tools were listed just now: no call asks the server for them."""
    at = clock.now()
    good = {"fetched_at": at, "expires_at": at + timedelta(minutes=5)}
    with database.transaction() as db:
        db.add(McpToolList(connection_id=connection.id, workspace_id=connection.workspace_id, **good))
