"""Chooses the connection and business of a call, and checks that the call may use them."""

from collections.abc import Collection, Sequence

from app import clock
from app.connectors.connector import LACKS, LACKS_OF_MORE, Connector
from app.connectors.rows import plain
from app.connectors.spec import Business
from app.connectors.tool import Tool
from app.errors import (
    AmbiguousAccount,
    InvalidArguments,
    NotConnected,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
)
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server.callers import AuthenticatedCaller
from app.vault import connection_state, labels
from app.vault.access import businesses_of
from app.vault.models import Connection


def refusal(connector: Connector, tool: Tool, connection: Connection, hub_url: str) -> ToolError | None:
    """Why this tool may not be used on this connection, with where to change that; None if it may."""
    where = f"Change it at {hub_url}."
    if tool.unavailable:
        page = hub_url.removesuffix("/integrations") + (connector.manage_path or "/integrations")
        return PermissionDenied(f"{tool.unavailable} Manage it at {page}.", details={"change_at": page})
    if connection.permission == "off":
        return PermissionDenied(
            f"{connector.name} is switched off for AI clients on this connection. {where}"
        )
    if tool.name_in(connector.slug) in connection.hidden_tools or tool.verb in connection.hidden_tools:
        return PermissionDenied(f"This tool is switched off for this {connector.name} connection. {where}")
    if not tool.reads_only and connection.permission == "read":
        return PermissionDenied(f"This {connector.name} connection is read only. {where}")
    granted = set(connection.scopes.split())
    if granted and tool.needs_scopes and granted.isdisjoint(tool.needs_scopes):
        return PermissionDenied(
            f"{connector.name} has not granted what this tool needs. Reconnect it with more rights at "
            f"{hub_url}.",
            details={"needs_any_of": list(tool.needs_scopes)},
        )
    if any(tool.verb in connection.facts.get(fact, ()) for fact in (LACKS, LACKS_OF_MORE)):
        return PermissionDenied(
            f"{connector.name} does not offer this tool to this account. Use another account, or reconnect "
            f"it with more rights at {hub_url}.",
            details={"needs_any_of": list(tool.needs_scopes)} if tool.needs_scopes else None,
        )
    return None


def account(
    connector: Connector,
    tool: Tool,
    connections: Sequence[Connection],
    named: str | None,
    hub_url: str,
    business_id: str | None = None,
    active: Collection[str] = (),
) -> Connection:
    """The connection of a call. `connections` are those of this service that the caller may see.

    Named by label, account name or id. A read that names none uses the only one that reaches the business it
    names, else the first it may use, preferring `active` ones (with a business chosen on the grant). Raises
    NotConnected, InvalidArguments, AmbiguousAccount, PermissionDenied, ReconnectNeeded.
    """
    if not connections:
        raise NotConnected(f"{connector.name} is not connected yet.")
    names = labels.names_of(connections)
    if named is not None:
        chosen = _named(connections, names, named)
    elif len(connections) == 1:
        chosen = connections[0]
    elif not tool.reads_only:
        raise AmbiguousAccount(
            f"{len(connections)} {connector.name} accounts are connected: name the one to change in "
            "`account`.",
            details={"accounts": list(names.values())},
        )
    elif (
        business_id is not None
        and len(reaching := [c for c in connections if _reaches(connector, c, business_id)]) == 1
    ):
        chosen = reaching[0]
    else:
        chosen = min(
            connections,
            key=lambda c: (
                refusal(connector, tool, c, hub_url) is not None,
                c.state != "connected",
                c.id not in active,
            ),
        )
    if (problem := refusal(connector, tool, chosen, hub_url)) is not None:
        problem.details["account"] = names[chosen.id]
        raise problem
    if not connection_state.may_try(chosen, clock.now()):
        raise BrokenConnection(connector, chosen)
    return chosen


def _reaches(connector: Connector, connection: Connection, named: str) -> bool:
    return (
        connector.business is not None
        and connector.business.find(businesses_of(connection), named) is not None
    )


def not_selected(caller: AuthenticatedCaller, what: str, public_url: str) -> PermissionDenied:
    """Why this AI client may not use something of its person, and where that is changed. `what` begins the
    sentence.
    """
    where = f"{public_url}/ai-clients/{caller.grant_id}"
    return PermissionDenied(
        f"{what} for this AI client ({caller.client_name}). Change it at {where}.",
        details={"change_at": where},
    )


def check_tool_selected(caller: AuthenticatedCaller, listed: ListedTool, public_url: str) -> None:
    """Raises PermissionDenied for a tool that is not selected for this AI client."""
    if not listed.is_selected(caller):
        off = listed.name in caller.selection.tools_off
        what = f"{listed.name} is turned off" if off else f"{listed.name} makes changes, which are turned off"
        raise not_selected(caller, what, public_url)


class BrokenConnection(ReconnectNeeded):
    """The chosen connection must be reconnected. Carries it, so that the prompt reconnects this one."""

    def __init__(self, connector: Connector, connection: Connection, message: str | None = None) -> None:
        self.connection = connection
        super().__init__(message or connection.last_error or f"{connector.name} ended our access.")


def _named(connections: Sequence[Connection], names: dict[str, str], named: str) -> Connection:
    for matches in (
        [c for c in connections if named in {c.id, names[c.id]}],
        [
            c
            for c in connections
            if named.casefold() in {names[c.id].casefold(), c.label.casefold(), c.account_name.casefold()}
        ],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            break
    raise InvalidArguments(
        "account: no single connected account goes by that name.", details={"accounts": list(names.values())}
    )


def business(
    connector: Connector, tool: Tool, connection: Connection, named: str | None, active: str | None
) -> Business | None:
    """The business of a call, or None for tools that concern the whole connection.

    The named one, else the one active on the grant, else the only one, else the service's own default (the
    fact `is_default`). Raises InvalidArguments listing them.
    """
    if connector.business is None or not tool.one_business:
        return None
    word, name = connector.business.word, connector.business.name
    known = businesses_of(connection)
    by_id = {b.id: b for b in known}
    choices = {"businesses": [{"id": b.id, "name": plain(b.name)} for b in known]}
    if named is not None:
        if (found := connector.business.find(known, named)) is None:
            raise InvalidArguments(f"{name}: this connection has no {word} with that id.", details=choices)
        return found
    if active in by_id:
        return by_id[active]
    if len(known) == 1:
        return known[0]
    if (default := next((b for b in known if b.facts.get("is_default") is True), None)) is not None:
        return default
    if not known:
        raise InvalidArguments(
            f"This {connector.name} connection reaches no {word}. Reconnect it and allow one there."
        )
    several = f"{len(known)} {connector.business.words}"
    raise InvalidArguments(
        f"{name}: this connection reaches {several}; say which one, or choose it with set_active_business.",
        details=choices,
    )
