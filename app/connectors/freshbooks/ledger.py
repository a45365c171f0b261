"""Expenses, and payments received."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.freshbooks.families import (
    create_accounting,
    dated_between,
    list_accounting,
    not_after,
    unconfirmed,
)
from app.connectors.freshbooks.invoices import read_invoice
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
from app.connectors.money import Money, PositiveAmount, as_text
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
    invoice_status: str | None = Field(None, description="The invoice's state afterwards.")
    invoice_outstanding: Money | None = Field(None, description="What is still to be paid afterwards.")


@tool(title="List expenses", reads_only=True, pages_by="page", needs_scopes=("user:expenses:read",))
def list_expenses(
    api: Api,
    date_from: FirstDay = None,
    date_to: LastDay = None,
    page: PageNumber = 1,
) -> Page[Expense]:
    """List what the business spent, and at whom. Income is in freshbooks_get_revenue_report."""
    search = dated_between(date_from, date_to)
    listed = list_accounting(api, "expenses/expenses", "expenses", page=page, search=search)
    return not_after(listed.read_as(Expense), date_to, lambda row: row.date)


@tool(title="Record a payment", destructive=True, needs_scopes=("user:payments:write",))
def record_payment(
    api: Api,
    invoice_id: InvoiceId,
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency.")],
    date: Annotated[date, Field(description="Day the money came.")],
    type: Annotated[PaymentType, Field(description="How it was paid.")] = "Other",
    note: Annotated[str | None, Field(max_length=1000, description="For the books.")] = None,
) -> Payment:
    """Record in the books that an invoice was paid, in full or in part. It moves no money.

    Use it only when the person says the money has arrived. What is due is in freshbooks_get_invoice.
    """
    invoice = read_invoice(api, invoice_id)
    if invoice.outstanding is not None and amount > invoice.outstanding:
        raise InvalidArguments(
            "Nothing was recorded: that is more than is still due on this invoice.",
            details={
                "outstanding": as_text(invoice.outstanding, invoice.currency),
                "currency": invoice.currency,
            },
        )
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
        api.say("The payment was recorded; the invoice's new state could not be read.")
        return payment
    payment.invoice_status, payment.invoice_outstanding = invoice.v3_status, invoice.outstanding
    api.say("The payment was recorded.")
    return payment
