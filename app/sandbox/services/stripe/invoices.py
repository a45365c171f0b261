"""Invoices and their lines. An invoice embeds only its first lines."""

import re
from decimal import Decimal

from flask import Blueprint, Response, jsonify

from app.sandbox.services.stripe import records
from app.sandbox.services.stripe.reading import matching, one
from app.sandbox.services.stripe.request_checks import AuthorizedCall, opens
from app.sandbox.services.stripe.wire import amount_in, in_order, integer, missing, page, refusal
from app.sandbox.store import Record

bp = Blueprint("stripe_invoices", __name__)
_COLLECTION = ("collection_method", "days_until_due", "due_date", "auto_advance")
_AMOUNT = ("amount", "currency", "unit_amount_decimal", "quantity", "pricing")
# "the total count of line items and the first handful of those items":
# https://docs.stripe.com/api/invoices/invoice_lines
_EMBEDDED = 10


@bp.get("/v1/invoices")
@opens("invoice_read", "status", "customer", "created", "collection_method")
def invoices(call: AuthorizedCall) -> Response:
    """Newest first."""
    found = matching(call, "invoice", "status", "customer")
    return page("/v1/invoices", [invoice_resource(record) for record in found], call.given)


@bp.get("/v1/invoices/<id_>")
@opens("invoice_read")
def invoice(call: AuthorizedCall, id_: str) -> Response:
    """One invoice."""
    return jsonify(invoice_resource(one(call, "invoice", id_)))


@bp.get("/v1/invoices/<id_>/lines")
@opens("invoice_read")
def lines(call: AuthorizedCall, id_: str) -> Response:
    """All lines of an invoice, in their order."""
    return in_order(f"/v1/invoices/{id_}/lines", one(call, "invoice", id_)["lines"], call.given)


@bp.post("/v1/invoices")
@opens("invoice_write", "customer", "currency", *_COLLECTION, "description", "metadata")
def create_invoice(call: AuthorizedCall) -> Response:
    """Create a draft without lines."""
    if "customer" not in call.given:
        raise missing("customer")
    customer = one(call, "customer", call.given["customer"], "customer")
    days = integer(call.given, "days_until_due")
    if (
        call.given.get("collection_method") == "send_invoice"
        and days is None
        and "due_date" not in call.given
    ):
        raise missing("days_until_due")
    currency = call.given.get("currency") or call.account.currency
    invoice = records.add_invoice(
        call.book, customer, call.now, currency, days or 30, description=call.given.get("description")
    )
    return jsonify(invoice_resource(invoice))


@bp.post("/v1/invoiceitems")
@opens("invoice_write", "customer", "invoice", "description", *_AMOUNT)
def create_item(call: AuthorizedCall) -> Response:
    """Add a line to a draft."""
    if "customer" not in call.given:
        raise missing("customer")
    invoice = one(call, "invoice", call.given.get("invoice", ""), "invoice")
    if invoice["status"] != "draft":
        raise refusal(
            400, "This invoice is no longer editable.", code="invoice_not_editable", param="invoice"
        )
    if call.given.get("currency") not in {None, invoice["currency"]}:
        raise refusal(400, "The currency of the invoice item does not match the invoice.", param="currency")
    currency = invoice["currency"]
    quantity = integer(call.given, "quantity", 1) or 1
    amount = amount_in(call.given, "amount", currency)
    pricing = None
    if "pricing" in call.given:
        price = one(call, "price", call.given["pricing"].get("price", ""), "pricing[price]")
        amount = int(Decimal(str(price["unit_amount_decimal"])) * quantity)
        pricing = _pricing(price["unit_amount_decimal"], price)
    elif amount is None:
        unit = str(call.given.get("unit_amount_decimal", ""))
        if not re.fullmatch(r"-?\d{1,15}(\.\d{1,12})?", unit):
            raise missing("amount")
        pricing = _pricing(unit)
        amount = int((Decimal(unit) * quantity).to_integral_value())
        amount_in({"unit_amount_decimal": amount}, "unit_amount_decimal", currency)
    return jsonify(
        records.add_line(call.book, invoice, call.given.get("description"), amount, quantity, pricing)
    )


@bp.post("/v1/invoices/<id_>/send")
@opens("invoice_write")
def send_invoice(call: AuthorizedCall, id_: str) -> Response:
    """Finalize a draft. Test mode sends no mail."""
    invoice = one(call, "invoice", id_)
    if invoice["status"] == "draft" and not invoice["lines"]:
        raise refusal(400, "Nothing to invoice for customer", code="invoice_no_customer_line_items")
    if invoice["status"] not in {"draft", "open"}:
        raise refusal(
            400, f"You can only manually send an invoice that is open; this one is {invoice['status']}."
        )
    if invoice["status"] == "draft":
        invoice = records.finalize(call.book, invoice)
    return jsonify(invoice_resource(invoice))


def invoice_resource(invoice: Record) -> Record:
    """An invoice in the shape of a response."""
    every = invoice["lines"]
    embedded = {
        "object": "list",
        "data": every[:_EMBEDDED],
        "has_more": len(every) > _EMBEDDED,
        "total_count": len(every),
        "url": f"/v1/invoices/{invoice['id']}/lines",
    }
    return {**invoice, "lines": embedded}


def _pricing(unit_amount: str, price: Record | None = None) -> Record:
    details = {"price": price["id"], "product": price["product"]} if price else None
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": unit_amount}
