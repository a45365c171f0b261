"""The demo accounts and their keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox.rules import DemoKey
from app.sandbox.service import DemoCompany

_SALES = ("customer", "invoice", "payment_intent", "charge", "subscription")
_READS = (*_SALES, "product", "price", "payout", "balance")
_WRITES = ("customer", "invoice", "payment_link", "charge", "subscription")
READING = tuple(f"{name}_read" for name in _READS)
WRITING = tuple(f"{name}_write" for name in _WRITES)
ALL = (*READING, *WRITING, "accounts_kyc_basic_read")


@dataclass(frozen=True)
class DemoAccount:
    """A Stripe account."""

    key: str
    id: str
    name: str
    email: str
    country: str
    currency: str
    timezone: str


ACCOUNTS: Mapping[str, DemoAccount] = {
    account.key: account
    for account in (
        DemoAccount(
            "byrd", "acct_1PgafTB7WZ01zgkW", "Byrd Ltd", "ada@byrd.example", "US", "usd", "America/New_York"
        ),
        DemoAccount(
            "harbour",
            "acct_1QhbgUC8XA12ahlX",
            "Harbour Kiosk KK",
            "ken@harbour-kiosk.example",
            "JP",
            "jpy",
            "Asia/Tokyo",
        ),
    )
}
COMPANIES = (
    DemoCompany("byrd", "Byrd Ltd", "ada@byrd.example", "Consulting, in US dollars."),
    DemoCompany("harbour", "Harbour Kiosk KK", "ken@harbour-kiosk.example", "A kiosk, in yen."),
)
KEYS = {
    "rk_test_sandbox_byrd": DemoKey("byrd", "ada@byrd.example", ALL),
    "rk_test_sandbox_harbour": DemoKey("harbour", "ken@harbour-kiosk.example", ALL),
    "rk_test_sandbox_reader": DemoKey("byrd", "ada@byrd.example", READING),
    "rk_test_sandbox_writer": DemoKey("byrd", "ada@byrd.example", ("balance_read", *WRITING)),
    "sk_test_sandbox_byrd": DemoKey("byrd", "ada@byrd.example", ALL),
}
