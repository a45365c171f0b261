"""Summaries across services: a day or a period, over every connected service. Each service adds its own
parts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from app.connectors.function_tool import FunctionTool, tool
from app.connectors.rows import Row
from app.connectors.services import services_of
from app.connectors.summary import Part, Summarizing
from app.connectors.summary_days import DateRange, OneDay, Preset, ReportingPeriod, find_zone
from app.database import reading
from app.errors import (
    PatchbayError,
    PermissionDenied,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.mcp_server import account_choice
from app.mcp_server.tools import active_business, summary_sources
from app.mcp_server.tools.fan_out import Source, SourceResult, gather
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.mcp_server.tools.summary_sources import Warning
from app.oauth_server import scopes
from app.vault.access import open_api
from app.vault.models import Connection
from app.workspaces.models import Workspace

Service = Annotated[
    str | None,
    Field(max_length=32, description="Only this one, such as xero; default all."),
]


class SourcePart(Part):
    """A part and where it comes from."""

    source: str
    service: str
    account: str
    business: str | None = None
    business_id: str | None = None


class Summary(Row):
    """What the connected services know about the days."""

    parts: list[SourcePart]
    warnings: list[Warning] = Field(description="What is missing: say so to the person.")


@tool(title="Summarize a day", reads_only=True)
def summarize_day(
    context: ToolContext,
    date: Annotated[
        date | None, Field(description="YYYY-MM-DD; default today, in each business's own time zone.")
    ] = None,
    service: Service = None,
) -> Summary:
    """Summarize a day across connected services, compared with the same weekday a week before: sales, best
    products, locations, payments, invoices, overdue.

    Use it for "how was today". Each part is one account and currency: never add up different currencies.
    """
    return _summarize(context, summarize_day, OneDay(date), service)


@tool(title="Summarize a period", reads_only=True)
def summarize_period(
    context: ToolContext,
    first: Annotated[date | None, Field(alias="from", description="First day, YYYY-MM-DD.")] = None,
    to: Annotated[date | None, Field(description="Last day, YYYY-MM-DD, at most 366 in all.")] = None,
    preset: Annotated[Preset | None, Field(description="Instead of from and to.")] = None,
    service: Service = None,
) -> Summary:
    """Summarize a period across connected services, compared with the period before (months with months):
    sales, best products, locations, payments, invoices, overdue.

    Use it for "how was last month". Each part is one account and currency: never add up different currencies.
    """
    return _summarize(context, summarize_period, DateRange(first, to, preset), service)


def _offer(tool: FunctionTool) -> BuiltIn:
    def is_offered(connections: Sequence[Connection]) -> bool:
        return any(
            summary_sources.refusal(tool, connection, "") is None
            for connection in summary_sources.with_figures(connections)
        )

    return BuiltIn(tool.verb, tool, scopes.POS_INTENTS, is_offered=is_offered)


TOOLS = tuple(map(_offer, (summarize_day, summarize_period)))


def _summarize(
    context: ToolContext, tool: FunctionTool, period: ReportingPeriod, service: str | None
) -> Summary:
    connections = summary_sources.connections_for(context, tool, service)
    sources, warnings = summary_sources.sources_of(context, connections)
    if not sources and len(connections) == 1 and connections[0].state != "connected":
        raise account_choice.BrokenConnection(
            services_of(connections[0].workspace_id).get(connections[0].slug), connections[0]
        )
    context.admit()
    zone, started = _zone_of(context.caller.workspace_id), time.perf_counter()
    gathered = gather(
        sources,
        lambda one, until: open_api(
            context.settings,
            one.connection,
            business=one.business,
            deadline=until,
            cancelled=context.cancelled,
        ),
        lambda one, api: _ask(context, one, Summarizing(api, period, zone)),
        cancelled=context.cancelled,
        report=context.report,
    )
    context.waited_ms = (time.perf_counter() - started) * 1000
    parts: list[SourcePart] = []
    for one in gathered:
        context.calls += one.calls
        context.called.append(one.source.connection.id)
        if one.result is not None:
            context.used.append(one.source.connection.id)
            parts += [_with_source(one.source, part) for part in one.result.parts]
            warnings += [
                summary_sources.warning_of(context, one.source, problem, what)
                for what, problem in one.result.problems
            ]
        elif one.problem is not None:
            warnings.append(summary_sources.warning_of(context, one.source, one.problem))
    if not parts:
        raise _nothing_came(connections, gathered, warnings)
    context.say(
        _message(
            context, [one.source for one in gathered if one.result is not None], len(parts), len(warnings)
        )
    )
    return Summary(parts=parts, warnings=warnings)


def _ask(context: ToolContext, source: Source, summarizing: Summarizing) -> "_ServiceSummary":
    """The service's summary of one business. Runs in its own thread."""
    summarize = source.connector.summarize
    assert summarize is not None  # `summary_sources.with_figures`
    try:
        parts = summarize(summarizing)
        summarizing.stop_if_nothing_was_read()
    except PermissionDenied as refused:
        if source.business is None:
            raise
        raise active_business.explain(
            context.settings, context.caller, source.connection, source.business, refused
        ) from None
    return _ServiceSummary(parts, summarizing.problems)


@dataclass(frozen=True)
class _ServiceSummary:
    """A service's parts, and what could not be read."""

    parts: list[Part]
    problems: list[tuple[str, ToolError]]


def _with_source(source: Source, part: Part) -> SourcePart:
    return SourcePart(
        **{name: getattr(part, name) for name in Part.model_fields},
        source=source.connector.slug,
        service=source.connector.name,
        account=source.account,
        business=summary_sources.name_of(source.business),
        business_id=source.business.id if source.business else None,
    )


def _nothing_came(
    connections: Sequence[Connection],
    gathered: Sequence[SourceResult[_ServiceSummary]],
    warnings: Sequence[Warning],
) -> PatchbayError:
    """The error of a summary without any part: the service's own if only one was called."""
    problem = next((one.problem for one in gathered if one.problem is not None), None)
    if len(connections) == 1 and isinstance(problem, ReconnectNeeded):
        return account_choice.BrokenConnection(
            services_of(connections[0].workspace_id).get(connections[0].slug), connections[0], problem.message
        )
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


def _message(context: ToolContext, sources: Sequence[Source], parts: int, warnings: int) -> str:
    used = []
    for source in sources:
        words = f"{source.connector.name} account: {source.account}"
        if source.business is not None and source.connector.business is not None:
            is_active = context.caller.active_businesses.get(source.connection.id) == source.business.id
            words += (
                f"; {source.connector.business.word}: "
                f"{summary_sources.name_of(source.business)}{' (the active one)' if is_active else ''}"
            )
        used.append(words + ".")
    lacking = f" {_counted(warnings, 'warning')}: something is missing." if warnings else ""
    return f"{_counted(parts, 'part')}.{lacking} {' '.join(used)}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _zone_of(workspace_id: str) -> ZoneInfo:
    """The workspace's time zone, for services that name none."""
    with reading() as db:
        workspace = db.get(Workspace, workspace_id)
    return find_zone(workspace.timezone if workspace else None) or ZoneInfo("UTC")
