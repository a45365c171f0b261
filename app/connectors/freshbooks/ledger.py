"""Expenses, and payments received."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.freshbooks.families import (
    create_accounting,
    dated_between,
    list_accounting,
    not_after,
    unconfirmed,
)
from app.connectors.freshbooks.invoices import InvoiceDetail, invoice_facts, read_invoice
from app.connectors.freshbooks.values import (
    Day,
    FirstDay,
    FreshBooksRow,
    InvoiceId,
    LastDay,
    PageNumber,
    Text,
    read_as,
)
from app.connectors.function_tool import tool
from app.connectors.lookups import long_day, named, named_invoice
from app.connectors.money import Money, PositiveAmount, as_text, decimals_of
from app.connectors.preview import Preview, facts
from app.connectors.preview import amount as spelled_out
from app.connectors.rows import Page
from app.errors import InvalidArguments, ToolError

PaymentType = Literal[
    "Check", "Credit", "Cash", "Bank Transfer", "Credit Card", "Debit", "PayPal", "ACH", "Other"
]


class Expense(FreshBooksRow):
    """Money spent."""

    id: int
    date: Day | None = None
    vendor: Text = ""
    amount: Money | None = Field(None, validation_alias=AliasPath("amount", "amount"))
    currency: str | None = Field(None, validation_alias=AliasPath("amount", "code"))
    notes: Text = ""


class Payment(FreshBooksRow):
    """Money received for an invoice."""

    id: int
    invoice_id: int | None = Field(None, validation_alias="invoiceid")
    amount: Money | None = Field(None, validation_alias=AliasPath("amount", "amount"))
    currency: str | None = Field(None, validation_alias=AliasPath("amount", "code"))
    date: Day | None = None
    type: Text = ""
    note: Text = ""
    invoice_status: str | None = Field(None, description="The invoice's status afterwards.")
    invoice_outstanding: Money | None = Field(None, description="Balance due afterwards.")


@tool(title="List expenses", reads_only=True, pages_by="page", needs_scopes=("user:expenses:read",))
def list_expenses(
    api: Api,
    date_from: FirstDay = None,
    date_to: LastDay = None,
    page: PageNumber = 1,
) -> Page[Expense]:
    """List what the business spent, and where. Income is in freshbooks_get_revenue_report."""
    search = dated_between(date_from, date_to)
    listed = list_accounting(api, "expenses/expenses", "expenses", page=page, search=search)
    return not_after(listed.read_as(Expense), date_to, lambda row: row.date)


def _preview_of_payment(
    api: Api, invoice_id: int, amount: Decimal, date: Day, type: PaymentType, **_more: Any
) -> Preview:
    """Preview of `record_payment`. Raises what stops it."""
    invoice = _payable(api, invoice_id, amount)
    total = spelled_out(amount, invoice.currency)
    due = invoice.outstanding
    by = "" if type == "Other" else f" by {type if type in {'ACH', 'PayPal'} else type.lower()}"
    client = f" for {named(invoice.client)}" if invoice.client else ""
    return Preview(
        f"Record payment of {total}{by} on {named_invoice(invoice.invoice_number)}{client}, received "
        f"{long_day(date)}",
        f"Record payment, {total}",
        (
            *invoice_facts(invoice),
            *facts(("Due after this payment", due and spelled_out(due - amount, invoice.currency))),
        ),
        frozenset({"amount", "date", "type", *(["invoice_id"] if invoice.invoice_number else [])}),
    )


@tool(
    title="Record a payment",
    destructive=True,
    needs_scopes=("user:payments:write",),
    preview=_preview_of_payment,
)
def record_payment(
    api: Api,
    invoice_id: InvoiceId,
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency.")],
    date: Annotated[date, Field(description="Day the money arrived.")],
    type: Annotated[PaymentType, Field(description="How it was paid.")] = "Other",
    note: Annotated[str | None, Field(max_length=1000, description="For the books.")] = None,
) -> Payment:
    """Record in the books that an invoice was paid, in full or in part. It moves no money.

    Use it only when the person says the money has arrived. What is due is in freshbooks_get_invoice.
    """
    invoice = _payable(api, invoice_id, amount)
    fields = {
        "invoiceid": invoice_id,
        "amount": {"amount": f"{amount:.2f}"},
        "date": date.isoformat(),
        "type": type,
        "note": note,
    }
    with unconfirmed(
        "FreshBooks did not confirm the payment. See what is still due with freshbooks_get_invoice "
        "before trying again.",
    ):
        record = create_accounting(api, "payments/payments", "payment", fields)
        payment = read_as(Payment, record, wrote=True)
    payment.currency = payment.currency or invoice.currency
    try:
        invoice = read_invoice(api, invoice_id)
    except ToolError:
        # The payment was made: an unreadable effect must not look like a failure.
        api.say("The payment was recorded; the invoice's new status could not be read.")
        return payment
    payment.invoice_status, payment.invoice_outstanding = invoice.v3_status, invoice.outstanding
    api.say("The payment was recorded.")
    return payment


def _payable(api: Api, invoice_id: int, amount: Decimal) -> InvoiceDetail:
    """The invoice to record a payment on. Raises InvalidArguments for an amount that it cannot take."""
    invoice = read_invoice(api, invoice_id)
    places = decimals_of(invoice.currency)
    if amount != round(amount, places):
        raise InvalidArguments(
            f"amount: nothing was recorded. {invoice.currency} has {places or 'no'} decimals.",
            details={"fields": ["amount"]},
        )
    if invoice.outstanding is not None and amount > invoice.outstanding:
        raise InvalidArguments(
            "Nothing was recorded: the amount is more than the balance due on this invoice.",
            details={
                "outstanding": as_text(invoice.outstanding, invoice.currency),
                "currency": invoice.currency,
            },
        )
    return invoice
