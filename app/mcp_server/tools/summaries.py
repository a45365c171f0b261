"""Summaries across services: how a day or a period went, over whatever is connected. Each service adds its
own part.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from app.connectors import registry
from app.connectors.spec import Business
from app.connectors.summary import OneDay, Part, Period, Preset, Summarizing, Wanted, find_zone
from app.connectors.tool import Row, Tool, plain, tool
from app.database import reading
from app.errors import (
    InvalidArguments,
    NotConnected,
    PatchbayError,
    PermissionDenied,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.mcp_server import account_choice
from app.mcp_server.tools import active_business
from app.mcp_server.tools.fan_out import Gathered, Source, gather
from app.mcp_server.tools.spec import BuiltIn, Hub
from app.oauth_server import scopes
from app.vault.access import businesses_of, open_api
from app.vault.models import Connection
from app.workspaces.models import Workspace

_MOST_SOURCES = 12

Service = Annotated[
    str | None,
    Field(max_length=32, description="Only this service, such as flowpos; all connected ones when left out."),
]


class SourcePart(Part):
    """A part and where it comes from."""

    source: str
    service: str
    account: str
    business: str | None
    business_id: str | None


class Warning(Row):
    """What is missing from the summary, and what to do about it."""

    source: str
    account: str
    business: str | None
    code: str
    message: str


class Summary(Row):
    """What the connected services know about the days."""

    parts: list[SourcePart]
    warnings: list[Warning] = Field(description="What is missing: say so to the person.")


@tool(title="Summarize a day", reads_only=True)
def summarize_day(
    hub: Hub,
    date: Annotated[
        date | None, Field(description="YYYY-MM-DD; today in each business's own time zone when left out.")
    ] = None,
    service: Service = None,
) -> Summary:
    """Summarize a day over every connected service: sales, best products, payments, invoices, what is
    overdue.

    Use it for "how was today", beside the same weekday a week before. Each part is one account and currency:
    never add currencies up. For several days use summarize_period; for details the tools of the service
    itself.
    """
    return _summarize(hub, summarize_day, OneDay(date), service)


@tool(title="Summarize a period", reads_only=True)
def summarize_period(
    hub: Hub,
    first: Annotated[date | None, Field(alias="from", description="First day, YYYY-MM-DD.")] = None,
    to: Annotated[date | None, Field(description="Last day; at most 366 days in all.")] = None,
    preset: Annotated[
        Preset | None, Field(description="Instead of from and to; 7d and 30d include today.")
    ] = None,
    service: Service = None,
) -> Summary:
    """Summarize a period over every connected service: sales, best products, payments, invoices, what is
    overdue.

    Use it for "how was last month", beside as many days before. Each part is one account and currency: never
    add currencies up. For a single day use summarize_day.
    """
    return _summarize(hub, summarize_period, Period(first, to, preset), service)


def _refusal(tool: Tool, connection: Connection, hub_url: str) -> ToolError | None:
    """Why the connection may add no part, or None when it may."""
    connector = registry.get(connection.slug)
    return account_choice.refusal(
        connector, replace(tool, needs_scopes=connector.summary_scopes), connection, hub_url
    )


def _with_figures(connections: Sequence[Connection]) -> list[Connection]:
    """The connections of services that have a part to add, in the hub's order."""
    able = [slug for slug, connector in registry.CONNECTORS.items() if connector.summarize is not None]
    return sorted((c for c in connections if c.slug in able), key=lambda c: able.index(c.slug))


def _offer(tool: Tool) -> BuiltIn:
    def is_offered(connections: Sequence[Connection]) -> bool:
        return any(_refusal(tool, connection, "") is None for connection in _with_figures(connections))

    return BuiltIn(tool.verb, tool, scopes.POS_INTENTS, is_offered=is_offered)


TOOLS = tuple(map(_offer, (summarize_day, summarize_period)))


