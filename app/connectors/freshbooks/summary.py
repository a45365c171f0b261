"""FreshBooks' part of a summary: invoices issued, payments received, and what is overdue."""

from zoneinfo import ZoneInfo

from app.connectors.freshbooks.business_time import zone_of
from app.connectors.freshbooks.reports import issued_between, overdue_on, payments_between
from app.connectors.summary import FigureTotals, Part, Summarizing


def summarize(summary: Summarizing) -> list[Part]:
    """The business's invoices and payments by its own calendar, or the workspace's if it names no zone."""
    api = summary.api
    zone = zone_of(api)
    days = summary.days(zone.key if isinstance(zone, ZoneInfo) else None)
    totals = FigureTotals(days, home=None)
    with summary.reading("invoices"):
        issued = issued_between(api, days.before_first, days.last)
        totals.add_all("invoices_issued", ((i.currency, i.amount, i.create_date) for i in issued))
    with summary.reading("payments"):
        received = payments_between(api, days.before_first, days.last)
        totals.add_all("payments_received", ((p.currency, p.amount, p.date) for p in received))
    with summary.reading("overdue invoices"):
        late = overdue_on(api, days.today)
        totals.add_all("overdue", ((i.currency, i.outstanding, None) for i in late))
    return totals.parts()
