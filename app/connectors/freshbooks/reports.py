"""Reports. Every figure belongs to one currency; currencies are never added together."""

import calendar
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.freshbooks.families import Query, all_accounting, dated_between, get_report
from app.connectors.freshbooks.invoices import PATH, Invoice
from app.connectors.freshbooks.values import (
    CurrencyCode,
    FreshBooksRow,
    Money,
    OptionalDay,
    Text,
    add_up,
    read_as,
    today,
    unreadable,
)
from app.connectors.function_tool import tool
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


class Revenue(Row):
    """The figures of one currency."""

    currency: str
    collected: Money = Field(description="Payments received in the period, for whatever invoice.")
    invoiced: Money = Field(description="Total of the invoices dated in the period, drafts left out.")
    outstanding: Money = Field(description="What of these invoices is still to be paid.")
    invoices: int


class RevenueReport(Row):
    """Revenue over a period."""

    start_date: date
    end_date: date
    currencies: list[Revenue] = Field(description="One row a currency; never add them together.")


class AgedClient(FreshBooksRow):
    """What one client owes, by days overdue."""

    client: Text = Field("", validation_alias="organization")
    client_id: int | None = Field(None, validation_alias="userid")
    email: Text = ""
    days_0_30: Money = Field(validation_alias=AliasPath("0-30", "amount"))
    days_31_60: Money = Field(validation_alias=AliasPath("31-60", "amount"))
    days_61_90: Money = Field(validation_alias=AliasPath("61-90", "amount"))
    days_91_plus: Money = Field(validation_alias=AliasPath("91+", "amount"))
    total: Money = Field(validation_alias=AliasPath("total", "amount"))


class AccountsAging(Row):
    """Who owes how much, and for how long."""

    end_date: date
    currency: str = Field(description="Of every amount here.")
    clients: list[AgedClient]
    total: Money


@tool(title="Get the revenue report", reads_only=True, needs_scopes=_READ)
def get_revenue_report(
    api: Api,
    start_date: Annotated[
        date | None, Field(description="First day, YYYY-MM-DD; left out: the first of the end date's month.")
    ] = None,
    end_date: Annotated[
        date | None, Field(description="Last day, YYYY-MM-DD; left out: the last of the current month.")
    ] = None,
    currency_code: Annotated[
        CurrencyCode | None, Field(description="Only this currency; left out: each one apart.")
    ] = None,
) -> RevenueReport:
    """Say what a FreshBooks business collected, invoiced and is still owed in a period, per currency.

    Without dates it is the current month. For single invoices use freshbooks_list_invoices; for how
    long clients have owed money use freshbooks_get_accounts_aging.
    """
    start, end = _period(start_date, end_date)
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
    end_date: Annotated[
        date | None, Field(description="As of this day, YYYY-MM-DD; left out: today.")
    ] = None,
    currency_code: Annotated[
        CurrencyCode | None, Field(description="One currency; left out: the business's own.")
    ] = None,
) -> AccountsAging:
    """Show which clients of a FreshBooks business owe money in one currency, by how long it is overdue.

    Use it to decide whom to remind. For income over a period use freshbooks_get_revenue_report.
    """
    report = get_report(
        api,
        "accounts_aging",
        end_date=end_date.isoformat() if end_date else None,
        currency_code=currency_code,
    )
    accounts: Any = report.get("accounts")
    if not isinstance(accounts, list):
        raise unreadable()
    clients = [read_as(AgedClient, entry) for entry in accounts]
    try:
        return AccountsAging(
            end_date=report.get("end_date"),
            currency=report.get("currency_code"),
            clients=clients,
            total=sum((client.total for client in clients), _NONE),
        )
    except ValueError:
        raise unreadable() from None


def issued_between(api: Api, start: date, end: date) -> list[Invoice]:
    """The invoices dated in these days, without drafts."""
    return [i for i in _invoices(api, dated_between(start, end)) if _counts(i, start, end)]


def payments_between(api: Api, start: date, end: date) -> list[Collected]:
    """The payments received on these days."""
    return [read_as(Collected, entry) for entry in _collected(api, start, end, "payments")]


def overdue_on(api: Api, day: date) -> list[Invoice]:
    """The unpaid invoices that were due before that day."""
    owed = _invoices(api, {"outstanding": True})
    return [i for i in owed if i.outstanding > 0 and i.due_date and i.due_date < day and _is_out(i)]


def _invoices(api: Api, search: Query) -> Iterator[Invoice]:
    return (read_as(Invoice, record) for record in all_accounting(api, PATH, "invoices", search=search))


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


def _period(start: date | None, end: date | None) -> tuple[date, date]:
    """The requested days; missing ones come from the current month."""
    if end is None:
        month = start if start and start > today() else today()
        end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    start = start or end.replace(day=1)
    check_order(start, end)
    return start, end


def _counts(invoice: Invoice, start: date, end: date) -> bool:
    """Whether it is revenue: no draft, and dated in these days by the row itself, not only by the filter."""
    return _is_out(invoice) and invoice.create_date is not None and start <= invoice.create_date <= end


def _is_out(invoice: Invoice) -> bool:
    return invoice.v3_status != "draft" and invoice.vis_state == 0
