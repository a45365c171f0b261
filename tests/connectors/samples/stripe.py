"""Arguments with which each Stripe tool works on Byrd Ltd."""

import itertools

_NUMBERS = itertools.count()

# Ids, the lists themselves, the address that was asked for, and the currency a refund is converted by.
REQUIRED = frozenset(["id", "data", "data[].id", "available", "url", "currency"])


def customer(here):
    return here.call("list_customers", {"email": "office@mapledental.example"})["items"][0]["id"]


def draft(here):
    made = here.call(
        "create_invoice",
        {"customer": customer(here), "items": [{"description": "Hours", "amount": 50}], "currency": "usd"},
    )
    return made["id"]


def payment(here):
    """Another one each time, so that something is left to refund."""
    found = here.call("list_payments", {"status": "succeeded", "limit": 50})["items"]
    return found[-1 - next(_NUMBERS) % len(found)]


def subscription(here, place=0):
    return here.call("list_subscriptions", {"status": "active"})["items"][place]


SAMPLES = {
    "get_account": lambda here: {},
    "get_balance": lambda here: {},
    "list_customers": lambda here: {"created_after": "2020-01-01", "limit": 2},
    "list_customers#2": lambda here: {"email": "office@mapledental.example"},
    "list_invoices": lambda here: {"status": "open", "created_after": "2020-01-01"},
    "list_invoices#2": lambda here: {
        "customer": customer(here),
        "created_before": "2100-01-01",
        "limit": 1,
        "starting_after": here.call("list_invoices", {"customer": customer(here)})["items"][0]["id"],
    },
    "get_invoice": lambda here: {"invoice": here.call("list_invoices")["items"][0]["id"]},
    "list_invoice_lines": lambda here: {
        "invoice": here.call("list_invoices", {"status": "open"})["items"][0]["id"],
        "limit": 1,
    },
    "list_payments": lambda here: {"status": "succeeded", "limit": 5},
    "list_payments#2": lambda here: {
        "customer": customer(here),
        "created_after": "2020-01-01",
        "created_before": "2100-01-01",
    },
    "list_subscriptions": lambda here: {"status": "all"},
    "list_subscriptions#2": lambda here: {
        "customer": subscription(here)["customer"],
        "price": subscription(here)["items"][0]["price"],
        "status": "ended",
    },
    "list_payouts": lambda here: {"status": "paid", "arrival_after": "2020-01-01"},
    "create_customer": lambda here: {
        "name": "Saffron Yoga",
        "email": "hi@saffron.example",
        "phone": "+1 555 0100",
        "description": "Met at the fair",
        "metadata": {"source": "chat"},
    },
    "create_invoice": lambda here: {
        "customer": customer(here),
        "items": [
            {"description": "Design", "unit_amount": 80.50, "quantity": 2},
            {"description": "Discount", "amount": -10},
            {"description": "Plan", "price": subscription(here, -1)["items"][0]["price"], "quantity": 2},
        ],
        "currency": "usd",
        "days_until_due": 14,
        "description": "Thank you",
    },
    "send_invoice": lambda here: {"invoice": draft(here), "confirm": True},
    "create_payment_link": lambda here: {
        "product_name": "Workshop",
        "unit_amount": 120,
        "currency": "usd",
    },
    "create_payment_link#2": lambda here: {
        "price": subscription(here, -1)["items"][0]["price"],
        "quantity": 2,
    },
    "create_refund": lambda here: {
        "payment_intent": payment(here)["id"],
        "amount": 1,
        "currency": "usd",
        "reason": "requested_by_customer",
        "confirm": True,
    },
    "create_refund#2": lambda here: {
        "charge": payment(here)["latest_charge"],
        "amount": 0.5,
        "confirm": True,
    },
    "create_refund#3": lambda here: {"payment_intent": payment(here)["id"], "confirm": True},
    "cancel_subscription": lambda here: {"subscription": subscription(here)["id"], "confirm": True},
    "cancel_subscription#2": lambda here: {
        "subscription": subscription(here)["id"],
        "at_period_end": False,
        "confirm": True,
    },
}
