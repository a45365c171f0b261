"""How FreshBooks writes money, days and records, and how we read them."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from app import clock
from app.connectors.tool import Row
from app.errors import OutcomeUnknown, ProviderUnavailable

Day = date  # for rows with a field called `date`

# Amounts are decimal text on the wire and stay so: a float would lose cents, a sum over currencies means nothing.
Money = Annotated[Decimal, WithJsonSchema({"type": "string", "description": "Decimal."})]
# FreshBooks leaves a day empty as "" or null.
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: value or None)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]

Amount = Annotated[
    Decimal,
    Field(gt=0, lt=10**12, decimal_places=2),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,12}(\.\d{1,2})?$"}),
]
Quantity = Annotated[
    Decimal, Field(gt=0, le=10**6, decimal_places=4), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**6})
]
UnitCost = Annotated[
    Decimal,
    Field(ge=-(10**9), le=10**9, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": -(10**9), "maximum": 10**9}),
]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="Three letters, such as USD.")]
Id = Annotated[int, Field(ge=1, le=2**53)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")]


class FreshBooksRow(Row):
    """A Row made straight from FreshBooks' own record: each field names where it stands there."""

    model_config = ConfigDict(extra="ignore")


AnyRow = TypeVar("AnyRow", bound=FreshBooksRow)


def read_as(model: type[AnyRow], record: Any, *, wrote: bool = False) -> AnyRow:
    """The record as a row. Raises ProviderUnavailable, or OutcomeUnknown after a write, when it cannot be one."""
    try:
        return model.model_validate(record)
    except ValidationError:
        raise unreadable(wrote=wrote) from None


def unreadable(*, wrote: bool) -> ProviderUnavailable | OutcomeUnknown:
    """The error for an answer that is not in FreshBooks' shape."""
    if wrote:
        return OutcomeUnknown("FreshBooks sent an unreadable answer. The change may have been made: check there before repeating it.")
    return ProviderUnavailable("FreshBooks sent an answer that could not be read. Please try again later.")


def add_up(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """One sum a currency."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal("0.00")) + amount
    return dict(sorted(sums.items()))


def today() -> date:
    """The present day (UTC): what a date left out means."""
    return clock.now().date()
