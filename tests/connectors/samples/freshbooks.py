"""Arguments with which each FreshBooks tool works on the demo company Northwind Studio."""

from app.sandbox.clock import today

TODAY = today().isoformat()
# Ids, the thing asked for, and nothing else. Of a sum that is each amount in it; before mailing it is who
# gets the mail; for a tool that finds a client by name it is that name.
_INVOICE, _LISTED, _REPORTS = "response.result.invoice", "response.result.invoices[]", "response.result"
REQUIRED = frozenset(
    {
        f"{_INVOICE}.invoiceid",
        f"{_INVOICE}.email",
        f"{_LISTED}.invoiceid",
        f"{_LISTED}.amount.amount",
        f"{_LISTED}.amount.code",
        f"{_LISTED}.outstanding.amount",
        f"{_LISTED}.v3_status",
        f"{_LISTED}.create_date",
        "response.result.client.id",
        "response.result.clients[].id",
        "response.result.clients[].organization",
        "response.result.payment.id",
        "response.result.expenses[].id",
        f"{_REPORTS}.payments_collected.totals[].amount",
        f"{_REPORTS}.payments_collected.totals[].code",
        f"{_REPORTS}.payments_collected.payments[].amount.amount",
        f"{_REPORTS}.payments_collected.payments[].amount.code",
        f"{_REPORTS}.accounts_aging.accounts[].total.amount",
        "response.identity_id",
        "response.business_memberships[].business.id",
        "time_entry.id",
        "time_entries[].id",
        "projects[].id",
        "meta",
    }
)


def invoice(here, **search):
    return here.call("list_invoices", search)["items"][0]


def unpaid(here):
    """An invoice with something due; each recorded payment makes an overdue one partly paid."""
    found = [
        row for status in ("overdue", "partial") for row in here.call("list_invoices", status=status)["items"]
    ]
    return found[0]["invoice_id"]


def client(here):
    return here.call("list_clients", {"search": "fable"})["items"][0]["id"]


SAMPLES = {
    "list_invoices": lambda here: {"status": "overdue", "per_page": 5},
    "list_invoices#2": lambda here: {"client_id": client(here), "date_from": "2020-01-01", "date_to": TODAY},
    "create_invoice": lambda here: {
        "client_name": "brightwater dental",
        "line_items": [{"description": "Web design", "qty": 2, "unit_cost": 110.5}],
        "due_offset_days": 14,
    },
    "create_invoice#2": lambda here: {
        "client_id": client(here),
        "line_items": [{"description": "Signage", "qty": 1, "unit_cost": 80, "name": "Sign"}],
        "currency_code": "CAD",
        "notes": "Thank you",
        "terms": "30 days",
        "date": TODAY,
    },
    "send_saturday_invoices": lambda here: {},
    "log_time": lambda here: {"hours": 1.5, "description": "Call", "client_name": "Cobalt Cycles"},
    "get_revenue_report": lambda here: {},
    "get_invoice": lambda here: {"invoice_id": invoice(here)["invoice_id"]},
    "send_invoice": lambda here: {
        "invoice_id": unpaid(here),
        "confirm": True,
    },
    "send_invoice#2": lambda here: {
        "invoice_id": unpaid(here),
        "confirm": True,
        "recipients": ["ed@pottery.example"],
        "subject": "Your invoice",
        "message": "Hello",
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
        "invoice_id": unpaid(here),
        "amount": 1,
        "date": TODAY,
        "type": "Check",
    },
    "get_accounts_aging": lambda here: {"currency_code": "USD"},
}
