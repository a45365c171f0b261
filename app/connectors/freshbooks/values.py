"""The types FreshBooks' API uses: amounts, days, ids."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.money import MoneyRow

Day = date  # for rows with a field called `date`

# FreshBooks leaves a day, and a tax that does not exist, empty as "" or null.
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: value or None)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
# Not money: a quantity or percentage, decimal text as on the wire.
Number = Annotated[Decimal, Field(allow_inf_nan=False), WithJsonSchema({"type": "string"})]

Quantity = Annotated[Decimal, Field(gt=0, le=10**6, decimal_places=4), WithJsonSchema({"type": "number"})]
UnitCost = Annotated[
    Decimal, Field(ge=-(10**9), le=10**9, decimal_places=2), WithJsonSchema({"type": "number"})
]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="Such as USD.")]
Id = Annotated[int, Field(ge=1, le=2**53)]
ClientId = Annotated[Id | None, Field(description="From freshbooks_list_clients.")]
InvoiceId = Annotated[Id, Field(description="Not the invoice number.")]
FirstDay = Annotated[date | None, Field(description="First day.")]
LastDay = Annotated[date | None, Field(description="Last day.")]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="From 1.")]
_answers = Answers("FreshBooks")
read_as, unreadable = _answers.read_as, _answers.unreadable


class FreshBooksRow(MoneyRow):
    """A row read directly from FreshBooks' record; each field's alias is its path there."""

    model_config = ConfigDict(extra="ignore")


def add_up(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """One sum per currency."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal("0.00")) + amount
    return dict(sorted(sums.items()))
