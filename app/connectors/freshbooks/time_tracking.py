"""Hours worked, and the projects they belong to."""

from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from app.connectors.api import Api
from app.connectors.freshbooks.business_time import moment, today
from app.connectors.freshbooks.clients import ClientName, find_client
from app.connectors.freshbooks.families import create_business, get_business, list_business, unconfirmed
from app.connectors.freshbooks.values import (
    ClientId,
    Day,
    FreshBooksRow,
    Id,
    OptionalDay,
    PageNumber,
    Text,
    read_as,
)
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, long_day, look_up, mailbox, named
from app.connectors.preview import Preview, facts, quoted
from app.connectors.rows import Page
from app.errors import InvalidArguments

ENTRIES = "/timetracking/business/{business}/time_entries"
_PROJECTS = "/projects/business/{business}/projects"
_PROJECT = "/projects/business/{business}/project/{id}"
_READ = ("user:time_entries:read",)

Hours = Annotated[
    Decimal,
    Field(gt=0, le=24, decimal_places=4),
    WithJsonSchema({"type": "number"}),
]


def hours(seconds: int) -> float:
    """FreshBooks' seconds as hours."""
    return round(seconds / 3600, 2)


class TimeEntry(FreshBooksRow):
    """Time somebody worked."""

    id: int
    started_at: Text = Field("", description="UTC.")
    seconds: int | None = Field(None, validation_alias="duration", exclude=True)
    hours: float | None = None
    note: Text = ""
    client_id: int | None = None
    client: str | None = Field(None, description="Named when it was looked up.")
    project_id: int | None = None
    service_id: int | None = None
    billable: bool = False
    billed: bool = False

    def model_post_init(self, _context: Any) -> None:
        """FreshBooks counts seconds, people count hours."""
        self.hours = None if self.seconds is None else hours(self.seconds)


class TimePage(Page[TimeEntry]):
    """A page of time entries, with sums over all pages."""

    total_logged_hours: float | None = None
    total_unbilled_hours: float | None = None


class Project(FreshBooksRow):
    """A project."""

    id: int = Field(description="Pass as `project_id` to other tools.")
    title: Text = ""
    client_id: int | None = None
    due_date: OptionalDay = None
    active: bool = True
    complete: bool = False


def _preview_of_time(
    api: Api,
    hours: Decimal,
    description: str,
    client_id: int | None,
    client_name: str | None,
    project_id: int | None,
    date: Day | None,
    billable: bool,
    **_more: Any,
) -> Preview:
    """Preview of `log_time`, with the names of client and project. Raises what stops it."""
    _check_one_client(client_id, client_name)
    client = project = None
    if client_name is not None:
        client = find_client(api, None, client_name)
    elif client_id is not None:
        client = look_up(lambda: find_client(api, client_id, None))
    if project_id is not None:
        project = look_up(lambda: _project(api, project_id))
    has_client = client is not None or client_id is not None
    parts = [
        f"Log {hours:f} {'' if billable else 'non-'}billable {'hour' if hours == 1 else 'hours'}",
        f"for {named(client.name) if client else 'a client'}" if has_client else "",
        f"on project {named(project.title)}"
        if project and project.title
        else "on a project"
        if project_id
        else "",
        f"on {long_day(date)}" if date else "",
    ]
    return Preview(
        f"{' '.join(filter(None, parts))}: {quoted(description)}",
        f"Log {hours:f} {'hour' if hours == 1 else 'hours'}",
        facts(
            ("Client", mailbox(client.name, client.email) if client else NO_ACCESS if has_client else ""),
            ("Project", project.title if project else NO_ACCESS if project_id else ""),
        ),
        frozenset({"hours", "description", "billable", "date"}),
    )


