"""Arguments with which each Xero tool works on Harbour Street Trading: the demo company may mail nothing."""

from app.sandbox.clock import today

COMPANY = "harbour"
TODAY = today().isoformat()


def contact(here):
    return here.call("list_contacts")["items"][0]["contact_id"]


def unpaid(here):
    return here.call("list_invoices", {"type": "ACCREC", "status": ["AUTHORISED"]})["items"][0]["invoice_id"]


def bank(here):
    return here.call("list_accounts", {"type": "BANK", "status": "ACTIVE"})["items"][0]["code"]


SAMPLES = {
    "list_organisations": lambda here: {},
    "get_organisation": lambda here: {},
    "list_invoices": lambda here: {"type": "ACCREC", "status": ["AUTHORISED", "PAID"], "page_size": 10},
    "get_invoice": lambda here: {"invoice_id": unpaid(here)},
    "list_contacts": lambda here: {"include_archived": True},
    "list_accounts": lambda here: {"status": "ACTIVE"},
    "list_payments": lambda here: {"date_to": TODAY},
    "get_profit_and_loss": lambda here: {"periods": 2, "timeframe": "MONTH"},
    "get_balance_sheet": lambda here: {"date": TODAY},
    "get_aged_receivables": lambda here: {"contact_id": contact(here)},
    "create_contact": lambda here: {"name": "Juniper Tea", "email": "hello@junipertea.example"},
    "create_invoice": lambda here: {
        "contact_id": contact(here),
        "line_items": [{"description": "Work", "quantity": 2, "unit_amount": 80.5, "account_code": "200"}],
    },
    "email_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
    "record_payment": lambda here: {
        "invoice_id": unpaid(here),
        "account_code": bank(here),
        "amount": 1,
        "date": TODAY,
    },
}
