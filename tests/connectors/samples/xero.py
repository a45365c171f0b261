"""Arguments with which each Xero tool works on Harbour Street Trading: the demo company may mail nothing."""

import uuid

from app.sandbox.clock import today

COMPANY = "harbour"
TODAY = today().isoformat()
# Ids, the thing asked for, and nothing else.
REQUIRED = frozenset(
    {
        "Invoices[].InvoiceID",
        "Contacts[].ContactID",
        "Accounts[].AccountID",
        "Payments[].PaymentID",
        "Organisations[].OrganisationID",
        "Reports[].Rows",
        "[].tenantId",
        "[].tenantType",
    }
)
# Beside them, what decides whether a write can work: what is booked on, what is taxed, who gets the email.
PREVIEWS_REQUIRE = frozenset(
    {"Accounts[].Code", "Accounts[].Type", "TaxRates[].TaxType", "Contacts[].EmailAddress"}
)
# Xero answers a sent email with 204 and no content.
EMPTY_ANSWERS = frozenset({"email_invoice", "email_invoice#2"})


def contact(here):
    return here.call("list_contacts")["items"][0]["contact_id"]


def unpaid(here, number=0):
    found = here.call("list_invoices", {"type": "ACCREC", "status": ["AUTHORISED"]})["items"]
    return found[number]["invoice_id"]


def bank(here, name="Business Bank Account"):
    banks = here.call("list_accounts", {"type": "BANK", "status": "ACTIVE"})["items"]
    return next(each for each in banks if each["name"] == name)


LINE = {"description": "Work", "quantity": 2, "unit_amount": 80.5, "account_code": "200"}

SAMPLES = {
    "list_organisations": lambda here: {},
    "get_organisation": lambda here: {},
    "list_invoices": lambda here: {"type": "ACCREC", "status": ["AUTHORISED", "PAID"], "page_size": 10},
    "list_invoices#2": lambda here: {
        "contact_id": contact(here),
        "date_from": "2020-01-01",
        "date_to": TODAY,
        "search": "P/O",
    },
    "list_invoices#3": lambda here: {"contact": "kauri", "page": 2, "page_size": 5},
    "get_invoice": lambda here: {"invoice_id": unpaid(here)},
    "list_contacts": lambda here: {"include_archived": True},
    "list_contacts#2": lambda here: {"search": "cafe"},
    "list_accounts": lambda here: {"status": "ACTIVE"},
    "list_accounts#2": lambda here: {"type": "BANK"},
    "list_payments": lambda here: {"date_from": "2020-01-01", "date_to": TODAY},
    "get_profit_and_loss": lambda here: {"periods": 2, "timeframe": "MONTH"},
    "get_profit_and_loss#2": lambda here: {
        "from_date": f"{TODAY[:8]}01",
        "to_date": TODAY,
        "payments_only": True,
    },
    "get_balance_sheet": lambda here: {"date": TODAY},
    "get_balance_sheet#2": lambda here: {"periods": 1, "timeframe": "YEAR"},
    "get_aged_receivables": lambda here: {"contact_id": contact(here)},
    "get_aged_receivables#2": lambda here: {"contact_id": contact(here), "date": TODAY},
    # Names are unique, and every replay creates another one.
    "create_contact": lambda here: {
        "name": f"Juniper Tea {uuid.uuid4().hex[:8]}",
        "email": "hello@junipertea.example",
        "first_name": "June",
        "last_name": "Park",
    },
    "create_invoice": lambda here: {"contact_id": contact(here), "line_items": [LINE]},
    "create_invoice#2": lambda here: {
        "contact_id": contact(here),
        "line_items": [{**LINE, "tax_type": "OUTPUT2"}],
        "date": TODAY,
        "due_date": TODAY,
        "reference": "P/O 12",
        "status": "AUTHORISED",
    },
    "create_invoice#3": lambda here: {
        "contact_id": contact(here),
        "line_items": [{**LINE, "account_code": "469"}],
        "type": "ACCPAY",
        "reference": "PI-7",
    },
    "email_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
    "email_invoice#2": lambda here: {"invoice_id": unpaid(here, 1), "confirm": True},
    "record_payment": lambda here: {
        "invoice_id": unpaid(here),
        "account_code": bank(here)["code"],
        "amount": 1,
        "date": TODAY,
        "reference": "Transfer 5",
    },
    "record_payment#2": lambda here: {
        "invoice_id": unpaid(here),
        "account_id": bank(here, "Company Card")["account_id"],
        "amount": 1,
        "date": TODAY,
    },
}
