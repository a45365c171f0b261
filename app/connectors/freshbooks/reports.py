"""Reports. Every figure belongs to one currency; currencies are never added together."""

import calendar
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.freshbooks.business_time import today
from app.connectors.freshbooks.families import Query, all_accounting, dated_between, get_report
from app.connectors.freshbooks.invoices import PATH, Invoice
from app.connectors.freshbooks.values import (
    CurrencyCode,
    FreshBooksRow,
    OptionalDay,
    Text,
    add_up,
    read_as,
    unreadable,
)
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
from app.connectors.rows import Row

_READ = ("user:reports:read",)
_NONE = Decimal("0.00")


class _Sum(FreshBooksRow):
    """`{"amount":"53.13","code":"USD"}`."""

    amount: Money
    code: str


class Collected(FreshBooksRow):
    """A payment in the report of payments."""

    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    currency: str = Field(validation_alias=AliasPath("amount", "code"))
    date: OptionalDay = None


class CountedInvoice(Invoice):
    """An invoice in a sum: without one of these a total would quietly be too small."""

    amount: Money = Field(validation_alias=AliasPath("amount", "amount"))
    outstanding: Money = Field(validation_alias=AliasPath("outstanding", "amount"))
    currency: str = Field(validation_alias=AliasPath("amount", "code"))
    v3_status: str
    create_date: date


class Revenue(MoneyRow):
    """The figures of one currency."""

    currency: str
    collected: Money = Field(description="Payments received in the period, for any invoice.")
    invoiced: Money = Field(description="Total of the invoices dated in the period, excluding drafts.")
    outstanding: Money = Field(description="Balance due on these invoices.")
    invoices: int


class RevenueReport(Row):
    """Revenue over a period."""

    start_date: date
    end_date: date
    currencies: list[Revenue] = Field(description="One row per currency; never add them together.")


class AgedClient(FreshBooksRow):
    """What one client owes, by days overdue."""

    client: Text = Field("", validation_alias="organization")
    client_id: int | None = Field(None, validation_alias="userid")
    email: Text = ""
    days_0_30: Money | None = Field(None, validation_alias=AliasPath("0-30", "amount"))
    days_31_60: Money | None = Field(None, validation_alias=AliasPath("31-60", "amount"))
    days_61_90: Money | None = Field(None, validation_alias=AliasPath("61-90", "amount"))
    days_91_plus: Money | None = Field(None, validation_alias=AliasPath("91+", "amount"))
    total: Money = Field(validation_alias=AliasPath("total", "amount"))


class AccountsAging(FreshBooksRow):
    """Who owes how much, and for how long."""

    end_date: OptionalDay = None
    currency: str | None = Field(None, validation_alias="currency_code")
    clients: list[AgedClient] = Field(validation_alias="accounts")
    total: Money = _NONE


@tool(title="Get the revenue report", reads_only=True, needs_scopes=_READ)
def get_revenue_report(
    api: Api,
    start_date: Annotated[date | None, Field(description="Default: the first of the end's month.")] = None,
    end_date: Annotated[date | None, Field(description="Default: the last of this month.")] = None,
    currency_code: CurrencyCode | None = None,
) -> RevenueReport:
    """Get what the business collected, invoiced and is still owed in a period, per currency.

    How long clients have owed money is in freshbooks_get_accounts_aging.
    """
    start, end = _period(api, start_date, end_date)
    totals = _collected(api, start, end, "totals", currency_code)
    collected = {total.code: total.amount for total in (read_as(_Sum, entry) for entry in totals)}
    issued = issued_between(api, start, end)
    invoiced = add_up((i.currency, i.amount) for i in issued)
    outstanding = add_up((i.currency, i.outstanding) for i in issued)
    rows = [
        Revenue(
            currency=code,
            collected=collected.get(code, _NONE),
            invoiced=invoiced.get(code, _NONE),
            outstanding=outstanding.get(code, _NONE),
            invoices=sum(i.currency == code for i in issued),
        )
        for code in sorted({*collected, *invoiced})
        if currency_code in {None, code}
    ]
    return RevenueReport(start_date=start, end_date=end, currencies=rows)


@tool(title="Get accounts aging", reads_only=True, needs_scopes=_READ)
def get_accounts_aging(
    api: Api,
    end_date: Annotated[date | None, Field(description="Default: today.")] = None,
    currency_code: Annotated[CurrencyCode | None, Field(description="Default: the business's.")] = None,
) -> AccountsAging:
    """Get what clients owe in one currency, by days overdue, to decide whom to remind."""
    report = get_report(
        api,
        "accounts_aging",
        end_date=(end_date or today(api)).isoformat(),
        currency_code=currency_code,
    )
    accounts = report.get("accounts")
    if not isinstance(accounts, list):
        raise unreadable()
    clients = [read_as(AgedClient, entry) for entry in accounts]
    aging = read_as(AccountsAging, {**report, "accounts": [], "total": None})
    aging.clients, aging.total = clients, sum((client.total for client in clients), _NONE)
    return aging


def issued_between(api: Api, start: date, end: date) -> list[CountedInvoice]:
    """The invoices dated in these days, without drafts."""
    return [i for i in _invoices(api, dated_between(start, end)) if _counts(i, start, end)]


def payments_between(api: Api, start: date, end: date) -> list[Collected]:
    """The payments received on these days."""
    return [read_as(Collected, entry) for entry in _collected(api, start, end, "payments")]


def overdue_on(api: Api, day: date) -> list[CountedInvoice]:
    """The unpaid invoices that were due before that day."""
    owed = _invoices(api, {"outstanding": True})
    return [i for i in owed if i.outstanding > 0 and i.due_date and i.due_date < day and _is_out(i)]


def _invoices(api: Api, search: Query) -> Iterator[CountedInvoice]:
    found = all_accounting(api, PATH, "invoices", search=search)
    return (read_as(CountedInvoice, record) for record in found)


def _collected(api: Api, start: date, end: date, member: str, currency_code: str | None = None) -> list[Any]:
    report = get_report(
        api,
        "payments_collected",
        start_date=start.isoformat(),
        end_date=end.isoformat(),
        currency_code=currency_code,
    )
    found = report.get(member)
    if not isinstance(found, list):
        raise unreadable()
    return found


def _period(api: Api, start: date | None, end: date | None) -> tuple[date, date]:
    """The requested days; missing ones come from the business's current month."""
    if end is None:
        now = today(api)
        month = start if start and start > now else now
        end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    start = start or end.replace(day=1)
    check_order(start, end)
    return start, end


def _counts(invoice: CountedInvoice, start: date, end: date) -> bool:
    """Whether it is revenue: no draft, and dated in these days by the row itself, not only by the filter."""
    return _is_out(invoice) and start <= invoice.create_date <= end


def _is_out(invoice: Invoice) -> bool:
    return invoice.v3_status != "draft" and invoice.vis_state == 0
