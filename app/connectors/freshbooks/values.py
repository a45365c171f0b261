"""The types FreshBooks' API uses: money, days, ids."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from app import clock
from app.connectors.answers import Answers
from app.connectors.rows import Row

Day = date  # for rows with a field called `date`

# Amounts stay decimal text, as on the wire: a float would lose cents, a sum over currencies means nothing.
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
    Decimal,
    Field(gt=0, le=10**6, decimal_places=4),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**6}),
]
UnitCost = Annotated[
    Decimal,
    Field(ge=-(10**9), le=10**9, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": -(10**9), "maximum": 10**9}),
]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="Three letters, such as USD.")]
Id = Annotated[int, Field(ge=1, le=2**53)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")]
_answers = Answers("FreshBooks")
read_as, unreadable = _answers.read_as, _answers.unreadable


class FreshBooksRow(Row):
    """A Row read directly from FreshBooks' record; each field's alias is its path there."""

    model_config = ConfigDict(extra="ignore")


def add_up(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """One sum per currency."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal("0.00")) + amount
    return dict(sorted(sums.items()))


def today() -> date:
    """Today in UTC, which a missing date means."""
    return clock.now().date()
