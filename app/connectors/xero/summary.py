"""Xero's part of a summary: sales invoices issued, payments received for them, and what is overdue."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.connectors.summary import FigureTotals, Part, Summarizing
from app.connectors.summary_days import Days
from app.connectors.xero.accounting import dated_between, read, total_and_next
from app.connectors.xero.invoices import InvoiceRow
from app.connectors.xero.ledger import PaymentRow
from app.connectors.xero.organisations import Organisation, organisation
from app.connectors.xero.values import read_as
from app.connectors.xero.zones import iana_name
from app.errors import ProviderError

_PAGE_SIZE = 500
_MOST_PAGES = 6


def summarize(summary: Summarizing) -> list[Part]:
    """The organisation's sales invoices. Drafts, bills and voided documents do not count."""
    own: Organisation | None = None
    with summary.reading("settings"):
        own = organisation(summary.api)
    days = summary.days(iana_name(own.timezone) if own else None)
    totals = FigureTotals(days, own.base_currency if own else None)
    with summary.reading("invoices"):
        issued = _invoices(summary, "AUTHORISED,PAID", _in_both_spans(days))
        totals.add_all("invoices_issued", ((i.currency, i.total or Decimal(0), i.date) for i in issued))
    with summary.reading("payments"):
        received = _payments(summary, _in_both_spans(days))
        totals.add_all("payments_received", ((p.currency, p.amount or Decimal(0), p.date) for p in received))
    with summary.reading("overdue invoices"):
        until = dated_between(None, days.today - timedelta(days=1), field="DueDate")
        late = _invoices(summary, "AUTHORISED", until)
        totals.add_all("overdue", ((i.currency, i.amount_due, None) for i in late if i.amount_due))
    return totals.parts()


def _in_both_spans(days: Days) -> list[str]:
    """One query for the requested days and the compared ones: Xero allows 60 requests per minute."""
    return dated_between(days.before_first, days.last)


def _invoices(summary: Summarizing, statuses: str, dates: list[str]) -> Iterator[InvoiceRow]:
    where = " AND ".join(['Type=="ACCREC"', *dates])
    params = {"Statuses": statuses, "summaryOnly": "true", "where": where}
    return (read_as(InvoiceRow, record) for record in _records(summary, "Invoices", params))


def _payments(summary: Summarizing, dates: list[str]) -> Iterator[PaymentRow]:
    records = _records(summary, "Payments", {"where": " AND ".join(dates)})
    payments = (read_as(PaymentRow, record) for record in records)
    return (p for p in payments if p.type == "ACCRECPAYMENT" and p.status == "AUTHORISED")


def _records(summary: Summarizing, kind: str, params: dict[str, Any]) -> Iterator[Any]:
    """Every record, page by page, by id, so that pages neither overlap nor skip. Raises ProviderError above
    the page limit.
    """
    page: int | None = 1
    while page is not None:
        if page > _MOST_PAGES:
            raise ProviderError(
                f"There are more than {_MOST_PAGES * _PAGE_SIZE} records in these days. Ask for fewer days "
                "at once."
            )
        found, body = read(
            summary.api,
            f"/{kind}",
            kind,
            params={
                **params,
                "page": page,
                "pageSize": _PAGE_SIZE,
                "order": f"{kind.removesuffix('s')}ID ASC",
            },
        )
        yield from found
        _, page = total_and_next(body, page, len(found), _PAGE_SIZE)
