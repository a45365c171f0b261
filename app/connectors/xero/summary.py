"""Xero's part of a summary: sales invoices issued, payments received for them, and what is overdue."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.connectors.summary import Days, Part, Summarizing, Sums
from app.connectors.xero.accounting import dated_between, read, total_and_next
from app.connectors.xero.invoices import InvoiceRow
from app.connectors.xero.ledger import PaymentRow
from app.connectors.xero.organisations import Organisation, organisation
from app.connectors.xero.values import read_as
from app.connectors.xero.zones import iana_name
from app.errors import ProviderError

_PAGE_SIZE = 500
_MOST_PAGES = 6
_SALES = 'Type=="ACCREC"'


def summarize(asked: Summarizing) -> list[Part]:
    """The organisation's sales invoices. Drafts, bills and voided documents do not count."""
    own: Organisation | None = None
    with asked.reading("settings"):
        own = organisation(asked.api)
    days = asked.days(iana_name(own.timezone) if own else None)
    sums = Sums(days, own.base_currency if own else None)
    with asked.reading("invoices"):
        issued = [
            read_as(InvoiceRow, record)
            for record in _invoices(asked, "AUTHORISED,PAID", [_SALES, *_in_all(days)])
        ]
        sums.open("invoices_issued")
        for invoice in issued:
            sums.add("invoices_issued", invoice.currency, invoice.total or Decimal(0), invoice.date)
    with asked.reading("payments"):
        payments = [
            read_as(PaymentRow, record)
            for record in _records(asked, "Payments", {"where": " AND ".join(_in_all(days))})
        ]
        sums.open("payments_received")
        for payment in payments:
            if payment.type == "ACCRECPAYMENT" and payment.status == "AUTHORISED":
                sums.add("payments_received", payment.currency, payment.amount or Decimal(0), payment.date)
    with asked.reading("overdue invoices"):
        until = dated_between(None, days.today - timedelta(days=1), field="DueDate")
        late = [read_as(InvoiceRow, record) for record in _invoices(asked, "AUTHORISED", [_SALES, *until])]
        sums.open("overdue")
        for invoice in late:
            if invoice.amount_due:
                sums.add_now("overdue", invoice.currency, invoice.amount_due)
    return sums.parts()


def _in_all(days: Days) -> list[str]:
    """One question for the days asked and those compared with, as requests are few: 60 a minute."""
    return dated_between(days.before_first, days.last)


def _invoices(asked: Summarizing, statuses: str, where: list[str]) -> Iterator[Any]:
    return _records(
        asked, "Invoices", {"Statuses": statuses, "summaryOnly": "true", "where": " AND ".join(where)}
    )


def _records(asked: Summarizing, kind: str, params: dict[str, Any]) -> Iterator[Any]:
    """All of them, page by page. Raises ProviderError when there are too many to read now."""
    page: int | None = 1
    while page is not None:
        if page > _MOST_PAGES:
            raise ProviderError(
                f"There are more than {_MOST_PAGES * _PAGE_SIZE} records in these days. Ask for fewer days "
                "at once."
            )
        found, body = read(
            asked.api,
            f"/{kind}",
            kind,
            params={**params, "page": page, "pageSize": _PAGE_SIZE, "order": "Date DESC"},
        )
        yield from found
        _, page = total_and_next(body, page, len(found), _PAGE_SIZE)
