"""Creates and stores prices and the subscriptions to them."""

from typing import Any

from app.sandbox.services.stripe.records import new_id
from app.sandbox.store import Book, Record


def add_price(
    book: Book,
    created: int,
    amount: int | None,
    currency: str,
    name: str,
    interval: str | None = None,
    interval_count: int = 1,
    **given: Any,
) -> Record:
    """A new price of a new product. `given` are members of the price; `usage_type` of what recurs."""
    id_ = new_id(book, "price", "price")
    recurring = {
        "interval": interval,
        "interval_count": interval_count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": given.pop("usage_type", "licensed"),
    }
    record = {
        "id": id_,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": name,
        "product": id_.replace("price_", "prod_"),
        "recurring": recurring if interval else None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": None if amount is None else str(amount),
        **given,
    }
    return book.put("price", id_, record)


def add_subscription(
    book: Book,
    customer: Record,
    price: Record,
    created: int,
    status: str,
    period_end: int,
    quantity: int | None = 1,
    **given: Any,
) -> Record:
    """A new subscription; a metered price has no quantity."""
    id_ = new_id(book, "sub", "subscription")
    item: Record = {
        "id": id_.replace("sub_", "si_"),
        "object": "subscription_item",
        "created": created,
        "current_period_start": created,
        "current_period_end": period_end,
        "discounts": [],
        "metadata": {},
        "price": price,
        "subscription": id_,
    }
    if quantity is not None:
        item["quantity"] = quantity
    url = f"/v1/subscription_items?subscription={id_}"
    record = {
        "id": id_,
        "object": "subscription",
        "billing_cycle_anchor": created,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": created if status == "canceled" else None,
        "collection_method": "charge_automatically",
        "created": created,
        "currency": price["currency"],
        "customer": customer["id"],
        "discounts": [],
        "items": {"object": "list", "has_more": False, "total_count": 1, "url": url, "data": [item]},
        "latest_invoice": None,
        "livemode": False,
        "metadata": {},
        "pause_collection": None,
        "start_date": created,
        "status": status,
        "trial_end": None,
        "trial_start": None,
        **given,
    }
    return book.put("subscription", id_, record)
