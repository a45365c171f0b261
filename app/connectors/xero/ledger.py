"""The chart of accounts, and payments on invoices."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasChoices, AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.rows import Page, Row
from app.connectors.xero.accounting import dated_between, read, read_page
from app.connectors.xero.values import CalendarDate, PageNumber, XeroRow, read_as

_MOST_ACCOUNTS = 250
_COMMON_TYPES = "BANK, REVENUE, SALES, EXPENSE, OVERHEADS, DIRECTCOSTS, CURRENT, FIXED, CURRLIAB, EQUITY"


class AccountRow(XeroRow):
    """An account of the ledger."""

    account_id: str = Field(validation_alias="AccountID")
    code: str | None = Field(
        None, validation_alias="Code", description="Bank accounts may have none: use account_id."
    )
    name: str | None = Field(None, validation_alias="Name")
    type: str | None = Field(None, validation_alias="Type", description="Such as BANK, REVENUE, EXPENSE.")
    tax_type: str | None = Field(None, validation_alias="TaxType")
    status: str | None = Field(None, validation_alias="Status")
    takes_payments: bool | None = Field(
        None,
        validation_alias="EnablePaymentsToAccount",
        description="Bank accounts take payments in any case.",
    )
    currency: str | None = Field(None, validation_alias="CurrencyCode", description="Of a bank account.")

    @property
    def named(self) -> str:
        """Name and code: "Sales (200)"."""
        return f"{self.name} ({self.code})" if self.name and self.code else self.name or self.code or ""


class Accounts(Row):
    """The chart of accounts."""

    items: list[AccountRow]
    left_out: int = Field(0, description="How many more there are: filter by `type`.")


# What a payment can be on (Xero-OpenAPI, Payment).
_DOCUMENTS = ("Invoice", "CreditNote", "Prepayment", "Overpayment")


class PaymentRow(XeroRow):
    """A payment on an invoice, bill or credit note."""

    payment_id: str = Field(validation_alias="PaymentID")
    date: CalendarDate | None = Field(None, validation_alias="Date")
    amount: Money | None = Field(None, validation_alias="Amount")
    currency: str | None = Field(
        None,
        validation_alias=AliasChoices(*(AliasPath(document, "CurrencyCode") for document in _DOCUMENTS)),
        description="The document's; null when Xero did not say.",
    )
    type: str | None = Field(
        None,
        validation_alias="PaymentType",
        description="ACCRECPAYMENT: money in. ACCPAYPAYMENT: money out. Others are refunds.",
    )
    status: str | None = Field(None, validation_alias="Status", description="AUTHORISED or DELETED.")
    invoice_id: str | None = Field(None, validation_alias=AliasPath("Invoice", "InvoiceID"))
    invoice_number: str | None = Field(None, validation_alias=AliasPath("Invoice", "InvoiceNumber"))
    contact_name: str | None = Field(
        None,
        validation_alias=AliasChoices(*(AliasPath(document, "Contact", "Name") for document in _DOCUMENTS)),
    )
    account_id: str | None = Field(None, validation_alias=AliasPath("Account", "AccountID"))
    account_code: str | None = Field(None, validation_alias=AliasPath("Account", "Code"))
    reference: str | None = Field(None, validation_alias="Reference")


@tool(
    title="List Xero accounts",
    reads_only=True,
    needs_scopes=("accounting.settings.read", "accounting.settings"),
)
def list_accounts(
    api: Api,
    type: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z]{2,30}$", description="Such as BANK, REVENUE, EXPENSE."),
    ] = None,
    status: Annotated[Literal["ACTIVE", "ARCHIVED"] | None, Field(description="Default: both.")] = None,
) -> Accounts:
    """List the chart of accounts with the codes that invoices (REVENUE, EXPENSE) and payments (BANK, or
    takes_payments) need.

    Balances are in xero_get_balance_sheet.
    """
    where = [f'Type=="{type.upper()}"'] if type else []
    where += [f'Status=="{status}"'] if status else []
    found, _ = read(api, "/Accounts", "Accounts", params={"where": " AND ".join(where), "order": "Code ASC"})
    rows = [read_as(AccountRow, record) for record in found[:_MOST_ACCOUNTS]]
    if type and not rows:
        api.say(f"No account has this type. The usual types are {_COMMON_TYPES}.")
    return Accounts(items=rows, left_out=len(found) - len(rows))


@tool(
    title="List Xero payments",
    reads_only=True,
    pages_by="page",
    needs_scopes=("accounting.payments.read", "accounting.payments"),
)
def list_payments(
    api: Api,
    date_from: Annotated[date | None, Field(description="First payment date.")] = None,
    date_to: Annotated[date | None, Field(description="Last one.")] = None,
    page: PageNumber = 1,
) -> Page[PaymentRow]:
    """List payments received and made on invoices, bills and credit notes, newest first.

    No other bank transactions; one invoice's payments are in xero_get_invoice. Currencies may differ: do not
    add amounts up.
    """
    check_order(date_from, date_to)
    # Without the id, payments of one day may repeat or vanish between pages.
    filters = {
        "where": " AND ".join(dated_between(date_from, date_to)),
        "order": "Date DESC,PaymentID DESC",
    }
    return read_page(api, "Payments", PaymentRow, filters, page=page)


def active_accounts(api: Api) -> list[AccountRow]:
    """Every active account of the ledger."""
    found, _ = read(api, "/Accounts", "Accounts", params={"where": 'Status=="ACTIVE"', "order": "Code ASC"})
    return [read_as(AccountRow, record) for record in found]
