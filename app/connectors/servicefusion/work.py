"""What jobs and estimates share: a customer, a place, a schedule, lines."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import Field, WithJsonSchema

from app.connectors.api import Api
from app.connectors.rows import Row
from app.connectors.servicefusion.records import one, present
from app.connectors.servicefusion.values import (
    FusionRow,
    LongText,
    Money,
    RecordId,
    ShortText,
    Text,
    When,
    Whole,
    Word,
)
from app.errors import InvalidArguments

TECHNICIANS = ("techs_assigned",)
DETAILS = (*TECHNICIANS, "notes", "products", "services")


class Assigned(FusionRow):
    """Who does it."""

    id: Whole = None
    first_name: Text = None
    last_name: Text = None


class WorkRow(FusionRow):
    """A job or estimate in a list."""

    id: int
    number: Text = None
    status: Text = None
    sub_status: Text = None
    customer_id: Whole = None
    customer_name: Text = None
    category: Text = None
    description: Text = None
    start_date: When = None
    time_from: Text = Field(
        None, validation_alias="time_frame_promised_start", description="Promised arrival, from."
    )
    time_to: Text = Field(
        None, validation_alias="time_frame_promised_end", description="Promised arrival, to."
    )
    duration_seconds: Whole = Field(None, validation_alias="duration")
    total: Money | None = None
    street_1: Text = None
    city: Text = None
    created_at: When = None
    updated_at: When = None
    techs_assigned: list[Assigned] = []


class WorkLine(FusionRow):
    """A product or service on it."""

    name: Text = None
    description: Text = None
    multiplier: int | float | None = None
    rate: Money | None = None
    total: Money | None = None


class WorkNote(FusionRow):
    """A note."""

    notes: Text = None
    created_at: When = None


class WorkDetails(FusionRow):
    """What is shown of a single job or estimate only."""

    tech_notes: Text = None
    notes: list[WorkNote] = []
    products: list[WorkLine] = []
    services: list[WorkLine] = []


Multiplier = Annotated[int | None, Field(ge=1, le=1_000_000)]
Rate = Annotated[Decimal | None, Field(ge=0, lt=10**9, decimal_places=2), WithJsonSchema({"type": "number"})]


class NewProduct(Row):
    """A product on a new job or estimate. Its price is the price book's if `rate` is left out."""

    product: ShortText
    multiplier: Multiplier = None
    rate: Rate = None


class NewService(Row):
    """A service on a new job or estimate. Its price is the price book's if `rate` is left out."""

    service: ShortText
    multiplier: Multiplier = None
    rate: Rate = None


CustomerId = Annotated[RecordId | None, Field(description="Or customer_name.")]
CustomerName = Annotated[
    str | None, Field(min_length=1, max_length=255, description="An unknown one makes a customer.")
]
Statuses = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255, pattern="^[^,]*$")]] | None,
    Field(max_length=20, description="Such as Scheduled."),
]
NewStatus = Annotated[Word | None, Field(description="One of the company's.")]
NewCategory = Annotated[Word | None, Field(description="One of the company's.")]
Description = Annotated[LongText | None, Field(description="The work.")]
FirstDay = Annotated[date | None, Field(description="First day.")]
LastDay = Annotated[date | None, Field(description="Last day.")]
Products = Annotated[list[NewProduct] | None, Field(max_length=50, description="From the price book.")]
Services = Annotated[list[NewService] | None, Field(max_length=50, description="From the price book.")]


AnyWork = TypeVar("AnyWork", bound=WorkDetails)


def get(api: Api, path: str, id_: int, model: type[AnyWork]) -> AnyWork:
    """One job or estimate with its people, notes and lines."""
    return one(api, path, id_, model, DETAILS)


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
    """The fields for products and services, with prices as JSON numbers."""
    return present(
        products=[_line(line) for line in products or ()], services=[_line(line) for line in services or ()]
    )


def _line(line: NewProduct | NewService) -> dict[str, Any]:
    fields = line.model_dump(exclude_none=True)
    return {**fields, "rate": float(fields["rate"])} if "rate" in fields else fields
