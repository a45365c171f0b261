"""Tools that show what is connected and give the link to connect more."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.connectors.function_tool import tool
from app.connectors.rows import Row, plain
from app.connectors.services import services_of
from app.errors import InvalidArguments, PermissionDenied
from app.mcp_server.account_choice import not_selected
from app.mcp_server.service_offers import Offered
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.oauth_server import scopes
from app.vault.access import businesses_of
from app.vault.labels import names_of
from app.vault.models import Connection


class BusinessRow(Row):
    """An organisation inside a connection."""

    id: str
    name: str


class ConnectionRow(Row):
    """One connected account."""

    id: str
    account: str
    account_name: str
    state: Literal["connected", "reconnect_needed"]
    permission: Literal["off", "read", "ask", "write"]
    visibility: Literal["shared", "personal"]
    problem: str | None
    last_used_at: str | None
    businesses: list[BusinessRow]


class ServiceRow(Row):
    """A service and its connections."""

    service: str
    name: str
    summary: str
    state: Literal["connected", "reconnect_needed", "not_connected", "not_configured", "coming_soon"]
    connections: list[ConnectionRow]


class ConnectedServices(Row):
    """Every service there is."""

    services: list[ServiceRow]
    hub_url: str


class ConnectOffer(Row):
    """A one-time link that starts connecting a service."""

    service: str
    name: str
    connected_accounts: list[str]
    connect_url: str
    minutes: int


@tool(title="List connections", reads_only=True, open_world=False)
def list_connections(context: ToolContext) -> ConnectedServices:
    """List services, connected accounts, and what AI clients may do with each.

    Use it first when you don't know what is connected, or when a tool says that a service is not connected.
    """
    rows = [
        _service(entry, [c for c in context.connections if c.slug == entry.slug])
        for entry in context.offered()
    ]
    connected = sum(len(row.connections) for row in rows)
    context.say(
        f"{connected} connected account{'' if connected == 1 else 's'} in workspace "
        f"{plain(context.caller.workspace_name)}."
    )
    return ConnectedServices(services=rows, hub_url=context.hub_url)


@tool(title="Connect a service", destructive=False, open_world=False)
def connect_service(
    context: ToolContext,
    service: Annotated[
        str, Field(max_length=32, description="Such as `xero`; hub_list_connections lists them.")
    ],
) -> ConnectOffer:
    """Get a one-time link with which the person connects a service, or adds another account of it.

    Give the link to the person: it opens in their browser, where they sign in. Nothing is connected until
    they approve there.
    """
    if context.caller.is_operator_key:
        raise PermissionDenied(
            "An operator's API key connects nothing: a member of the workspace does, on its integrations "
            "page."
        )
    if service in context.not_selected:
        name = services_of(context.caller.workspace_id).get(service).name
        raise not_selected(
            context.caller, f"{name} is connected, but not selected", context.settings.public_url
        )
    available = [entry.slug for entry in context.offered() if entry.state == "not_connected"]
    if service not in available:
        raise InvalidArguments(
            "service: there is no service with that name here.", details={"services": available}
        )
    connector = services_of(context.caller.workspace_id).get(service)
    mine = [c for c in context.connections if c.slug == service]
    url = context.make_link(connector)
    context.say(
        f"Open the link, signed in as {context.caller.email}, to connect {connector.name}. It works once, "
        "for 30 minutes."
    )
    return ConnectOffer(
        service=service,
        name=connector.name,
        connected_accounts=list(names_of(mine).values()),
        connect_url=url,
        minutes=30,
    )


TOOLS = (
    BuiltIn("hub_list_connections", list_connections, also=scopes.NARROW),
    BuiltIn("hub_connect_service", connect_service, also=scopes.NARROW),
)


def _service(entry: Offered, mine: Sequence[Connection]) -> ServiceRow:
    if not mine:
        return ServiceRow(
            service=entry.slug, name=entry.name, summary=entry.summary, state=entry.state, connections=[]
        )
    return ServiceRow(
        service=entry.slug,
        name=entry.name,
        summary=entry.summary,
        state="connected" if any(c.state == "connected" for c in mine) else "reconnect_needed",
        connections=[_connection(c, label) for c, label in zip(mine, names_of(mine).values(), strict=True)],
    )


def _connection(connection: Connection, label: str) -> ConnectionRow:
    return ConnectionRow(
        id=connection.id,
        account=label,
        account_name=connection.account_name,
        state="connected" if connection.state == "connected" else "reconnect_needed",
        permission=connection.permission,  # type: ignore[arg-type]
        visibility=connection.visibility,  # type: ignore[arg-type]
        problem=connection.last_error,
        last_used_at=connection.last_used_at.isoformat() if connection.last_used_at else None,
        businesses=[BusinessRow(id=b.id, name=b.name) for b in businesses_of(connection)],
    )
