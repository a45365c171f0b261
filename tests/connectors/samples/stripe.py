"""Arguments with which each Stripe tool works on Byrd Ltd."""


def customer(here):
    return here.call("list_customers", {"email": "office@mapledental.example"})["items"][0]["id"]


def draft(here):
    made = here.call(
        "create_invoice",
        {"customer": customer(here), "items": [{"description": "Hours", "amount": 5000}], "currency": "usd"},
    )
    return made["id"]


def payment(here):
    """One that has something left to refund."""
    return here.call("list_payments", {"status": "succeeded", "limit": 50})["items"][-1]["id"]


def subscription(here):
    return here.call("list_subscriptions", {"status": "active"})["items"][0]["id"]


SAMPLES = {
    "get_account": lambda here: {},
    "get_balance": lambda here: {},
    "list_customers": lambda here: {"created_after": "2020-01-01", "limit": 2},
    "list_invoices": lambda here: {"status": "open", "created_after": "2020-01-01"},
    "get_invoice": lambda here: {"invoice": here.call("list_invoices")["items"][0]["id"]},
    "list_payments": lambda here: {"status": "succeeded", "limit": 5},
    "list_subscriptions": lambda here: {"status": "all"},
    "list_payouts": lambda here: {"status": "paid", "arrival_after": "2020-01-01"},
    "create_customer": lambda here: {
        "name": "Saffron Yoga",
        "email": "hi@saffron.example",
        "metadata": {"source": "chat"},
    },
    "create_invoice": lambda here: {
        "customer": customer(here),
        "items": [
            {"description": "Design", "unit_amount": 8050, "quantity": 2},
            {"description": "Discount", "amount": -1000},
        ],
        "currency": "usd",
    },
    "send_invoice": lambda here: {"invoice": draft(here), "confirm": True},
    "create_payment_link": lambda here: {
        "product_name": "Workshop",
        "unit_amount": 12_000,
        "currency": "usd",
    },
    "create_refund": lambda here: {
        "payment_intent": payment(here),
        "amount": 100,
        "reason": "requested_by_customer",
        "confirm": True,
    },
    "cancel_subscription": lambda here: {"subscription": subscription(here), "confirm": True},
}
