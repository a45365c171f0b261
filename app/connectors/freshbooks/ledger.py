"""Expenses, and payments received."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.freshbooks.families import create_accounting, dated_between, list_accounting, unconfirmed
from app.connectors.freshbooks.invoices import read_invoice
from app.connectors.freshbooks.values import Amount, Day, FreshBooksRow, Id, Money, PageNumber, Text, read_as
from app.connectors.function_tool import tool
from app.connectors.rows import Page
from app.errors import InvalidArguments, ToolError

PaymentType = Literal[
    "Check", "Credit", "Cash", "Bank Transfer", "Credit Card", "Debit", "PayPal", "ACH", "Other"
]


class Expense(FreshBooksRow):
    """Money spent."""

    id: int
    date: Day
    vendor: Text = ""
    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    currency: str = Field(validation_alias=AliasPath("amount", "code"))
    notes: Text = ""


class Payment(FreshBooksRow):
    """Money received for an invoice."""

    id: int
    invoice_id: int = Field(validation_alias="invoiceid")
    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    currency: str = Field(validation_alias=AliasPath("amount", "code"))
    date: Day
    type: Text = ""
    note: Text = ""
    invoice_status: str | None = Field(None, description="The invoice's state afterwards.")
    invoice_outstanding: Money | None = Field(None, description="What is still to be paid afterwards.")


@tool(title="List expenses", reads_only=True, pages_by="page", needs_scopes=("user:expenses:read",))
def list_expenses(
    api: Api,
    date_from: Annotated[date | None, Field(description="First day, YYYY-MM-DD.")] = None,
    date_to: Annotated[date | None, Field(description="Last day, YYYY-MM-DD.")] = None,
    page: PageNumber = 1,
) -> Page[Expense]:
    """List what a FreshBooks business spent, newest first.

    Use it for questions about costs and vendors. Income is in freshbooks_get_revenue_report.
    """
    search = dated_between(date_from, date_to)
    listed = list_accounting(api, "expenses/expenses", "expenses", page=page, search=search)
    return listed.read_as(Expense)


@tool(title="Record a payment", destructive=True, needs_scopes=("user:payments:write",))
def record_payment(
    api: Api,
    invoice_id: Annotated[Id, Field(description="The invoice that was paid, from freshbooks_list_invoices.")],
    amount: Annotated[Amount, Field(description='Decimal in the invoice\'s currency, such as "150.00".')],
    date: Annotated[date, Field(description="Day the money came, YYYY-MM-DD.")],
    type: Annotated[PaymentType, Field(description="How it was paid.")] = "Other",
    note: Annotated[str | None, Field(max_length=1000, description="For the books.")] = None,
) -> Payment:
    """Enter in the FreshBooks books that an invoice was paid, in full or in part. It moves no money.

    Use it only when the person says the money has arrived. See what is still due with freshbooks_get_invoice.
    """
    invoice = read_invoice(api, invoice_id)
    if amount > invoice.outstanding:
        raise InvalidArguments(
            "Nothing was recorded: that is more than is still due on this invoice.",
            details={"outstanding": str(invoice.outstanding), "currency": invoice.currency},
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
    try:
        invoice = read_invoice(api, invoice_id)
    except ToolError:
        # The payment was made: an unreadable effect must not look like a failure.
        api.say("The payment was recorded; the invoice's new state could not be read.")
        return payment
    payment.invoice_status, payment.invoice_outstanding = invoice.v3_status, invoice.outstanding
    api.say("The payment was recorded.")
    return payment
