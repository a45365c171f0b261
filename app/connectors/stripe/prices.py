"""What a subscription's item costs, and why some prices are no single amount.

https://docs.stripe.com/api/prices/object
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any

from pydantic import Field, model_validator

from app.connectors.api import Api
from app.connectors.lookups import look_up, look_up_related
from app.connectors.preview import amount as spelled_out
from app.connectors.stripe.amounts import CurrencyCode, StripeMoney, StripeRow
from app.connectors.stripe.records import one, page_of
from app.connectors.stripe.values import Day
from app.errors import InvalidArguments

_READ_ONE_BY_ONE = 2  # more prices are looked for in a page of them
_MOST_PRICES = 100


class _Product(StripeRow):
    """What is sold."""

    name: str | None = None


class Price(StripeRow):
    """A price of a product."""

    id: str
    nickname: str | None = None
    product: str | None = None
    active: bool | None = None
    unit_amount: StripeMoney = None
    currency: CurrencyCode = None
    interval: str | None = None
    interval_count: int | None = None
    price_note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_record(cls, record: Any) -> Any:
        """Stripe's price as these fields; a member of another type than documented counts as missing."""
        if not isinstance(record, Mapping):
            return record
        item = SubscriptionItem.fields_of({"price": record, "quantity": 1})
        active = record.get("active")
        return {
            "id": record.get("id"),
            "nickname": _text(record.get("nickname")),
            "product": _text(record.get("product")),
            "active": active if isinstance(active, bool) else None,
            **{name: item[name] for name in ("unit_amount", "currency", "interval", "interval_count")},
            "price_note": item["price_note"],
        }

    @property
    def is_plain(self) -> bool:
        """Whether it is the unit amount times the quantity."""
        return self.unit_amount is not None and self.price_note is None

    @property
    def described(self) -> str:
        """ "49.00 USD per month", or why there is no single amount."""
        if self.unit_amount is None:
            return self.price_note or "no amount"
        return spelled_out(self.unit_amount, self.currency) + per(self.interval, self.interval_count)


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
    nickname: str | None = Field(None, exclude=True)
    product: str | None = Field(None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _of_record(cls, record: Any) -> Any:
        """Stripe's item as these fields."""
        return cls.fields_of(record) if isinstance(record, Mapping) else record

    @staticmethod
    def fields_of(record: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the fields; a member of another type than documented counts as missing."""
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
            "nickname": _text(price.get("nickname")),
            "product": _text(price.get("product")),
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


def find_prices(api: Api, ids: Iterable[str]) -> dict[str, Price]:
    """Prices by id, for a preview. One may be missing: it may not be read, or is older than a page of prices.

    Raises ObjectNotFound for an unknown one where that is certain.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) <= _READ_ONE_BY_ONE:
        read = {id_: look_up(partial(one, api, "/v1/prices/{id}", Price, id_)) for id_ in wanted}
        return {id_: price for id_, price in read.items() if price is not None}
    page = look_up(lambda: page_of(api, "/v1/prices", Price, {"limit": _MOST_PRICES}))
    return {price.id: price for price in page.items if price.id in wanted} if page else {}


def name_of(api: Api, price: Price | SubscriptionItem) -> str:
    """What a price is called: its own name, else its product's. "" if neither can be read."""
    if price.nickname or not price.product:
        return price.nickname or ""
    path, id_ = "/v1/products/{id}", price.product
    product = look_up_related(lambda: one(api, path, _Product, id_))
    return (product and product.name) or ""


def check_active(price: Price, argument: str) -> None:
    """Raises InvalidArguments for a price that can no longer be used."""
    if price.active is False:
        raise InvalidArguments(f"{argument}: this price is no longer active.", details={"fields": [argument]})


def per(interval: str | None, count: int | None) -> str:
    """ " per month" or " every 3 months"; "" for what is paid once."""
    if not interval:
        return ""
    return f" every {count} {interval}s" if count and count > 1 else f" per {interval}"
