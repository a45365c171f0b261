"""Arguments with which each QuickBooks tool works on the demo company Maple & Pine Landscaping."""

from datetime import timedelta

from app.sandbox.clock import today

TODAY = today()


def unpaid(here):
    """An overdue invoice with an e-mail address."""
    found = here.call("list_invoices", {"status": "overdue"})["items"]
    return next(
        i["invoice_id"]
        for i in found
        if here.call("get_invoice", {"invoice_id": i["invoice_id"]})["billing_email"]
    )


def item(here):
    return here.call("list_items", {"search": "Gardening"})["items"][0]["item_id"]


SAMPLES = {
    "get_company_info": lambda here: {},
    "list_customers": lambda here: {"search": "Amy's", "limit": 5},
    "list_invoices": lambda here: {"status": "overdue", "date_to": TODAY.isoformat(), "limit": 5},
    "get_invoice": lambda here: {"invoice_id": unpaid(here)},
    "list_items": lambda here: {"limit": 3, "offset": 1},
    "list_accounts": lambda here: {"classification": "Asset"},
    "get_profit_and_loss": lambda here: {
        "start_date": (TODAY - timedelta(days=100)).isoformat(),
        "end_date": TODAY.isoformat(),
        "accounting_method": "Cash",
        "summarize_by": "Month",
    },
    "get_balance_sheet": lambda here: {"as_of": TODAY.isoformat()},
    "get_aged_receivables": lambda here: {"report_date": TODAY.isoformat()},
    "create_customer": lambda here: {
        "display_name": "Juniper Tea",
        "email": "hello@junipertea.example",
        "phone": "555 0100",
    },
    "create_invoice": lambda here: {
        "customer_id": "24",
        "lines": [{"item_id": item(here), "quantity": 2.5, "unit_price": 35.5, "description": "Weeding"}],
        "memo": "Thank you",
    },
    "send_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
    "record_payment": lambda here: {"invoice_id": unpaid(here), "amount": 1, "date": TODAY.isoformat()},
    "void_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
}
