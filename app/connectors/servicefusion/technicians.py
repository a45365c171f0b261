"""Technicians and the others of the team."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.connectors.servicefusion.records import one, page_of
from app.connectors.servicefusion.values import FusionRow, PageNumber, PerPage, RecordId, Text, When, Word


class TechnicianRow(FusionRow):
    """Somebody of the team."""

    id: int
    first_name: Text = None
    last_name: Text = None
    email: Text = None
    phone: Text = Field(None, validation_alias="phone_1")
    department: Text = None
    title: Text = None
    is_field_worker: bool | None = None
    is_sales_rep: bool | None = None


class Technician(TechnicianRow):
    """Somebody of the team, in full."""

    phone_2: Text = None
    bio: Text = None
    nickname_on_dispatch: Text = None
    nickname_on_workorder: Text = None
    created_at: When = None
    updated_at: When = None


@tool(title="List ServiceFusion technicians", reads_only=True, pages_by="page")
def list_technicians(
    api: Api,
    first_name: Annotated[Word | None, Field(description="Part of it.")] = None,
    last_name: Annotated[Word | None, Field(description="Part of it.")] = None,
    email: Annotated[Word | None, Field(description="Part of it.")] = None,
    page: PageNumber = 1,
    per_page: PerPage = 25,
) -> Page[TechnicianRow]:
    """List technicians and other team members. Their jobs are in servicefusion_list_jobs."""
    filters = {"[first_name]": first_name, "[last_name]": last_name, "[email]": email}
    return page_of(
        api, "/v1/techs", TechnicianRow, page=page, per_page=per_page, sort="last_name,id", filters=filters
    )


@tool(title="Get ServiceFusion technician", reads_only=True)
def get_technician(
    api: Api, technician_id: Annotated[RecordId, Field(description="From servicefusion_list_technicians.")]
) -> Technician:
    """Get one team member with email address, phone numbers, role and notes."""
    return one(api, "/v1/techs/{id}", technician_id, Technician)
