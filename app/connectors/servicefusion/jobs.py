"""Jobs: what is to be done, where, when and by whom."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.servicefusion import work
from app.connectors.servicefusion.customers import CustomerRow
from app.connectors.servicefusion.records import create_record, one, page_of, present
from app.connectors.servicefusion.values import Money, PageNumber, PerPage, RecordId, Text, When, Word


class JobRow(work.WorkRow):
    """A job in a list."""

    due_total: Money = None
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
    status: Annotated[
        Word | None, Field(description="Exact status as the company names it, such as Scheduled.")
    ] = None,
    number: Annotated[Word | None, Field(description="Part of the job number.")] = None,
    customer_name: Annotated[Word | None, Field(description="Name of the customer.")] = None,
    category: Annotated[Word | None, Field(description="Exact category, such as Service Call.")] = None,
    start_date_from: Annotated[date | None, Field(description="First start day to include.")] = None,
    start_date_to: Annotated[date | None, Field(description="Last start day to include.")] = None,
    updated_since: Annotated[
        datetime | None, Field(description="Only jobs changed since then, with time zone.")
    ] = None,
    city: Annotated[Word | None, Field(description="City of the job.")] = None,
    zip_code: Annotated[str | None, Field(max_length=20, description="Postal code of the job.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[JobRow]:
    """List jobs, the latest start first: customer, status, when, where, what is owed.

    Use it for the schedule of a day or week, or to find a job. Technicians are shown by servicefusion_get_job
    only; for all jobs of one customer use servicefusion_get_customer_job_history.
    """
    filters = {
        "[status]": status,
        "[number]": number,
        "[customer_name]": customer_name,
        "[category]": category,
        "[start_date][gte]": start_date_from,
        "[start_date][lte]": start_date_to,
        "[updated_date][gte]": updated_since and updated_since.isoformat(),
        "[city]": city,
        "[zip_code]": zip_code,
    }
    return page_of(api, "/v1/jobs", JobRow, page=page, per_page=per_page, sort="-start_date", filters=filters)


@tool(title="Get ServiceFusion job", reads_only=True)
def get_job(
    api: Api,
    job_id: Annotated[RecordId, Field(description="From servicefusion_list_jobs; not the job number.")],
) -> Job:
    """Get one job with technicians, notes, products and services.

    Use it when the details of a job matter. To find a job use servicefusion_list_jobs.
    """
    return work.get(api, "/v1/jobs/{id}", job_id, Job)


@tool(title="Get ServiceFusion job history", reads_only=True, pages_by="page")
def get_customer_job_history(
    api: Api,
    customer_id: Annotated[RecordId, Field(description="From servicefusion_list_customers.")],
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[JobRow]:
    """List all jobs of one customer, the latest start first.

    Use it for "what have we done for them". A page may hold fewer jobs than asked for, since customers with
    similar names are left out.
    """
    customer = one(api, "/v1/customers/{id}", customer_id, CustomerRow)
    filters = {"[customer_name]": customer.customer_name}
    found = page_of(
        api, "/v1/jobs", JobRow, page=page, per_page=per_page, sort="-start_date", filters=filters
    )
    # The filter matches names, similar ones included; there is none by id.
    return Page(items=[job for job in found.items if job.customer_id == customer_id], next=found.next)


@tool(title="Create ServiceFusion job", destructive=False)
def create_job(
    api: Api,
    customer_id: work.CustomerId = None,
    customer_name: work.CustomerName = None,
    description: Annotated[str | None, Field(max_length=5000, description="What is to be done.")] = None,
    status: work.NewStatus = None,
    category: work.NewCategory = None,
    priority: work.NewPriority = None,
    start_date: Annotated[date | None, Field(description="When it starts.")] = None,
    duration_minutes: Annotated[
        int | None, Field(ge=5, le=100_000, description="How long it takes; an hour when left out.")
    ] = None,
    technician_ids: Annotated[
        list[RecordId] | None, Field(max_length=20, description="From servicefusion_list_technicians.")
    ] = None,
    tech_notes: Annotated[
        str | None, Field(max_length=5000, description="Notes for the technicians.")
    ] = None,
    po_number: Annotated[Word | None, Field(description="The customer's order number.")] = None,
    products: work.Products = None,
    services: work.Services = None,
) -> Job:
    """Create a job for a customer. It cannot be changed or deleted through this connection, only in
    ServiceFusion itself.

    Prefer customer_id. Never repeat it after an unclear answer without looking: every call makes another job.
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
    made = create_record(api, "/v1/jobs", Job, {**customer, **fields, **lines})
    api.say("The job was created.")
    return made