@tool(title="Log time", needs_scopes=("user:time_entries:write",), preview=_preview_of_time)
def log_time(
    api: Api,
    hours: Annotated[Hours, Field(description="Such as 1.5.")],
    description: Annotated[str, Field(min_length=1, max_length=2000, description="What was done.")],
    client_id: ClientId = None,
    client_name: ClientName = None,
    project_id: Annotated[Id | None, Field(description="From freshbooks_list_projects.")] = None,
    service_id: Annotated[Id | None, Field(description="Id of the service.")] = None,
    date: Annotated[date | None, Field(description="Default: the business's today.")] = None,
    billable: Annotated[bool, Field(description="Whether the client pays for it.")] = True,
) -> TimeEntry:
    """Log hours that the connected person worked, for a client or project if given. It creates no invoice."""
    _check_one_client(client_id, client_name)
    client = find_client(api, None, client_name) if client_name is not None else None
    fields = {
        "is_logged": True,
        "duration": int((hours * 3600).to_integral_value(ROUND_HALF_UP)),
        "started_at": moment(api, date or today(api), time(12)),
        "client_id": client.id if client else client_id,
        "project_id": project_id,
        "service_id": service_id,
        "note": description,
        "billable": billable,
    }
    with unconfirmed(
        "FreshBooks did not confirm the time entry. Look for it with freshbooks_list_time_entries "
        "before trying again.",
    ):
        entry = read_as(TimeEntry, create_business(api, ENTRIES, "time_entry", fields), wrote=True)
    entry.client = client.name if client else None
    api.say(f"{hours:f} hours were logged.")
    return entry


@tool(title="List time entries", reads_only=True, pages_by="page", needs_scopes=_READ)
def list_time_entries(
    api: Api,
    started_from: Annotated[datetime | None, Field(description="Without an offset: UTC.")] = None,
    started_to: Annotated[datetime | None, Field(description="Likewise.")] = None,
    client_id: ClientId = None,
    project_id: Annotated[Id | None, Field(description="From freshbooks_list_projects.")] = None,
    billable: Annotated[bool | None, Field(description="Whether the client pays for it.")] = None,
    billed: Annotated[bool | None, Field(description="Whether it is on an invoice.")] = None,
    team: Annotated[bool | None, Field(description="Everyone's time, not only the person's own.")] = None,
    page: PageNumber = 1,
) -> TimePage:
    """List logged time, newest first, with the sums of logged and unbilled hours over all pages."""
    filters = {
        "started_from": _moment(started_from),
        "started_to": _moment(started_to),
        "client_id": client_id,
        "project_id": project_id,
        "billable": billable,
        "billed": billed,
        "team": team or None,
        "sort": "-started_at",
    }
    listed = list_business(api, ENTRIES, "time_entries", page=page, filters=filters)
    logged, unbilled = listed.meta.get("total_logged"), listed.meta.get("total_unbilled")
    return TimePage(
        items=[read_as(TimeEntry, record) for record in listed.records],
        next=listed.next,
        total=listed.total,
        total_logged_hours=hours(logged) if isinstance(logged, int) else None,
        total_unbilled_hours=hours(unbilled) if isinstance(unbilled, int) else None,
    )


@tool(title="List projects", reads_only=True, pages_by="page", needs_scopes=("user:projects:read",))
def list_projects(
    api: Api,
    active: Annotated[bool | None, Field(description="Default: all.")] = None,
    page: PageNumber = 1,
) -> Page[Project]:
    """List projects with their `project_id` and due dates. Hours are in freshbooks_list_time_entries."""
    listed = list_business(api, _PROJECTS, "projects", page=page, filters={"active": active})
    rows = [read_as(Project, record) for record in listed.records]
    return Page(
        items=[row for row in rows if active in {None, row.active}], next=listed.next, total=listed.total
    )


def _check_one_client(client_id: int | None, client_name: str | None) -> None:
    """Raises InvalidArguments if both are given."""
    if client_id is not None and client_name is not None:
        raise InvalidArguments("Give client_id or client_name, not both.")


def _project(api: Api, project_id: int) -> Project:
    """One project. Raises ObjectNotFound."""
    return read_as(Project, get_business(api, _PROJECT, "project", project_id))


def _moment(given: datetime | None) -> str | None:
    """A moment as the business family writes it: UTC with a Z."""
    if given is None:
        return None
    aware = given if given.tzinfo else given.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise InvalidArguments("That date is out of range.") from None
