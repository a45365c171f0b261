"""Arguments with which each QuickBooks tool works on the demo company Maple & Pine Landscaping."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

from app.sandbox.clock import today

TODAY = today()
NUMBERS = count(1)  # names are taken once


def unpaid(here):
    """The overdue invoice with an email address on which most is owed: each payment here takes some of it."""
    found = here.call("list_invoices", {"status": "overdue"})["items"]
    found.sort(key=lambda invoice: Decimal(invoice["balance"]), reverse=True)
    return next(
        i["invoice_id"]
        for i in found
        if here.call("get_invoice", {"invoice_id": i["invoice_id"]})["billing_email"]
    )


def newly_made(here):
    """An invoice that nobody has paid anything of."""
    return here.call("create_invoice", SAMPLES["create_invoice"](here))["invoice_id"]


def item(here):
    return here.call("list_items", {"search": "Gardening"})["items"][0]["item_id"]


# Ids, the company itself, the columns of a report (what its numbers are), whose invoice is paid, and where it
# is mailed to.
REQUIRED = frozenset([
    *("QueryResponse.Account[].Id", "QueryResponse.Customer[].Id", "QueryResponse.Invoice[].Id"),
    *("QueryResponse.Item[].Id", "QueryResponse.TaxCode[].Id", "QueryResponse.TaxRate[]"),
    *("CompanyInfo", "Columns.Column[]", "Customer.Id", "Invoice.Id", "Invoice.CustomerRef.value"),
    *("Invoice.BillEmail.Address", "Payment.Id"),
])  # fmt: skip

SAMPLES = {
    "get_company_info": lambda here: {},
    "list_tax_codes": lambda here: {"limit": 2, "offset": 1},
    "list_customers": lambda here: {"search": "Amy's", "limit": 5},
    "list_invoices#2": lambda here: {"customer_id": "24", "status": "all", "date_from": "2020-01-01"},
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
    "get_profit_and_loss#2": lambda here: {"start_date": TODAY.isoformat(), "end_date": TODAY.isoformat()},
    "get_balance_sheet": lambda here: {"as_of": TODAY.isoformat(), "accounting_method": "Accrual"},
    "get_aged_receivables": lambda here: {"report_date": TODAY.isoformat()},
    "create_customer": lambda here: {
        "display_name": f"Juniper Tea {next(NUMBERS)}",
        "email": "hello@junipertea.example",
        "phone": "555 0100",
        "company_name": "Juniper Tea Ltd",
    },
    "create_invoice": lambda here: {
        "customer_id": "24",
        "lines": [{"item_id": item(here), "quantity": 2.5, "unit_price": 35.5, "description": "Weeding"}],
        "memo": "Thank you",
        "date": TODAY.isoformat(),
        "due_date": (TODAY + timedelta(days=14)).isoformat(),
        "customer_email": "family@example.com",
    },
    "create_invoice#2": lambda here: {
        "customer_id": "24",
        "lines": [{"item_id": item(here), "quantity": 1, "unit_price": 35.5, "tax_code": "NON"}],
        "global_tax_calculation": "TaxExcluded",
    },
    "send_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
    "send_invoice#2": lambda here: {
        "invoice_id": unpaid(here),
        "confirm": True,
        "send_to": "family+bills@example.com",
    },
    "record_payment": lambda here: {"invoice_id": unpaid(here), "amount": 1, "date": TODAY.isoformat()},
    "void_invoice": lambda here: {"invoice_id": unpaid(here), "confirm": True},
    "void_invoice#2": lambda here: {"invoice_id": newly_made(here), "confirm": True},
}
