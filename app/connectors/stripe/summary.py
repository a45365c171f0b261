"""Stripe's part of a summary: payments received."""

from datetime import datetime
from decimal import Decimal

from app.connectors.stripe.account import StripeAccount
from app.connectors.stripe.payments import Payment
from app.connectors.stripe.records import page_of
from app.connectors.stripe.values import read_as, unreadable
from app.connectors.summary import FigureTotals, Part, Summarizing
from app.errors import PermissionDenied, ProviderError

_MOST_PAGES = 10


def summarize(summary: Summarizing) -> list[Part]:
    """Succeeded payments by the account's own calendar. Refunds are not subtracted."""
    account = _account(summary)
    days = summary.days(account.timezone if account else None)
    home = account.default_currency if account else None
    totals = FigureTotals(days, home, timed=True)
    with summary.reading("payments"):
        received = (payment for span in days.spans() for payment in _payments(summary, *span))
        totals.add_all("payments_received", map(_entry, received))
    return totals.parts()


def _account(summary: Summarizing) -> StripeAccount | None:
    """The account's settings, or None, as a restricted key often may not read them."""
    try:
        return read_as(StripeAccount, summary.api.get("/v1/account"))
    except PermissionDenied:
        return None


def _payments(summary: Summarizing, start: datetime, end: datetime) -> list[Payment]:
    """Payments that succeeded in that span. Raises ProviderError above the page limit."""
    found: list[Payment] = []
    after = None
    for _ in range(_MOST_PAGES):
        created = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        page = page_of(
            summary.api,
            "/v1/payment_intents",
            Payment,
            {"created": created, "limit": 100, "starting_after": after},
        )
        found += [payment for payment in page.items if payment.status == "succeeded"]
        after = page.next
        if after is None:
            return found
    raise ProviderError(
        f"There are more than {_MOST_PAGES * 100} payments in these days. Ask for fewer days at once."
    )


def _entry(payment: Payment) -> tuple[str | None, Decimal, datetime]:
    """Raises ProviderUnavailable for an odd payment: without it the total would be too low."""
    received = payment.amount if payment.amount_received is None else payment.amount_received
    if received is None or payment.currency is None or payment.created is None:
        raise unreadable()
    return payment.currency, received, datetime.fromisoformat(payment.created)
