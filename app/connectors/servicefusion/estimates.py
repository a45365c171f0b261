"""Estimates: what work would cost."""

from datetime import date
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.servicefusion import work
from app.connectors.servicefusion.records import create_record, page_of, present
from app.connectors.servicefusion.values import PageNumber, PerPage, RecordId, Text, When, Word


class EstimateRow(work.WorkRow):
    """An estimate in a list."""

    opportunity_rating: int | None = Field(None, description="How likely it is to be won, 1 to 5.")
    requested_date: When = None


class Estimate(work.WorkDetails, EstimateRow):
    """An estimate with its people, notes and lines."""

    opportunity_owner: Text = None


@tool(title="List ServiceFusion estimates", reads_only=True, pages_by="page")
def list_estimates(
    api: Api,
    status: Annotated[
        Word | None,
        Field(description="Exact status as the company names it, such as Estimate Requested."),
    ] = None,
    number: Annotated[Word | None, Field(description="Part of the estimate number.")] = None,
    customer_name: Annotated[Word | None, Field(description="Name of the customer.")] = None,
    requested_from: Annotated[date | None, Field(description="First day of the request to include.")] = None,
    requested_to: Annotated[date | None, Field(description="Last day of the request to include.")] = None,
    start_date_from: Annotated[date | None, Field(description="First start day to include.")] = None,
    start_date_to: Annotated[date | None, Field(description="Last start day to include.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[EstimateRow]:
    """List estimates, newest first: customer, status, amount.

    Use it for open offers or to find an estimate. For its lines use servicefusion_get_estimate; for work that
    was agreed use servicefusion_list_jobs.
    """
    filters = {
        "[status]": status,
        "[number]": number,
        "[customer_name]": customer_name,
        "[requested_date][gte]": requested_from,
        "[requested_date][lte]": requested_to,
        "[start_date][gte]": start_date_from,
        "[start_date][lte]": start_date_to,
    }
    return page_of(
        api, "/v1/estimates", EstimateRow, page=page, per_page=per_page, sort="-id", filters=filters
    )


@tool(title="Get ServiceFusion estimate", reads_only=True)
def get_estimate(
    api: Api,
    estimate_id: Annotated[
        RecordId, Field(description="From servicefusion_list_estimates; not the estimate number.")
    ],
) -> Estimate:
    """Get one estimate with its products, services, notes and people.

    Use it when the lines of an offer matter. To find an estimate use servicefusion_list_estimates.
    """
    return work.get(api, "/v1/estimates/{id}", estimate_id, Estimate)


@tool(title="Create ServiceFusion estimate", destructive=False)
def create_estimate(
    api: Api,
    customer_id: work.CustomerId = None,
    customer_name: work.CustomerName = None,
    description: Annotated[str | None, Field(max_length=5000, description="What it is about.")] = None,
    status: work.NewStatus = None,
    category: work.NewCategory = None,
    priority: work.NewPriority = None,
    start_date: Annotated[date | None, Field(description="When the work would start.")] = None,
    products: work.Products = None,
    services: work.Services = None,
) -> Estimate:
    """Create an estimate for a customer. Nothing is sent; it cannot be changed or deleted through this
    connection.

    Prefer customer_id. Never repeat it after an unclear answer without looking: every call makes another
    estimate.
    """
    customer, lines = work.customer_of(customer_id, customer_name), work.lines_of(products, services)
    fields = present(
        description=description, status=status, category=category, priority=priority, start_date=start_date
    )
    made = create_record(api, "/v1/estimates", Estimate, {**customer, **fields, **lines})
    api.say("The estimate was created; nothing was sent.")
    return made
