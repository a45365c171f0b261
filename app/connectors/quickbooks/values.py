"""The types QuickBooks' API uses: amounts, days, ids."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from app import clock
from app.connectors.answers import Answers
from app.connectors.money import Money as Money
from app.connectors.money import MoneyRow

Day = date  # where an argument is called `date`
_answers = Answers("QuickBooks")
read_as, unreadable, decimal = _answers.read_as, _answers.unreadable, _answers.decimal


# A quantity or a percentage.
Quantity = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string"}),
]
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: value or None)]

UnitPrice = Annotated[
    Decimal,
    Field(gt=-(10**12), lt=10**12, decimal_places=5),
    WithJsonSchema({"type": "number"}),
]
QuantityGiven = Annotated[
    Decimal,
    Field(gt=0, lt=10**9, decimal_places=5),
    WithJsonSchema({"type": "number"}),
]
Identifier = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
InvoiceId = Annotated[Identifier, Field(description="Not its number.")]
# In the US the codes are TAX and NON.
TaxCodeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}$")]
EmailAddress = Annotated[str, Field(max_length=100, pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$")]
SearchText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Limit = Annotated[int, Field(ge=1, le=200, description="At most 200.")]
Offset = Annotated[int, Field(ge=0, le=1_000_000, description="Records to skip.")]


class QuickBooksRow(MoneyRow):
    """A row read directly from QuickBooks' record; each field's alias is its path there.

    QuickBooks sends amounts as JSON numbers; the Decimal of a float's shortest form is exactly that number.
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def inside(record: Any, *names: str) -> Any:
    """The value at that path in nested objects, or None."""
    for name in names:
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def today() -> date:
    """Today in UTC: QuickBooks names no time zone for a company."""
    return clock.now().date()
