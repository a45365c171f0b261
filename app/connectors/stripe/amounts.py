"""Stripe's amounts: whole numbers of a unit that depends on the currency, shown and taken in main units.

https://docs.stripe.com/currencies, which differs from ISO 4217 for isk, mga and ugx.
"""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.connectors.money import Money, MoneyRow
from app.errors import InvalidArguments

_NO_DECIMALS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Two decimals in the API, which must be 00.
_WHOLE = frozenset(["isk", "ugx"])
_UNIT_DECIMALS = 12  # of `unit_amount_decimal`

# Amounts as arguments, in the currency's main unit. Stripe takes twelve digits in the smallest unit for some
# currencies and says itself when an amount is too large.
Amount = Annotated[Decimal, Field(gt=0, lt=10**12), WithJsonSchema({"type": "number"})]
SignedAmount = Annotated[Decimal, Field(gt=-(10**12), lt=10**12), WithJsonSchema({"type": "number"})]


class _InSmallestUnits:
    """Marks a field of a row that Stripe sends in the currency's smallest unit."""


# An amount in a row, None where Stripe sends none or names no currency.
StripeMoney = Annotated[Money | None, _InSmallestUnits()]
CurrencyCode = Annotated[str | None, AfterValidator(lambda code: code and code.upper())]


class StripeRow(MoneyRow):
    """A Row read directly from Stripe's record; its amounts become amounts of its `currency`."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="wrap")
    @classmethod
    def _in_main_units(cls, record: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        row = read(record)
        if isinstance(record, cls):
            return row  # its amounts are amounts already
        currency = getattr(row, "currency", None)
        for name, field in cls.model_fields.items():
            if any(isinstance(mark, _InSmallestUnits) for mark in field.metadata):
                sent = getattr(row, name)
                # Without its currency an amount could be read a hundred times too high.
                amount = None if sent is None or not currency else in_main_units(sent, currency)
                setattr(row, name, amount)
        return row

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the fields: validators do not change it."""
        fields: Any = core_schema
        while str(fields["type"]).startswith("function-"):
            fields = fields["schema"]
        return super().__get_pydantic_json_schema__(fields, handler)


def in_main_units(amount: Decimal | int, currency: str) -> Decimal:
    """An amount in Stripe's smallest unit as an exact amount of the currency."""
    return Decimal(amount).scaleb(-_decimals(currency))


def in_smallest_units(amount: Decimal, currency: str, argument: str) -> int:
    """An amount as Stripe takes it. Raises InvalidArguments when it is finer than the currency allows."""
    code = currency.lower()
    # "the least-significant (last) digit" of three-decimal currencies has to be 0
    places = 0 if code in _WHOLE | _NO_DECIMALS else 2
    if amount != round(amount, places):
        allowed = f"at most {places} decimals" if places else "no decimals"
        raise InvalidArguments(
            f"{argument}: amounts in {currency.upper()} have {allowed}.", details={"fields": [argument]}
        )
    return int(amount.scaleb(_decimals(code)))


def in_decimal_units(amount: Decimal, quantity: int, currency: str, argument: str) -> str:
    """The price of one as Stripe takes it in `unit_amount_decimal`, "0.5" for 0.005 usd.

    It may be finer than the currency, as Stripe rounds the whole line. Raises InvalidArguments for more than
    twelve decimals of the smallest unit, and for a line of a currency with rules of its own that breaks them.
    https://docs.stripe.com/api/invoiceitems/create#create_invoiceitem-unit_amount_decimal
    """
    code = currency.lower()
    places = _UNIT_DECIMALS + _decimals(code)
    if amount != round(amount, places):
        raise InvalidArguments(
            f"{argument}: unit prices in {currency.upper()} have at most {places} decimals.",
            details={"fields": [argument]},
        )
    if code in _WHOLE | _THREE_DECIMALS:
        in_smallest_units(amount * quantity, currency, argument)
    text = f"{amount.scaleb(_decimals(code)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def smallest_unit(currency: str) -> Decimal:
    """What amounts of the currency are whole multiples of."""
    return Decimal(1).scaleb(-_decimals(currency))


def _decimals(currency: str) -> int:
    code = currency.lower()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2
