"""What jobs and estimates have in common: a customer, a place, a plan, lines."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.connectors.servicefusion.values import FusionRow, Money, RecordId, Text, When, present
from app.errors import InvalidArguments

_Short = Annotated[str, Field(min_length=1, max_length=255)]
Word = Annotated[str, Field(max_length=255)]
EXPAND = ("techs_assigned", "notes", "products", "services")


class WorkRow(FusionRow):
    """A job or estimate in a list."""

    id: int
    number: Text = None
    status: Text = None
    sub_status: Text = None
    customer_id: int | None = None
    customer_name: Text = None
    category: Text = None
    priority: Text = None
    description: Text = None
    start_date: When = None
    end_date: When = None
    time_from: Text = Field(
        None, validation_alias="time_frame_promised_start", description="Promised arrival, from."
    )
    time_to: Text = Field(
        None, validation_alias="time_frame_promised_end", description="Promised arrival, to."
    )
    duration_seconds: int | None = Field(None, validation_alias="duration")
    total: Money = None
    street_1: Text = None
    city: Text = None
    created_at: When = None
    updated_at: When = None


class Assigned(FusionRow):
    """Who does it."""

    id: int
    first_name: Text = None
    last_name: Text = None


class WorkLine(FusionRow):
    """A product or service on it."""

    name: Text = None
    description: Text = None
    multiplier: float | None = None
    rate: Money = None
    total: Money = None


class WorkNote(FusionRow):
    """A note."""

    notes: Text = None
    created_at: When = None


class WorkDetails(FusionRow):
    """What is shown of a single job or estimate only."""

    tech_notes: Text = None
    techs_assigned: list[Assigned] = []
    notes: list[WorkNote] = []
    products: list[WorkLine] = []
    services: list[WorkLine] = []


class NewProduct(BaseModel):
    """A product on a new job or estimate."""

    model_config = ConfigDict(extra="forbid")

    product: Annotated[_Short, Field(description="Name as in the price book.")]
    multiplier: Annotated[
        float | None, Field(gt=0, le=1_000_000, description="How many; 1 when left out.")
    ] = None
    rate: Annotated[
        float | None, Field(ge=0, le=10**9, description="Price of one; the price book's when left out.")
    ] = None


class NewService(BaseModel):
    """A service on a new job or estimate."""

    model_config = ConfigDict(extra="forbid")

    service: Annotated[_Short, Field(description="Name as in the price book.")]
    multiplier: Annotated[
        float | None, Field(gt=0, le=1_000_000, description="How many; 1 when left out.")
    ] = None
    rate: Annotated[
        float | None, Field(ge=0, le=10**9, description="Price of one; the price book's when left out.")
    ] = None


CustomerId = Annotated[RecordId | None, Field(description="From servicefusion_list_customers; the safe way.")]
CustomerName = Annotated[
    str | None,
    Field(min_length=1, max_length=255, description="Exact name; an unknown one makes a customer."),
]
NewStatus = Annotated[Word | None, Field(description="A status of the company; its default when left out.")]
NewCategory = Annotated[Word | None, Field(description="A category of the company.")]
NewPriority = Annotated[Literal["Low", "Normal", "High"] | None, Field(description="How urgent.")]
Products = Annotated[list[NewProduct] | None, Field(max_length=50, description="Products on it.")]
Services = Annotated[list[NewService] | None, Field(max_length=50, description="Services on it.")]


def for_customer(customer_id: int | None, customer_name: str | None) -> dict[str, Any]:
    """The member that names the customer: an id as text, or the exact name. An unknown name makes a new
    customer there.

    Raises InvalidArguments unless exactly one of them is given.
    """
    if (customer_id is None) == (customer_name is None):
        raise InvalidArguments(
            "customer_id: give either customer_id or the exact customer_name.",
            details={"fields": ["customer_id", "customer_name"]},
        )
    return {"customer_name": str(customer_id) if customer_id is not None else customer_name}


def lines(products: list[NewProduct] | None, services: list[NewService] | None) -> dict[str, Any]:
    """The members for products and services."""
    return present(
        products=[line.model_dump(exclude_none=True) for line in products or ()],
        services=[line.model_dump(exclude_none=True) for line in services or ()],
    )