def _summarize(hub: Hub, tool: Tool, wanted: Wanted, service: str | None) -> Summary:
    mine = _chosen(hub, tool, service)
    sources, warnings = _sources(hub, mine)
    if not sources and len(mine) == 1 and mine[0].state != "connected":
        raise account_choice.Broken(registry.get(mine[0].slug), mine[0])
    hub.admit()
    zone, started = _zone_of(hub.caller.workspace_id), time.perf_counter()
    gathered = gather(
        sources,
        lambda one, until: open_api(
            hub.settings, one.connection, business=one.business, deadline=until, cancelled=hub.cancelled
        ),
        lambda one, api: _ask(hub, one, Summarizing(api, wanted, zone)),
        cancelled=hub.cancelled,
        report=hub.report,
    )
    hub.waited_ms = (time.perf_counter() - started) * 1000
    parts: list[SourcePart] = []
    for one in gathered:
        hub.calls += one.calls
        hub.asked.append(one.source.connection.id)
        if one.result is not None:
            hub.used.append(one.source.connection.id)
            parts += [_with_source(one.source, part) for part in one.result.parts]
            warnings += [_warning(hub, one.source, problem, what) for what, problem in one.result.problems]
        elif one.problem is not None:
            warnings.append(_warning(hub, one.source, one.problem))
    if not parts:
        raise _nothing_came(mine, gathered, warnings)
    hub.say(
        _message(hub, [one.source for one in gathered if one.result is not None], len(parts), len(warnings))
    )
    return Summary(parts=parts, warnings=warnings)


def _chosen(hub: Hub, tool: Tool, service: str | None) -> list[Connection]:
    """The connections to ask. Raises InvalidArguments, NotConnected, or PermissionDenied with the reason
    of the first.
    """
    able = _with_figures(hub.connections)
    mine = [connection for connection in able if service in (None, connection.slug)]
    if not mine and able:
        raise InvalidArguments(
            "service: none of that name is connected here and has figures.",
            details={"services": _slugs(able)},
        )
    if not mine:
        names = (", ").join(
            connector.name for connector in registry.CONNECTORS.values() if connector.summarize is not None
        )
        raise NotConnected(f"Nothing with figures is connected. Connect one of {names} at {hub.hub_url}.")
    refused = {connection.id: _refusal(tool, connection, hub.hub_url) for connection in mine}
    allowed = [connection for connection in mine if refused[connection.id] is None]
    if not allowed:
        raise next(problem for problem in refused.values() if problem is not None)
    return allowed


def _sources(hub: Hub, connections: Sequence[Connection]) -> tuple[list[Source], list[Warning]]:
    """Each business of each connection, or the one that was chosen as active; and what cannot be asked at
    all.
    """
    found: list[Source] = []
    warnings: list[Warning] = []
    labels = {
        c.id: label
        for slug in _slugs(connections)
        for c, label in _labelled([c for c in hub.connections if c.slug == slug])
    }
    for connection in connections:
        connector = registry.get(connection.slug)
        if connection.state != "connected":
            broken = Source(connector, connection, labels[connection.id], None)
            warnings.append(_warning(hub, broken, account_choice.Broken(connector, connection)))
            continue
        businesses: list[Business | None] = [None]
        if connector.business is not None:
            known = businesses_of(connection)
            active = hub.caller.active_businesses.get(connection.id)
            businesses = [b for b in known if b.id == active] or list(known)
            if not known:
                empty = ReconnectNeeded(
                    f"This {connector.name} connection reaches no {connector.business.word} any more."
                )
                warnings.append(
                    _warning(hub, Source(connector, connection, labels[connection.id], None), empty)
                )
        found += [Source(connector, connection, labels[connection.id], business) for business in businesses]
    for left_out in found[_MOST_SOURCES:]:
        why = InvalidArguments(
            f"Only {_MOST_SOURCES} are read at once. Choose with set_active_business, or name a service."
        )
        warnings.append(_warning(hub, left_out, why))
    return found[:_MOST_SOURCES], warnings


