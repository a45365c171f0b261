"""FreshBooks' part of a summary: invoices issued, payments received, and what is overdue."""

from app.connectors.freshbooks.reports import issued_between, overdue_on, payments_between
from app.connectors.summary import Part, Summarizing, Sums


def summarize(asked: Summarizing) -> list[Part]:
    """The business's invoices and payments. FreshBooks names no time zone, so the workspace's counts."""
    api, days = asked.api, asked.days()
    sums = Sums(days, home=None)
    with asked.reading("invoices"):
        issued = issued_between(api, days.before_first, days.last)
        sums.open("invoices_issued")
        for invoice in issued:
            sums.add("invoices_issued", invoice.currency, invoice.amount, invoice.create_date)
    with asked.reading("payments"):
        received = payments_between(api, days.before_first, days.last)
        sums.open("payments_received")
        for payment in received:
            sums.add("payments_received", payment.currency, payment.amount, payment.date)
    with asked.reading("overdue invoices"):
        late = overdue_on(api, days.today)
        sums.open("overdue")
        for invoice in late:
            sums.add_now("overdue", invoice.currency, invoice.outstanding)
    return sums.parts()
