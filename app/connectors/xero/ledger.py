"""The chart of accounts, and payments on invoices."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasChoices, AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.money import PositiveAmount
from app.connectors.rows import Page, Row
from app.connectors.xero.accounting import create, dated_between, read, read_page
from app.connectors.xero.values import (
    AccountCode,
    CalendarDate,
    Identifier,
    Money,
    XeroRow,
    read_as,
)

_MOST_ACCOUNTS = 250


class AccountRow(XeroRow):
    """An account of the ledger."""

    code: str | None = Field(
        None, validation_alias="Code", description="Pass as `account_code`. Some accounts have none."
    )
    name: str = Field(validation_alias="Name")
    type: str | None = Field(None, validation_alias="Type", description="Such as BANK, REVENUE, EXPENSE.")
    tax_type: str | None = Field(None, validation_alias="TaxType")
    status: str | None = Field(None, validation_alias="Status")
    takes_payments: bool | None = Field(
        None,
        validation_alias="EnablePaymentsToAccount",
        description="Bank accounts take payments in any case.",
    )
    currency: str | None = Field(None, validation_alias="CurrencyCode", description="Of a bank account.")


class Accounts(Row):
    """The chart of accounts."""

    items: list[AccountRow]
    left_out: int = Field(0, description="How many more there are: ask again by `type`.")


class PaymentRow(XeroRow):
    """A payment on an invoice, bill or credit note."""

    payment_id: str = Field(validation_alias="PaymentID")
    date: CalendarDate | None = Field(None, validation_alias="Date")
    amount: Money | None = Field(None, validation_alias="Amount")
    currency: str | None = Field(
        None,
        validation_alias=AliasChoices(
            AliasPath("Invoice", "CurrencyCode"), AliasPath("CreditNote", "CurrencyCode")
        ),
        description="The invoice's; null when Xero did not say.",
    )
    type: str | None = Field(
        None, validation_alias="PaymentType", description="ACCRECPAYMENT: money in. ACCPAYPAYMENT: money out."
    )
    status: str | None = Field(None, validation_alias="Status", description="AUTHORISED or DELETED.")
    invoice_id: str | None = Field(None, validation_alias=AliasPath("Invoice", "InvoiceID"))
    invoice_number: str | None = Field(None, validation_alias=AliasPath("Invoice", "InvoiceNumber"))
    contact_name: str | None = Field(None, validation_alias=AliasPath("Invoice", "Contact", "Name"))
    account_code: str | None = Field(None, validation_alias=AliasPath("Account", "Code"))
    reference: str | None = Field(None, validation_alias="Reference")


class RecordedPayment(PaymentRow):
    """The payment as Xero saved it."""

    amount_still_due: Money | None = Field(
        None,
        validation_alias=AliasPath("Invoice", "AmountDue"),
        description="On the invoice, in its currency.",
    )


@tool(
    title="List Xero accounts",
    reads_only=True,
    needs_scopes=("accounting.settings.read", "accounting.settings"),
)
def list_accounts(
    api: Api,
    type: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z]{2,30}$", description="Such as BANK, REVENUE, EXPENSE, CURRENT, FIXED."),
    ] = None,
    status: Annotated[Literal["ACTIVE", "ARCHIVED"] | None, Field(description="Both when left out.")] = None,
) -> Accounts:
    """List the chart of accounts with the codes that invoices and payments need.

    Use it before creating an invoice (REVENUE, EXPENSE) or recording a payment (BANK, or takes_payments
    true). It holds no balances: for those use xero_get_balance_sheet or xero_get_profit_and_loss.
    """
    where = [f'Type=="{type.upper()}"'] if type else []
    where += [f'Status=="{status}"'] if status else []
    found, _ = read(api, "/Accounts", "Accounts", params={"where": " AND ".join(where), "order": "Code ASC"})
    rows = [read_as(AccountRow, record) for record in found[:_MOST_ACCOUNTS]]
    return Accounts(items=rows, left_out=len(found) - len(rows))


@tool(
    title="List Xero payments",
    reads_only=True,
    pages_by="page",
    needs_scopes=("accounting.payments.read", "accounting.payments"),
)
def list_payments(
    api: Api,
    date_from: Annotated[date | None, Field(description="First payment date to include.")] = None,
    date_to: Annotated[date | None, Field(description="Last payment date to include.")] = None,
    page: Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")] = 1,
) -> Page[PaymentRow]:
    """List payments received and made on invoices, bills and credit notes, newest first.

    Use it for "who paid when". It does not show other bank transactions; for one invoice's payments use
    xero_get_invoice. Amounts may be in different currencies: do not add them up.
    """
    filters = {"where": " AND ".join(dated_between(date_from, date_to)), "order": "Date DESC"}
    return read_page(api, "Payments", PaymentRow, filters, page=page)


@tool(title="Record Xero payment", destructive=True, needs_scopes=("accounting.payments",))
def record_payment(
    api: Api,
    invoice_id: Annotated[Identifier, Field(description="Its id (not its number), from xero_list_invoices.")],
    account_code: Annotated[
        AccountCode,
        Field(
            description=(
                "Where the money went or came from, from xero_list_accounts: a BANK account or one "
                "with takes_payments."
            )
        ),
    ],
    amount: Annotated[
        PositiveAmount, Field(description="In the invoice's currency, at most what is still due.")
    ],
    date: Annotated[date, Field(description="When the money moved.")],
    reference: Annotated[
        str | None, Field(max_length=255, description="Free text, such as a bank reference.")
    ] = None,
) -> RecordedPayment:
    """Record in the books that an approved invoice or bill was paid. It moves no money and cannot be undone
    here.

    Use it only when the person asked for it and the invoice is AUTHORISED; check what is due with
    xero_get_invoice first.
    """
    made = create(
        api,
        "/Payments",
        "Payments",
        {
            "Invoice": {"InvoiceID": invoice_id},
            "Account": {"Code": account_code},
            "Amount": float(amount),
            "Date": date.isoformat(),
            "Reference": reference,
        },
    )
    return read_as(RecordedPayment, made, wrote=True)
