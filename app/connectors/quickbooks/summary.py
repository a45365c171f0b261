"""QuickBooks' part of a summary: invoices issued, payments received, and what is overdue."""

from datetime import date
from typing import TypeVar

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.quickbooks.accounting import home_currency, list_page
from app.connectors.quickbooks.invoices import InvoiceRow, is_voided
from app.connectors.quickbooks.query import Entity, where
from app.connectors.quickbooks.values import Money, OptionalDay, QuickBooksRow
from app.connectors.summary import FigureTotals, Part, Summarizing
from app.connectors.summary_days import Days
from app.errors import ProviderError

_PAGE = 999  # a page requests one more, and QuickBooks sends a thousand at most
_MOST_PAGES = 3
AnyRow = TypeVar("AnyRow", bound=QuickBooksRow)


class _Received(QuickBooksRow):
    """A payment in a list."""

    total: Money = Field(validation_alias="TotalAmt")
    date: OptionalDay = Field(None, validation_alias="TxnDate")
    currency: str | None = Field(None, validation_alias=AliasPath("CurrencyRef", "value"))


class _Issued(InvoiceRow):
    """An invoice whose amounts are known: a sum without one of them would be wrong."""

    total: Money = Field(validation_alias="TotalAmt")
    balance: Money = Field(validation_alias="Balance")


def summarize(summary: Summarizing) -> list[Part]:
    """The company's invoices and payments. QuickBooks names no time zone, so the workspace's applies."""
    api, days = summary.api, summary.days()
    home = home_currency(api)
    totals = FigureTotals(days, home)
    with summary.reading("invoices"):
        issued = [i for i in _all(api, _Issued, "Invoice", _in_both_spans(days)) if not is_voided(i)]
        totals.add_all("invoices_issued", ((i.currency or home, i.total, i.date) for i in issued))
    with summary.reading("payments"):
        received = [p for p in _all(api, _Received, "Payment", _in_both_spans(days)) if p.total]
        totals.add_all("payments_received", ((p.currency or home, p.total, p.date) for p in received))
    with summary.reading("overdue invoices"):
        late = _all(api, _Issued, "Invoice", overdue_on(days.today))
        totals.add_all("overdue", ((i.currency or home, i.balance, None) for i in late))
    return totals.parts()


def overdue_on(day: date) -> list[str]:
    """Query conditions for the invoices overdue on that day."""
    return [where("Balance", ">", "0"), where("DueDate", "<", day)]


def _in_both_spans(days: Days) -> list[str]:
    return [where("TxnDate", ">=", days.before_first), where("TxnDate", "<=", days.last)]


def _all(api: Api, model: type[AnyRow], entity: Entity, conditions: list[str]) -> list[AnyRow]:
    """Every record, page by page, by id, so that pages neither overlap nor skip.

    Raises ProviderError above the page limit.
    """
    found: list[AnyRow] = []
    for number in range(_MOST_PAGES):
        page = list_page(api, model, entity, conditions, "Id", limit=_PAGE, offset=number * _PAGE)
        found += page.items
        if page.next is None:
            return found
    raise ProviderError(
        f"There are more than {_MOST_PAGES * _PAGE} records in these days. Ask for fewer days at once."
    )
