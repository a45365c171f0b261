"""What can be sold, and the chart of accounts."""

from typing import Annotated, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.quickbooks.accounting import home_currency, list_page
from app.connectors.quickbooks.query import contains, where
from app.connectors.quickbooks.values import Limit, Money, Offset, Quantity, QuickBooksRow, SearchText
from app.connectors.rows import Page

Classification = Literal["Asset", "Liability", "Equity", "Revenue", "Expense"]


class Item(QuickBooksRow):
    """A product or service."""

    item_id: str = Field(validation_alias="Id")
    name: str | None = Field(None, validation_alias="Name")
    type: str | None = Field(
        None,
        validation_alias="Type",
        description="Service, NonInventory, Inventory, Group or Category; a Category is not sold.",
    )
    description: str | None = Field(None, validation_alias="Description")
    unit_price: Money | None = Field(None, validation_alias="UnitPrice", description="Usual unit price.")
    currency: str | None = Field(None, description="The company's home currency.")
    quantity_on_hand: Quantity | None = Field(None, validation_alias="QtyOnHand", description="Of inventory.")
    income_account: str | None = Field(None, validation_alias=AliasPath("IncomeAccountRef", "name"))


class AccountRow(QuickBooksRow):
    """An account of the ledger."""

    account_id: str = Field(validation_alias="Id")
    name: str | None = Field(None, validation_alias="Name")
    full_name: str | None = Field(
        None, validation_alias="FullyQualifiedName", description="Including its parent accounts."
    )
    number: str | None = Field(None, validation_alias="AcctNum")
    classification: str | None = Field(None, validation_alias="Classification")
    type: str | None = Field(
        None, validation_alias="AccountType", description="Such as Bank, Income, Expense."
    )
    subtype: str | None = Field(None, validation_alias="AccountSubType")
    current_balance: Money | None = Field(
        None,
        validation_alias="CurrentBalance",
        description="Excluding sub-accounts; 0 for income and expenses.",
    )
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))


@tool(title="List QuickBooks items", reads_only=True, pages_by="offset")
def list_items(
    api: Api,
    search: Annotated[SearchText | None, Field(description="Text in the name.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[Item]:
    """List active products and services with their usual prices and the ids that invoice lines need."""
    conditions = [where("Active", "=", True), *([contains("Name", search)] if search else [])]
    page = list_page(api, Item, "Item", conditions, "Name", limit=limit, offset=offset)
    for item in page.items:
        item.currency = home_currency(api)
    return page


@tool(title="List QuickBooks accounts", reads_only=True, pages_by="offset")
def list_accounts(
    api: Api,
    classification: Annotated[Classification | None, Field(description="Only these.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[AccountRow]:
    """List the chart of accounts with current balances, such as what is in the bank.

    For balances on an earlier day use quickbooks_get_balance_sheet, for income and expenses
    quickbooks_get_profit_and_loss.
    """
    conditions = [where("Classification", "=", classification)] if classification else []
    page = list_page(api, AccountRow, "Account", conditions, "Name", limit=limit, offset=offset)
    for account in page.items:
        account.currency = account.currency or home_currency(api)
    return page
