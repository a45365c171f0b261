"""Amounts of money as decimal text, from the smallest unit and with the currency's decimals."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, WithJsonSchema

# ISO 4217. Every other currency in use has two.
_NO_DECIMALS = frozenset([
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
])  # fmt: skip
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

# An amount as an argument: a JSON number whose decimals stay exact.
PositiveAmount = Annotated[
    Decimal,
    Field(gt=0, lt=10**12, decimal_places=2),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**12}),
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
