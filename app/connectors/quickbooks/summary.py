"""QuickBooks' part of a summary: invoices issued, payments received, and what is overdue."""

from datetime import date
from typing import TypeVar

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.quickbooks.accounting import home_currency, list_page
from app.connectors.quickbooks.invoices import InvoiceRow, is_voided
from app.connectors.quickbooks.query import Entity, where
from app.connectors.quickbooks.values import Money, OptionalDay, QuickBooksRow
from app.connectors.summary import Days, Part, Summarizing, Sums
from app.errors import ProviderError

_PAGE = 999  # one more is asked for, and QuickBooks sends a thousand at most
_MOST_PAGES = 3
AnyRow = TypeVar("AnyRow", bound=QuickBooksRow)


class _Received(QuickBooksRow):
    """A payment in a list."""

    total: Money = Field(validation_alias="TotalAmt")
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))


def summarize(asked: Summarizing) -> list[Part]:
    """The company's invoices and payments. QuickBooks names no time zone, so the workspace's counts."""
    api, days = asked.api, asked.days()
    home = home_currency(api)
    sums = Sums(days, home)
    with asked.reading("invoices"):
        issued = _all(api, InvoiceRow, "Invoice", _in_all(days))
        sums.open("invoices_issued")
        for invoice in issued:
            if not is_voided(invoice):
                sums.add("invoices_issued", invoice.currency or home, invoice.total, invoice.date)
    with asked.reading("payments"):
        received = _all(api, _Received, "Payment", _in_all(days))
        sums.open("payments_received")
        for payment in received:
            if payment.total:
                sums.add("payments_received", payment.currency or home, payment.total, payment.date)
    with asked.reading("overdue invoices"):
        late = _all(api, InvoiceRow, "Invoice", overdue_on(days.today))
        sums.open("overdue")
        for invoice in late:
            sums.add_now("overdue", invoice.currency or home, invoice.balance)
    return sums.parts()


def overdue_on(day: date) -> list[str]:
    """Conditions that keep the invoices which are overdue that day."""
    return [where("Balance", ">", "0"), where("DueDate", "<", day)]


def _in_all(days: Days) -> list[str]:
    return [where("TxnDate", ">=", days.before_first), where("TxnDate", "<=", days.last)]


def _all(api: Api, model: type[AnyRow], entity: Entity, conditions: list[str]) -> list[AnyRow]:
    """All records, page by page. Raises ProviderError when there are too many to read now."""
    found: list[AnyRow] = []
    for number in range(_MOST_PAGES):
        page = list_page(api, model, entity, conditions, "TxnDate DESC", limit=_PAGE, offset=number * _PAGE)
        found += page.items
        if page.next is None:
            return found
    raise ProviderError(
        f"There are more than {_MOST_PAGES * _PAGE} records in these days. Ask for fewer days at once."
    )
