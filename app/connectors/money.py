"""Amounts of money in tool results: decimal text, with the currency's decimals, their currency beside them.

Every service uses the same form: `"total": "1234.50", "currency": "USD"`. Never a float, which cannot hold
cents exactly, and never a number of smallest units, which reads as a hundred times the amount.

A row declares its amounts as `Money` and its currency as the field `currency`; amounts of rows inside it (the
lines of an invoice) are in the same currency, so they need no field of their own. A row whose service names
no currency has no such field, or None in it, and its description says what the currency is.
"""

from contextvars import ContextVar
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.connectors.rows import Row

# ISO 4217. Every other currency in use has two.
_NO_DECIMALS = frozenset([
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
])  # fmt: skip
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

# An amount as an argument: a JSON number, or its text, whose decimals stay exact.
PositiveAmount = Annotated[
    Decimal, Field(gt=0, lt=10**12, decimal_places=2), WithJsonSchema({"type": "number"})
]


def decimals_of(currency: str | None) -> int:
    """The number of decimals in the currency."""
    code = (currency or "").upper()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def from_minor(amount: int, currency: str | None) -> Decimal:
    """The amount of a number of the currency's smallest units."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def as_text(amount: Decimal, currency: str | None) -> str:
    """Decimal text with the currency's decimals, or more where the amount has more."""
    places = max(decimals_of(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{places}f}"


_currency: ContextVar[str | None] = ContextVar("currency", default=None)

# An amount in a row: a number or its text when read, decimal text when shown.
Money = Annotated[
    Decimal,
    Field(allow_inf_nan=False, gt=-(10**18), lt=10**18),
    PlainSerializer(
        lambda amount: as_text(amount, _currency.get()), return_type=str, when_used="json-unless-none"
    ),
    WithJsonSchema({"type": "string"}),
]


class MoneyRow(Row):
    """A row whose amounts, and those of the rows inside it, are in the currency of its field `currency`.

    Without that field, or while it is None, the currency of the row around it holds.
    """

    @model_serializer(mode="wrap")
    def _in_its_currency(self, serialize: SerializerFunctionWrapHandler) -> Any:
        own = getattr(self, "currency", None)
        if own is None:
            return serialize(self)
        outer = _currency.set(str(own))
        try:
            return serialize(self)
        finally:
            _currency.reset(outer)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the fields: the serializer changes only how amounts are written."""
        fields: Any = {key: part for key, part in core_schema.items() if key != "serialization"}
        return handler(fields)
