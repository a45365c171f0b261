"""Hours worked, and the projects they belong to."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from app.connectors.api import Api
from app.connectors.freshbooks.clients import ClientName, find_client
from app.connectors.freshbooks.families import create_business, list_business, unconfirmed
from app.connectors.freshbooks.values import FreshBooksRow, Id, OptionalDay, PageNumber, Text, read_as, today
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.errors import InvalidArguments

ENTRIES = "/timetracking/business/{business}/time_entries"
_PROJECTS = "/projects/business/{business}/projects"
_READ = ("user:time_entries:read",)

Hours = Annotated[
    Decimal,
    Field(gt=0, le=24, decimal_places=4),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 24}),
]


def hours(seconds: int) -> float:
    """FreshBooks' seconds as hours."""
    return round(seconds / 3600, 2)


class TimeEntry(FreshBooksRow):
    """Time somebody worked."""

    id: int
    started_at: Text = Field("", description="UTC.")
    seconds: int = Field(validation_alias="duration", exclude=True)
    hours: float = 0
    note: Text = ""
    client_id: int | None = None
    client: str | None = Field(None, description="Named when it was looked up.")
    project_id: int | None = None
    service_id: int | None = None
    billable: bool = False
    billed: bool = False

    def model_post_init(self, _context: Any) -> None:
        """FreshBooks counts seconds, people count hours."""
        self.hours = hours(self.seconds)


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


@tool(title="Log time", needs_scopes=("user:time_entries:write",))
def log_time(
    api: Api,
    hours: Annotated[Hours, Field(description="Hours worked, such as 1.5.")],
    description: Annotated[str, Field(min_length=1, max_length=2000, description="What was done.")],
    client_id: Annotated[
        Id | None, Field(description="Whom it was for; or give client_name; or neither.")
    ] = None,
    client_name: ClientName = None,
    project_id: Annotated[Id | None, Field(description="From freshbooks_list_projects.")] = None,
    service_id: Annotated[Id | None, Field(description="Number of the service in FreshBooks.")] = None,
    date: Annotated[
        date | None, Field(description="Day it was done, YYYY-MM-DD; left out: today (UTC).")
    ] = None,
    billable: Annotated[bool, Field(description="Whether the client is to pay for it.")] = True,
) -> TimeEntry:
    """Log hours the connected person worked in FreshBooks, for a client or project if given.

    It only records time: it makes no invoice. To see what was logged use freshbooks_list_time_entries.
    """
    if client_id is not None and client_name is not None:
        raise InvalidArguments("Give client_id or client_name, not both.")
    client = find_client(api, None, client_name) if client_name is not None else None
    fields = {
        "is_logged": True,
        "duration": int((hours * 3600).to_integral_value(ROUND_HALF_UP)),
        # Noon UTC lies on that calendar day from Hawaii to New Zealand's west.
        "started_at": f"{date or today()}T12:00:00Z",
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
        record = create_business(api, ENTRIES, "time_entry", fields)
    entry = read_as(TimeEntry, record, wrote=True)
    entry.client = client.name if client else None
    api.say(f"{entry.hours:g} hours were logged.")
    return entry


@tool(title="List time entries", reads_only=True, pages_by="page", needs_scopes=_READ)
def list_time_entries(
    api: Api,
    started_from: Annotated[
        datetime | None, Field(description="Only time from this moment on; without an offset it is UTC.")
    ] = None,
    started_to: Annotated[
        datetime | None, Field(description="Only time up to this moment; without an offset it is UTC.")
    ] = None,
    client_id: Annotated[Id | None, Field(description="Only for this client.")] = None,
    project_id: Annotated[Id | None, Field(description="Only for this project.")] = None,
    billable: Annotated[bool | None, Field(description="Only time that is, or is not, to be paid.")] = None,
    billed: Annotated[bool | None, Field(description="Only time that is, or is not, on an invoice.")] = None,
    team: Annotated[
        bool | None, Field(description="true: everybody's time; otherwise the connected person's own.")
    ] = None,
    page: PageNumber = 1,
) -> TimePage:
    """List logged time of a FreshBooks business, newest first, with the sums of logged and unbilled hours.

    Use it for timesheets or to see what can still be invoiced. To record time use freshbooks_log_time.
    """
    filters = {
        "started_from": _moment(started_from),
        "started_to": _moment(started_to),
        "client_id": client_id,
        "project_id": project_id,
        "billable": billable,
        "billed": billed,
        "team": team or None,
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
    active: Annotated[bool | None, Field(description="Only projects that are, or are not, active.")] = None,
    page: PageNumber = 1,
) -> Page[Project]:
    """List the projects of a FreshBooks business.

    Use it to learn a `project_id` or see due dates. Hours are in freshbooks_list_time_entries.
    """
    listed = list_business(api, _PROJECTS, "projects", page=page, filters={"active": active})
    rows = [read_as(Project, record) for record in listed.records]
    return Page(
        items=[row for row in rows if active in {None, row.active}], next=listed.next, total=listed.total
    )


def _moment(given: datetime | None) -> str | None:
    """A moment as the business family writes it: UTC with a Z."""
    if given is None:
        return None
    aware = given if given.tzinfo else given.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise InvalidArguments("That time is too far away.") from None