def _ask(hub: Hub, source: Source, asked: Summarizing) -> "_Told":
    """What the service tells about one business. Runs in a thread of its own."""
    summarize = source.connector.summarize
    assert summarize is not None  # `_with_figures`
    try:
        parts = summarize(asked)
        asked.stop_if_nothing_was_read()
    except PermissionDenied as refused:
        if source.business is None:
            raise
        raise active_business.explain(
            hub.settings, hub.caller, source.connection, source.business, refused
        ) from None
    return _Told(parts, asked.problems)


@dataclass(frozen=True)
class _Told:
    """A service's parts, and what of them could not be read."""

    parts: list[Part]
    problems: list[tuple[str, ToolError]]


def _with_source(source: Source, part: Part) -> SourcePart:
    return SourcePart(
        **{name: getattr(part, name) for name in Part.model_fields},
        source=source.connector.slug,
        service=source.connector.name,
        account=source.account,
        business=_name_of(source.business),
        business_id=source.business.id if source.business else None,
    )


def _warning(hub: Hub, source: Source, problem: PatchbayError, what: str = "") -> Warning:
    message = f"No {what}: {problem.message}" if what else problem.message
    if isinstance(problem, ReconnectNeeded) and hub.hub_url not in message:
        message += f" Reconnect {source.connector.name} at {hub.hub_url}."
    return Warning(
        source=source.connector.slug,
        account=source.account,
        business=_name_of(source.business),
        code=problem.code,
        message=message,
    )


def _nothing_came(
    mine: Sequence[Connection], gathered: Sequence[Gathered[_Told]], warnings: Sequence[Warning]
) -> PatchbayError:
    """The error of a summary without any part: the service's own where there was but one to ask."""
    problem = next((one.problem for one in gathered if one.problem is not None), None)
    if len(mine) == 1 and isinstance(problem, ReconnectNeeded):
        return account_choice.Broken(registry.get(mine[0].slug), mine[0], problem.message)
    if len(warnings) == 1 and problem is not None:
        return problem
    details = {"warnings": [warning.model_dump() for warning in warnings]}
    if all(warning.code == ReconnectNeeded.code for warning in warnings):
        return ReconnectNeeded(
            "Every connected service with figures needs to be reconnected; the details say where.",
            details=details,
        )
    return ProviderUnavailable(
        "None of the connected services could be read now; the details say why for each.", details=details
    )


def _message(hub: Hub, sources: Sequence[Source], parts: int, warnings: int) -> str:
    used = []
    for source in sources:
        words = f"{source.connector.name} account: {source.account}"
        if source.business is not None and source.connector.business is not None:
            is_active = hub.caller.active_businesses.get(source.connection.id) == source.business.id
            words += (
                f"; {source.connector.business.word}: "
                f"{_name_of(source.business)}{' (the active one)' if is_active else ''}"
            )
        used.append(words + ".")
    lacking = f" {_counted(warnings, 'warning')}: something is missing." if warnings else ""
    return f"{_counted(parts, 'part')}.{lacking} {' '.join(used)}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _name_of(business: Business | None) -> str | None:
    return str(plain(business.name)) if business else None


def _slugs(connections: Sequence[Connection]) -> list[str]:
    return list(dict.fromkeys(connection.slug for connection in connections))


def _labelled(connections: Sequence[Connection]) -> Iterator[tuple[Connection, str]]:
    labels = account_choice.labels_of(connections)
    return ((connection, labels[connection.id]) for connection in connections)


def _zone_of(workspace_id: str) -> ZoneInfo:
    """The workspace's time zone, for services that name none."""
    with reading() as db:
        workspace = db.get(Workspace, workspace_id)
    return find_zone(workspace.timezone if workspace else None) or ZoneInfo("UTC")
