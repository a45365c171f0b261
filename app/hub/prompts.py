"""First questions to ask an AI client, made from what is connected."""

from collections.abc import Iterable
from itertools import chain, zip_longest

from app.connectors.connector import Connector

_MOST = 3
# Each is answered by reading tools alone, which a new connection allows.
PROMPTS = {
    "freshbooks": (
        "Which invoices in FreshBooks are overdue, and by how much?",
        "Which clients in FreshBooks brought in the most revenue this year?",
        "How many hours did we log in FreshBooks this week, by project?",
    ),
    "xero": (
        "Which invoices in Xero are overdue, and by how much?",
        "How does this month's profit in Xero compare with last month's?",
        "Who are our ten biggest customers in Xero this year?",
    ),
    "quickbooks": (
        "Which customers owe us money in QuickBooks, and since when?",
        "Show our profit and loss in QuickBooks for the last three months.",
        "Which QuickBooks invoices are due this week?",
    ),
    "stripe": (
        "How much did we take in Stripe this week, and what were the fees?",
        "Which Stripe subscriptions were canceled this month?",
        "When is our next Stripe payout, and how much is it?",
    ),
    "gmail": (
        "Find the invoices in my Gmail from the last 30 days.",
        "Which emails in Gmail from this week still need my answer?",
    ),
    "google_sheets": (
        "List my Google Sheets and what each one is for.",
        "Summarize the first tab of my most recent spreadsheet in Google Sheets.",
    ),
    "xano": (
        "Which tables do we have in Xano, and how many records does each hold?",
        "Show the ten newest records of our largest table in Xano.",
    ),
    "servicefusion": (
        "Which ServiceFusion jobs are scheduled for today, and who is on them?",
        "Which ServiceFusion estimates are still open?",
    ),
    "flowpos": (
        "What were our sales in FlowPOS yesterday, by location?",
        "Which products in FlowPOS are running low?",
    ),
}


def of_service(connector: Connector) -> tuple[str, ...]:
    """The prompts of a service. One that a workspace brought itself has a general one."""
    return PROMPTS.get(connector.slug, (f"What can you look up for me in {connector.name}?",))


def for_services(connectors: Iterable[Connector]) -> tuple[str, ...]:
    """At most three prompts: the first of each service before the second of any."""
    by_turns = chain.from_iterable(zip_longest(*(of_service(connector) for connector in connectors)))
    return tuple(prompt for prompt in by_turns if prompt)[:_MOST]
