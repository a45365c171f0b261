"""The types QuickBooks' API uses: money, days, ids."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from app import clock
from app.connectors.answers import Answers
from app.connectors.rows import Row

_CENTS = Decimal("0.01")
_answers = Answers("QuickBooks")
read_as, unreadable, decimal = _answers.read_as, _answers.unreadable, _answers.decimal


def money_text(amount: Decimal) -> str:
    """An amount as text with at least two decimals, and more only where it has them."""
    return f"{amount.quantize(_CENTS) if amount == amount.quantize(_CENTS) else amount.normalize():f}"


# QuickBooks sends JSON numbers. A Decimal of the float's shortest form is exactly the number sent. Rows
# hold it as text, so that nobody rounds it again.
Money = Annotated[
    Decimal,
    Field(allow_inf_nan=False, gt=-(10**18), lt=10**18),
    PlainSerializer(money_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "Decimal."}),
]
Quantity = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "Decimal."}),
]
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: value or None)]

UnitPrice = Annotated[
    Decimal,
    Field(gt=-(10**12), lt=10**12, decimal_places=5),
    WithJsonSchema({"type": "number", "exclusiveMinimum": -(10**12), "exclusiveMaximum": 10**12}),
]
QuantityGiven = Annotated[
    Decimal,
    Field(gt=0, lt=10**9, decimal_places=5),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**9}),
]
Identifier = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
InvoiceId = Annotated[
    Identifier, Field(description="Its id (not its number), from quickbooks_list_invoices.")
]
EmailAddress = Annotated[str, Field(max_length=100, pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$")]
SearchText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Limit = Annotated[int, Field(ge=1, le=200, description="Records a page.")]
Offset = Annotated[int, Field(ge=0, le=1_000_000, description="How many records to skip.")]


class QuickBooksRow(Row):
    """A Row read directly from QuickBooks' record; each field's alias is its path there."""

    model_config = ConfigDict(extra="ignore")


def inside(record: Any, *names: str) -> Any:
    """The value at that path in nested objects, or None."""
    for name in names:
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def today() -> date:
    """Today in UTC: QuickBooks names no time zone for a company."""
    return clock.now().date()
