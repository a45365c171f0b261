"""The sources of a summary: which connections and businesses it reads, and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.connectors.function_tool import FunctionTool
from app.connectors.rows import Row, plain
from app.connectors.services import services_of
from app.connectors.spec import Business
from app.errors import (
    InvalidArguments,
    NotConnected,
    PatchbayError,
    ReconnectNeeded,
    ToolError,
)
from app.mcp_server import account_choice
from app.mcp_server.tools.fan_out import Source
from app.mcp_server.tools.spec import ToolContext
from app.vault.access import businesses_of
from app.vault.labels import names_of
from app.vault.models import Connection

_MOST_SOURCES = 12


class Warning(Row):
    """What is missing from the summary, and what to do about it."""

    source: str
    account: str
    business: str | None
    code: str
    message: str


def refusal(tool: FunctionTool, connection: Connection, hub_url: str) -> ToolError | None:
    """Why the connection may add no part; None if it may."""
    connector = services_of(connection.workspace_id).get(connection.slug)
    return account_choice.refusal(
        connector, replace(tool, needs_scopes=connector.summary_scopes), connection, hub_url
    )


def with_figures(connections: Sequence[Connection]) -> list[Connection]:
    """The connections of services that have summaries, in the hub's order."""
    if not connections:
        return []
    services = services_of(connections[0].workspace_id)
    able = [connector.slug for connector in services if connector.summarize is not None]
    return sorted((c for c in connections if c.slug in able), key=lambda c: able.index(c.slug))


def connections_for(context: ToolContext, tool: FunctionTool, service: str | None) -> list[Connection]:
    """The connections to read. Raises InvalidArguments, NotConnected, PermissionDenied (the first reason)."""
    able = with_figures(context.connections)
    connections = [connection for connection in able if service in (None, connection.slug)]
    unselected = [
        connector.name
        for connector in services_of(context.caller.workspace_id)
        if connector.summarize is not None and connector.slug in context.not_selected
        if connector.slug == service or (service is None and not able)
    ]
    if unselected:
        what = f"{' and '.join(unselected)} {'is' if len(unselected) == 1 else 'are'} not selected"
        raise account_choice.not_selected(context.caller, what, context.settings.public_url)
    if not connections and able:
        raise InvalidArguments(
            "service: none of that name is connected here and has figures.",
            details={"services": _slugs(able)},
        )
    if not connections:
        names = (", ").join(
            connector.name
            for connector in services_of(context.caller.workspace_id)
            if connector.summarize is not None
        )
        raise NotConnected(f"Nothing with figures is connected. Connect one of {names} at {context.hub_url}.")
    refused = {connection.id: refusal(tool, connection, context.hub_url) for connection in connections}
    allowed = [connection for connection in connections if refused[connection.id] is None]
    if not allowed:
        raise next(problem for problem in refused.values() if problem is not None)
    return allowed


def sources_of(context: ToolContext, connections: Sequence[Connection]) -> tuple[list[Source], list[Warning]]:
    """Each business of each connection, or the active one; and what cannot be read at all."""
    found: list[Source] = []
    warnings: list[Warning] = []
    labels = {
        c.id: label
        for slug in _slugs(connections)
        for c, label in _labelled([c for c in context.connections if c.slug == slug])
    }
    for connection in connections:
        connector = services_of(connection.workspace_id).get(connection.slug)
        if connection.state != "connected":
            broken = Source(connector, connection, labels[connection.id], None)
            warnings.append(
                warning_of(context, broken, account_choice.BrokenConnection(connector, connection))
            )
            continue
        businesses: list[Business | None] = [None]
        if connector.business is not None:
            known = businesses_of(connection)
            active = context.caller.active_businesses.get(connection.id)
            businesses = [b for b in known if b.id == active] or list(known)
            if not known:
                empty = ReconnectNeeded(
                    f"This {connector.name} connection no longer reaches any {connector.business.word}."
                )
                warnings.append(
                    warning_of(context, Source(connector, connection, labels[connection.id], None), empty)
                )
        found += [Source(connector, connection, labels[connection.id], business) for business in businesses]
    for left_out in found[_MOST_SOURCES:]:
        why = InvalidArguments(
            f"Only {_MOST_SOURCES} are read at once. Choose with set_active_business, or name a service."
        )
        warnings.append(warning_of(context, left_out, why))
    return found[:_MOST_SOURCES], warnings


def warning_of(context: ToolContext, source: Source, problem: PatchbayError, what: str = "") -> Warning:
    """The warning about a source, or about one part (`what`) of it."""
    message = f"No {what}: {problem.message}" if what else problem.message
    if isinstance(problem, ReconnectNeeded) and context.hub_url not in message:
        message += f" Reconnect {source.connector.name} at {context.hub_url}."
    return Warning(
        source=source.connector.slug,
        account=source.account,
        business=name_of(source.business),
        code=problem.code,
        message=message,
    )


def name_of(business: Business | None) -> str | None:
    """The business's name, safe to send; None if there is none."""
    return str(plain(business.name)) if business else None


def _slugs(connections: Sequence[Connection]) -> list[str]:
    return list(dict.fromkeys(connection.slug for connection in connections))


def _labelled(connections: Sequence[Connection]) -> Iterator[tuple[Connection, str]]:
    labels = names_of(connections)
    return ((connection, labels[connection.id]) for connection in connections)
