"""Estimates: what work would cost."""

from datetime import date
from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.servicefusion import previews, statuses, work
from app.connectors.servicefusion.records import create_record, page_of, present
from app.connectors.servicefusion.values import (
    PageNumber,
    PerPage,
    RecordId,
    Text,
    Whole,
    Word,
    end_of,
    start_of,
)


class EstimateRow(work.WorkRow):
    """An estimate in a list."""

    opportunity_rating: Whole = Field(None, description="How likely it is to be won, 1 to 5.")


class Estimate(work.WorkDetails, EstimateRow):
    """An estimate with its people, notes and lines."""

    opportunity_owner: Text = None


@tool(title="List ServiceFusion estimates", reads_only=True, pages_by="page")
def list_estimates(
    api: Api,
    status: work.Statuses = None,
    number: Annotated[Word | None, Field(description="Part of it.")] = None,
    customer_name: Annotated[Word | None, Field(description="Part of it.")] = None,
    requested_from: Annotated[date | None, Field(description="First day, UTC.")] = None,
    requested_to: Annotated[date | None, Field(description="Last day, UTC.")] = None,
    start_date_from: work.FirstDay = None,
    start_date_to: work.LastDay = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[EstimateRow]:
    """List estimates, newest first: customer, status, amount, technicians.

    Amounts are in the company's currency, which ServiceFusion does not name.
    """
    check_order(requested_from, requested_to)
    check_order(start_date_from, start_date_to)
    filters = {
        "[status]": statuses.joined(status),
        "[number]": number,
        "[customer_name]": customer_name,
        "[requested_date][gte]": start_of(requested_from),
        "[requested_date][lte]": end_of(requested_to),
        "[start_date][gte]": start_date_from,
        "[start_date][lte]": start_date_to,
    }
    found = page_of(
        api,
        "/v1/estimates",
        EstimateRow,
        page=page,
        per_page=per_page,
        sort="-id",
        filters=filters,
        expand=work.TECHNICIANS,
    )
    statuses.check_known(api, "/v1/estimates", status, found)
    return found


@tool(title="Get ServiceFusion estimate", reads_only=True)
def get_estimate(
    api: Api,
    estimate_id: Annotated[RecordId, Field(description="Not the estimate number.")],
) -> Estimate:
    """Get one estimate with its products, services, notes and people."""
    return work.get(api, "/v1/estimates/{id}", estimate_id, Estimate)


@tool(title="Create ServiceFusion estimate", destructive=False, preview=previews.create_estimate)
def create_estimate(
    api: Api,
    customer_id: work.CustomerId = None,
    customer_name: work.CustomerName = None,
    description: work.Description = None,
    status: work.NewStatus = None,
    category: work.NewCategory = None,
    start_date: work.FirstDay = None,
    products: work.Products = None,
    services: work.Services = None,
) -> Estimate:
    """Create an estimate for a customer, by customer_id if possible. Nothing is sent.

    It can't be changed or deleted from here: check before repeating the call.
    """
    customer, lines = work.customer_of(customer_id, customer_name), work.lines_of(products, services)
    fields = present(description=description, status=status, category=category, start_date=start_date)
    made = create_record(api, "/v1/estimates", Estimate, {**customer, **fields, **lines}, work.DETAILS)
    api.say("The estimate was created; nothing was sent.")
    return made
