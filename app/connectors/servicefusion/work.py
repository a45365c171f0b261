"""What jobs and estimates share: a customer, a place, a schedule, lines."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from app.connectors.api import Api
from app.connectors.rows import Row
from app.connectors.servicefusion.records import one, present
from app.connectors.servicefusion.values import FusionRow, Money, RecordId, ShortText, Text, When, Word
from app.errors import InvalidArguments

_EXPAND = ("techs_assigned", "notes", "products", "services")


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


Name = Annotated[ShortText, Field(description="Name as in the price book.")]
Multiplier = Annotated[float | None, Field(gt=0, le=1_000_000, description="How many; 1 when left out.")]
Rate = Annotated[
    float | None, Field(ge=0, le=10**9, description="Price of one; the price book's when left out.")
]


class NewProduct(Row):
    """A product on a new job or estimate."""

    product: Name
    multiplier: Multiplier = None
    rate: Rate = None


class NewService(Row):
    """A service on a new job or estimate."""

    service: Name
    multiplier: Multiplier = None
    rate: Rate = None


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


AnyWork = TypeVar("AnyWork", bound=WorkDetails)


def get(api: Api, path: str, id_: int, model: type[AnyWork]) -> AnyWork:
    """One job or estimate with its people, notes and lines."""
    return one(api, path, id_, model, _EXPAND)


def customer_of(customer_id: int | None, customer_name: str | None) -> dict[str, Any]:
    """The field that names the customer: an id as text or the exact name; an unknown name makes a customer.

    Raises InvalidArguments unless exactly one of them is given.
    """
    if (customer_id is None) == (customer_name is None):
        raise InvalidArguments(
            "customer_id: give either customer_id or the exact customer_name.",
            details={"fields": ["customer_id", "customer_name"]},
        )
    return {"customer_name": str(customer_id) if customer_id is not None else customer_name}


def lines_of(products: list[NewProduct] | None, services: list[NewService] | None) -> dict[str, Any]:
    """The fields for products and services."""
    return present(
        products=[line.model_dump(exclude_none=True) for line in products or ()],
        services=[line.model_dump(exclude_none=True) for line in services or ()],
    )
