"""What a subscription's item costs, and why some prices are no single amount.

https://docs.stripe.com/api/prices/object
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from pydantic import Field, model_validator

from app.connectors.stripe.amounts import CurrencyCode, StripeMoney, StripeRow
from app.connectors.stripe.values import Day


class SubscriptionItem(StripeRow):
    """What is subscribed to."""

    price: str | None = None
    unit_amount: StripeMoney = None
    quantity: int | None = None
    amount: StripeMoney = Field(None, description="Billed per interval_count intervals, before tax.")
    currency: CurrencyCode = None
    interval: str | None = None
    interval_count: int | None = None
    price_note: str | None = Field(None, description="Why an amount is missing or special.")
    # Stripe has the period on the items, not on the subscription.
    current_period_end: Day = None

    @model_validator(mode="before")
    @classmethod
    def _of_record(cls, record: Any) -> Any:
        """Stripe's item as these fields; a member of another type than documented counts as missing."""
        if not isinstance(record, Mapping):
            return record
        price = _object(record, "price")
        recurring = _object(price, "recurring")
        quantity = record.get("quantity")
        quantity = quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else None
        unit_amount = _number(price.get("unit_amount_decimal"))
        if unit_amount is None:
            unit_amount = _number(price.get("unit_amount"))
        end = record.get("current_period_end")
        return {
            "price": _text(price.get("id")) or _text(record.get("price")),
            "unit_amount": unit_amount,
            "quantity": quantity,
            "amount": _amount(price, unit_amount, quantity),
            "currency": _text(price.get("currency")),
            "interval": _text(recurring.get("interval")),
            "interval_count": _count(recurring.get("interval_count")),
            "price_note": _note(price, unit_amount),
            "current_period_end": end if isinstance(end, int | float) else None,
        }


def _amount(price: Mapping[str, Any], unit_amount: Decimal | None, quantity: int | None) -> Decimal | None:
    """What is billed at once, in the smallest unit; None if it depends on more than the quantity."""
    if unit_amount is None or quantity is None or _is_metered(price):
        return None
    units, package = Decimal(quantity), _object(price, "transform_quantity")
    if size := _count(package.get("divide_by")):
        rounding = ROUND_CEILING if package.get("round") == "up" else ROUND_FLOOR
        units = (units / size).to_integral_value(rounding)
    return (unit_amount * units).to_integral_value(ROUND_HALF_UP)


def _note(price: Mapping[str, Any], unit_amount: Decimal | None) -> str | None:
    if price.get("billing_scheme") == "tiered":
        mode = {
            "graduated": "each tier of the quantity has a price of its own",
            "volume": "the quantity decides the price of all units",
        }.get(str(price.get("tiers_mode")), "the quantity decides the price")
        return f"Tiered price: {mode}. Stripe's dashboard shows the tiers."
    if _object(price, "custom_unit_amount"):
        return "The customer chooses the amount."
    if _is_metered(price):
        return "Metered: billed by usage."
    if size := _count(_object(price, "transform_quantity").get("divide_by")):
        return f"unit_amount is the price of a package of {size}."
    return "Stripe names no price." if unit_amount is None else None


def _is_metered(price: Mapping[str, Any]) -> bool:
    return _object(price, "recurring").get("usage_type") == "metered"


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: Any) -> Decimal | None:
    """A number or its text, within what money may be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None
