"""Stripe's part of a summary: payments received."""

from datetime import UTC, date, datetime

from app.connectors.stripe.account import StripeAccount
from app.connectors.stripe.payments import Payment
from app.connectors.stripe.values import major, page_of, read_as
from app.connectors.summary import Days, Part, Summarizing, Sums
from app.errors import PermissionDenied, ProviderError

_MOST_PAGES = 10


def summarize(asked: Summarizing) -> list[Part]:
    """Payments that succeeded, by the day of the account's own calendar they were made on. Refunds are not
    taken off.
    """
    account = _account(asked)
    days = asked.days(account.timezone if account else None)
    sums = Sums(days, account.default_currency.upper() if account and account.default_currency else None)
    with asked.reading("payments"):
        found = [payment for span in days.spans() for payment in _payments(asked, *span)]
        sums.open("payments_received")
        for payment in found:
            received = payment.amount if payment.amount_received is None else payment.amount_received
            sums.add(
                "payments_received",
                payment.currency.upper(),
                major(received, payment.currency),
                _day(days, payment),
            )
    return sums.parts()


def _account(asked: Summarizing) -> StripeAccount | None:
    """The account's settings, or None: a restricted key often may not read them."""
    try:
        return read_as(StripeAccount, asked.api.get("/v1/account"))
    except PermissionDenied:
        return None


def _payments(asked: Summarizing, start: datetime, end: datetime) -> list[Payment]:
    """Payments that succeeded in that time. Raises ProviderError where there are too many to read now."""
    found: list[Payment] = []
    after = None
    for _ in range(_MOST_PAGES):
        created = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        page = page_of(
            asked.api,
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


def _day(days: Days, payment: Payment) -> date | None:
    return days.day_of(datetime.fromisoformat(payment.created).astimezone(UTC)) if payment.created else None
