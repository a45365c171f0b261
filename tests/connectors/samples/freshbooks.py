"""Arguments with which each FreshBooks tool works on the demo company Northwind Studio."""

from app.sandbox.clock import today

TODAY = today().isoformat()


def invoice(here, **search):
    return here.call("list_invoices", search)["items"][0]


SAMPLES = {
    "list_invoices": lambda here: {"status": "overdue", "per_page": 5},
    "create_invoice": lambda here: {
        "client_name": "brightwater dental",
        "line_items": [{"description": "Web design", "qty": 2, "unit_cost": 110.5}],
        "due_offset_days": 14,
    },
    "send_saturday_invoices": lambda here: {},
    "log_time": lambda here: {"hours": 1.5, "description": "Call", "client_name": "Cobalt Cycles"},
    "get_revenue_report": lambda here: {},
    "get_invoice": lambda here: {"invoice_id": invoice(here)["invoice_id"]},
    "send_invoice": lambda here: {
        "invoice_id": invoice(here, status="overdue")["invoice_id"],
        "confirm": True,
    },
    "list_clients": lambda here: {"search": "book"},
    "create_client": lambda here: {
        "organization": "Juniper Tea",
        "email": "hello@junipertea.example",
        "currency_code": "USD",
    },
    "list_time_entries": lambda here: {"billable": True, "team": True},
    "list_projects": lambda here: {"active": True},
    "list_expenses": lambda here: {"date_to": TODAY},
    "record_payment": lambda here: {
        "invoice_id": invoice(here, status="overdue")["invoice_id"],
        "amount": "1.00",
        "date": TODAY,
        "type": "Check",
    },
    "get_accounts_aging": lambda here: {"currency_code": "USD"},
}
