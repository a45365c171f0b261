"""What is stored and displayed means the same when it is checked again, for every service's writing tools."""

import pytest

from app.connectors.services import services_of
from app.mcp_server.calls.approved_write import canonical_arguments

CALLS = {
    "xero_create_invoice": {
        "contact_id": "3d4e1f2a-0000-4000-8000-000000000001",
        "line_items": [
            {"description": "Oak table", "quantity": 2, "unit_amount": 12345.5, "account_code": "200"}
        ],
        "due_date": "2026-12-01",
        "status": "AUTHORISED",
    },
    "xero_record_payment": {
        "invoice_id": "3d4e1f2a-0000-4000-8000-000000000001",
        "account_code": "090",
        "amount": 12.5,
        "date": "2026-11-21",
    },
    "freshbooks_create_invoice": {
        "client_id": 17,
        "line_items": [{"description": "Work", "qty": "1.5", "unit_cost": "99.90"}],
    },
    "freshbooks_record_payment": {"invoice_id": 5, "amount": "150.00", "date": "2026-11-21"},
    "quickbooks_create_invoice": {
        "customer_id": "1",
        "lines": [{"item_id": "2", "quantity": 1, "unit_price": 9.99}],
    },
    "quickbooks_record_payment": {"invoice_id": "7", "amount": 10},
    "stripe_create_invoice": {
        "customer": "cus_1",
        "items": [{"description": "x", "amount": 1099}],
        "currency": "eur",
    },
    "stripe_create_refund": {"confirm": True, "payment_intent": "pi_1", "amount": 500},
    "gmail_send_message": {"to": ["a@example.com"], "subject": "Hi", "body": "Hello\nyou"},
    "google_sheets_append_rows": {
        "spreadsheet_id": "x" * 30,
        "range": "Sheet1!A1",
        "rows": [["a", 1, None, True]],
    },
    "xano_create_table_record": {"workspace_id": 1, "table_id": 2, "record_data": {"a": {"b": [1, None]}}},
    "servicefusion_create_job": {"customer_id": 4, "description": "Fix it", "start_date": "2026-12-01"},
    "flowpos_adjust_inventory": {"product_id": "p1", "location_id": "l1", "delta": -3, "reason": "Broken"},
}


@pytest.mark.parametrize("name", CALLS)
def test_checked_twice_it_is_the_same(name):
    _, tool = services_of(None).find_tool(name)
    checked = tool.parse(CALLS[name])
    stored_arguments = canonical_arguments(tool, checked, CALLS[name])
    assert set(stored_arguments) == set(tool.input_schema["properties"]), (
        "it was stored_arguments as it was given"
    )
    assert tool.parse(stored_arguments) == checked
    assert canonical_arguments(tool, tool.parse(stored_arguments), stored_arguments) == stored_arguments


def test_every_service_with_writing_tools_is_here():
    writing = {
        c.slug for c in services_of(None) if c.slug != "acme" and any(not tool.reads_only for tool in c.tools)
    }
    assert {services_of(None).find_tool(name)[0].slug for name in CALLS} == writing
