"""Jobs: what is to be done, where, when and by whom."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.servicefusion import previews, statuses, work
from app.connectors.servicefusion.customers import CustomerRow
from app.connectors.servicefusion.records import create_record, one, page_of, present
from app.connectors.servicefusion.values import (
    LongText,
    Money,
    PageNumber,
    PerPage,
    RecordId,
    Text,
    When,
    Word,
    moment,
)
from app.errors import ObjectNotFound

_LATEST_FIRST = "-start_date,-id"


class JobRow(work.WorkRow):
    """A job in a list."""

    priority: Text = None
    end_date: When = None
    due_total: Money | None = None
    payment_status: Text = None
    closed_at: When = None


class Job(work.WorkDetails, JobRow):
    """A job with its people, notes and lines."""

    po_number: Text = None
    completion_notes: Text = None
    note_to_customer: Text = None


@tool(title="List ServiceFusion jobs", reads_only=True, pages_by="page")
def list_jobs(
    api: Api,
    status: work.Statuses = None,
    number: Annotated[Word | None, Field(description="Part of it.")] = None,
    customer_name: Annotated[Word | None, Field(description="Part of it.")] = None,
    category: Annotated[Word | None, Field(description="Exact.")] = None,
    start_date_from: work.FirstDay = None,
    start_date_to: work.LastDay = None,
    updated_since: Annotated[datetime | None, Field(description="UTC without an offset.")] = None,
    city: Annotated[Word | None, Field(description="Exact.")] = None,
    zip_code: Annotated[str | None, Field(max_length=20, description="Exact.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[JobRow]:
    """List jobs, latest start first: customer, status, time, place, technicians, balance due.

    Amounts are in the company's currency, which ServiceFusion does not name. For all jobs of one customer
    use servicefusion_get_customer_job_history.
    """
    check_order(start_date_from, start_date_to)
    filters = {
        "[status]": statuses.joined(status),
        "[number]": number,
        "[customer_name]": customer_name,
        "[category]": category,
        "[start_date][gte]": start_date_from,
        "[start_date][lte]": start_date_to,
        "[updated_date][gte]": updated_since and moment(updated_since),
        "[city]": city,
        "[zip_code]": zip_code,
    }
    found = _page(api, page, per_page, filters)
    statuses.check_known(api, "/v1/jobs", status, found)
    return found


@tool(title="Get ServiceFusion job", reads_only=True)
def get_job(
    api: Api,
    job_id: Annotated[RecordId, Field(description="Not the job number.")],
) -> Job:
    """Get one job with its technicians, notes, products and services."""
    return work.get(api, "/v1/jobs/{id}", job_id, Job)


@tool(title="Get ServiceFusion job history", reads_only=True, pages_by="page")
def get_customer_job_history(
    api: Api,
    customer_id: Annotated[RecordId, Field(description="From servicefusion_list_customers.")],
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[JobRow]:
    """List all jobs of one customer, latest start first.

    A page may be short, because jobs of customers with similar names are left out.
    """
    customer = one(api, "/v1/customers/{id}", customer_id, CustomerRow)
    if customer.customer_name is None:
        raise ObjectNotFound(
            "ServiceFusion has no name for this customer, and its jobs are found by name only. Use "
            "servicefusion_list_jobs with other filters."
        )
    found = _page(api, page, per_page, {"[customer_name]": customer.customer_name})
    # The filter matches names, similar ones included; there is none by id.
    return Page(items=[job for job in found.items if job.customer_id == customer_id], next=found.next)


@tool(title="Create ServiceFusion job", destructive=False, preview=previews.create_job)
def create_job(
    api: Api,
    customer_id: work.CustomerId = None,
    customer_name: work.CustomerName = None,
    description: work.Description = None,
    status: work.NewStatus = None,
    category: work.NewCategory = None,
    priority: Annotated[
        Literal["Low", "Normal", "High"] | None, Field(description="Normal if left out.")
    ] = None,
    start_date: work.FirstDay = None,
    duration_minutes: Annotated[
        int | None, Field(ge=5, le=100_000, description="An hour if left out.")
    ] = None,
    technician_ids: Annotated[
        list[RecordId] | None, Field(max_length=20, description="From servicefusion_list_technicians.")
    ] = None,
    tech_notes: Annotated[LongText | None, Field(description="For the technicians.")] = None,
    po_number: Annotated[Word | None, Field(description="The customer's.")] = None,
    products: work.Products = None,
    services: work.Services = None,
) -> Job:
    """Create a job for a customer, by customer_id if possible.

    It can't be changed or deleted from here: check before repeating the call.
    """
    customer, lines = work.customer_of(customer_id, customer_name), work.lines_of(products, services)
    fields = present(
        description=description,
        status=status,
        category=category,
        priority=priority,
        start_date=start_date,
        duration=duration_minutes and duration_minutes * 60,
        techs_assigned=[{"id": id_} for id_ in technician_ids or ()],
        tech_notes=tech_notes,
        po_number=po_number,
    )
    made = create_record(api, "/v1/jobs", Job, {**customer, **fields, **lines}, work.DETAILS)
    api.say("The job was created.")
    return made


def _page(api: Api, page: int, per_page: int, filters: Mapping[str, object]) -> Page[JobRow]:
    return page_of(
        api,
        "/v1/jobs",
        JobRow,
        page=page,
        per_page=per_page,
        sort=_LATEST_FIRST,
        filters=filters,
        expand=work.TECHNICIANS,
    )
